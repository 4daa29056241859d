/** What the tests of the ORU reader share: a plain message, line by line, and its reading. */

import { readHl7Payload } from '../../../src/lab/from-hl7/from-hl7.ts';
import type { LaboratoryRegistry, LabReport, LabResult, PayloadReading } from '../../../src/lab/lab.ts';
import { loadLaboratoryRegistry } from '../../../src/lab/registry.ts';

export const MSH = 'MSH|^~\\&|LAB|DIAGZUID||500088002|20261120101500||ORU^R01^ORU_R01|C1|P|2.5.1||||||UNICODE UTF-8';
export const PID = 'PID|1||999918606^^^NLMINBIZA^NNNLD||Bakker&&Bakker&&Smit^Els^E.^^^^L||19720618|F';
export const OBR = 'OBR|1||Z1|CHEM^Chemie^L|||20261120083000||||||||||||||||||F';
export const OBX = 'OBX|1|NM|513^Kalium^NHG45||4.1|mmol/l|3.5 - 5.1||||F';

export function payloadOf(bytes: Buffer) {
  return { source: 'file', kind: 'hl7', bytes, charset: null, mailSender: null, attachments: [] } as const;
}

export function readingOf(...lines: readonly string[]): PayloadReading {
  return readingBy(loadLaboratoryRegistry(), ...lines);
}

export function readingBy(registry: LaboratoryRegistry, ...lines: readonly string[]): PayloadReading {
  const [reading, ...others] = readHl7Payload(payloadOf(Buffer.from(lines.join('\r'))), registry);
  if (reading === undefined || others.length > 0) throw new Error('not one message');
  return reading;
}

export function reportOf(...lines: readonly string[]): LabReport {
  return reportBy(loadLaboratoryRegistry(), ...lines);
}

export function reportBy(registry: LaboratoryRegistry, ...lines: readonly string[]): LabReport {
  const { reports, code } = readingBy(registry, ...lines);
  const [report] = reports;
  if (report === undefined || reports.length > 1) throw new Error(`not one report: ${code}`);
  return report;
}

/** The only result of a plain message with this OBX. */
export function resultOf(obx: string, ...notes: readonly string[]): LabResult {
  const [result, ...others] = reportOf(MSH, PID, OBR, obx, ...notes).specimens[0]?.results ?? [];
  if (result === undefined || others.length > 0) throw new Error('not one result');
  return result;
}

export function warningsOf(...lines: readonly string[]): readonly string[] {
  return readingOf(...lines).warnings.map(({ code }) => code);
}
