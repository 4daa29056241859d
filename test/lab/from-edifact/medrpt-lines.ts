/** A MEDRPT message put together from lines, for a laboratory that MEDRPT is enabled for unless a test says otherwise. */

import type { LaboratoryRegistry, LabResult, PayloadReading } from '../../../src/lab/lab.ts';
import { readPayload } from '../../../src/lab/lab.ts';
import { specimenOf } from './medlab-lines.ts';

export const UNB = 'UNB+UNOA:1+500099001+500088001+261116:0915+R1';
export const PARTIES = [
  'BGM+LRP:MF:ITN+8642097+9+NA',
  'DTM+137:202611160910:203',
  'S01+1',
  'NAD+SLA+06099001:CLB:VEK++LAB :NOORD:::01099001',
  'S01+2',
  'NAD+PO+01099001:CGP:VEK++Linde:AB:ter+Lindelaan+5+Lindedorp+9902BB',
];
export const REQUEST = ['S02+1+N', 'RFF+SRI:26110301', 'STS++G'];
export const PNA = 'PNA+PAT+::999990019:PCL:LZB+++NAN:Jansen+NVV:P*van+NEA:Berg+NEV:van de';
export const PATIENT = ['S07+1', PNA, 'DTM+329:19801025:102', 'PDI+2'];
export const MATERIAL = ['S16+1', 'SPC+TSP', 'DTM+SCO:202611160810:203'];
export const RESULT = [
  'S18+1+G',
  'INV+1+KREAB:AMB:NHG:Kreatinine',
  'RSL+NV+78+50 100+umol/l',
  'S20+1',
  'RND+RU+50+100',
];
export const HEAD = [...PARTIES, ...REQUEST, ...PATIENT];
export const PLAIN = [...HEAD, ...MATERIAL, ...RESULT];

export function registryOf(medrptEnabled: boolean): LaboratoryRegistry {
  const account = { zorgmail: ['500099001'], hl7Facilities: [], mailSenders: ['lab@noord.example'] };
  return { laboratories: [{ id: 'noord', name: 'LAB NOORD', ...account, medrptEnabled }] };
}

/** The reading of a message with this body, correctly closed. */
export function readBody(body: readonly string[], unb = UNB, registry = registryOf(true)): PayloadReading {
  const message = ['UNH+1+MEDRPT:D:93A:UN:MRPN32', ...body, `UNT+${body.length + 2}+1`];
  return readLines(unb === '' ? message : [unb, ...message, 'UNZ+1+R1'], registry);
}

export function readLines(lines: readonly string[], registry = registryOf(true)): PayloadReading {
  const bytes = Buffer.from(lines.map((line) => `${line}'`).join('\n'));
  const nothing = { charset: null, mailSender: null, attachments: [] };
  const [reading] = readPayload({ source: 'file', kind: 'edifact', bytes, ...nothing }, registry);
  if (reading === undefined) throw new Error('no reading');
  return reading;
}

/** A body with one line replaced by others (or by none). */
export function replaced(line: string, ...by: readonly string[]): readonly string[] {
  if (!PLAIN.includes(line)) throw new Error('no such line');
  return PLAIN.flatMap((one) => (one === line ? by : [one]));
}

/** The only result of a message with these lines under its S18. */
export function resultOf(...lines: readonly string[]): LabResult {
  const [result] = specimenOf(readBody([...HEAD, ...MATERIAL, 'S18+1+G', ...lines])).results;
  if (result === undefined) throw new Error('no result');
  return result;
}
