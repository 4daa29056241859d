/** A MEDLAB message put together from lines, so that a test shows only the line that it is about. */

import type { LabReport, PayloadReading, Specimen } from '../../../src/lab/lab.ts';
import { readPayload } from '../../../src/lab/lab.ts';
import { loadLaboratoryRegistry } from '../../../src/lab/registry.ts';

export const registry = loadLaboratoryRegistry();

export const UNB = 'UNB+UNOA:1+500099001+500088001+261116:0915+R1';
export const HEAD = [
  'ZKH+Laboratorium Noord',
  'PID+1980:10:25+V+::Jansen:::P.++BSN999990019',
  'AFD+Klinische chemie',
  'ARA:1+Dr. C. Chemicus',
];
export const GROUP = ['DET:1+26:11:16+08:10', 'IDE:1+J+26110001+Serum'];
export const RESULT = 'BEP:1:1:1+0+Kreatinine+78++umol/l++50+100+KREAB';

/** The reading of a message with this body, correctly closed. */
export function readBody(body: readonly string[], unb = UNB): PayloadReading {
  const lines = [unb, 'UNH+1+MEDLAB:1', ...body, `UNT+${body.length + 2}+1`, 'UNZ+1+R1'];
  return readBytes(Buffer.from(lines.map((line) => `${line}'`).join('\n')));
}

export function readBytes(bytes: Buffer): PayloadReading {
  const [reading] = readAll(bytes);
  if (reading === undefined) throw new Error('no reading');
  return reading;
}

export function readAll(bytes: Buffer): readonly PayloadReading[] {
  const nothing = { charset: null, mailSender: null, attachments: [] };
  return readPayload({ source: 'file', kind: 'edifact', bytes, ...nothing }, registry);
}

/** The only report of a reading that is one. */
export function reportOf(reading: PayloadReading): LabReport {
  const [report] = reading.reports;
  if (reading.outcome !== 'reports' || report === undefined) throw new Error(`${reading.outcome} ${reading.code}`);
  return report;
}

export function specimenOf(reading: PayloadReading): Specimen {
  const [specimen] = reportOf(reading).specimens;
  if (specimen === undefined) throw new Error('no specimen');
  return specimen;
}

/** `code segment-tag element` of every warning. */
export function warningsOf({ warnings }: PayloadReading): readonly string[] {
  return warnings.map(({ code, position }) => [code, position?.tag, position?.element].filter(Boolean).join(' '));
}
