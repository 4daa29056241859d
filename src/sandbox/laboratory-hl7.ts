/**
 * The HL7 v2 that the sandbox's laboratories send: one ORU^R01 (2.5.1) per patient and lab number.
 *
 * Built with hl7-standard, an implementation that is not ours, so that the demo does not only read what we wrote
 * ourselves. It escapes nothing on building, so every text is escaped here before it is set.
 */

import HL7 from 'hl7-standard';
import { escapeText } from '../hl7/hl7.ts';
import type { SandboxLaboratory, SandboxPatient, SandboxPractice } from './people.ts';

export interface SandboxResult {
  readonly code: string;
  readonly name: string;
  /** OBX-3.3: `NHG45`, `LN`, or `L` for the laboratory's own. */
  readonly system: string;
  readonly value: string;
  readonly unit: string;
  readonly low: string | null;
  readonly high: string | null;
  /** OBX-8. */
  readonly flag: string | null;
  /** OBX-11. */
  readonly status: string;
}

export interface SandboxOru {
  readonly laboratory: SandboxLaboratory;
  readonly practice: SandboxPractice;
  readonly patient: SandboxPatient;
  readonly labNumber: string;
  /** Also the moment of collection. */
  readonly sentAt: Date;
  readonly controlId: string;
  readonly results: readonly SandboxResult[];
}

const SEPARATORS = {
  field: '|',
  component: '^',
  repetition: '~',
  escapeCharacter: '\\',
  subcomponent: '&',
  truncation: '',
};

/** The message as a laboratory would send it: UTF-8, segments ended by a carriage return. */
export function buildOruMessage(oru: SandboxOru): Buffer {
  const hl7 = new HL7('', { lineEndings: '\r' });
  addSegment(hl7, 'MSH', headerFields(oru));
  addSegment(hl7, 'PID', patientFields(oru.patient));
  const statuses = oru.results.map(({ status }) => status);
  const isOpen = statuses.some((status) => status === 'P' || status === 'I');
  addSegment(hl7, 'OBR', [
    [1, '1'],
    [3, text(oru.labNumber)],
    [4, 'CHEM^Klinische chemie^L'],
    [7, moment(oru.sentAt)],
    [16, `${oru.practice.agb}^^^^^^^^VEKTIS`],
    [22, moment(oru.sentAt)],
    [25, isOpen ? 'P' : statuses.includes('C') ? 'C' : 'F'],
  ]);
  oru.results.forEach((result, index) => {
    addSegment(hl7, 'OBX', resultFields(result, index + 1));
  });
  return Buffer.from(`${hl7.build()}\r`, 'utf8');
}

type Fields = readonly (readonly [field: number, value: string])[];

function headerFields({ laboratory, practice, sentAt, controlId }: SandboxOru): Fields {
  return [
    [2, '^~\\&'],
    [3, 'LABSYSTEEM'],
    [4, text(laboratory.hl7Facility ?? laboratory.zorgmail)],
    [6, practice.zorgmail],
    [7, moment(sentAt)],
    [9, 'ORU^R01^ORU_R01'],
    [10, text(controlId)],
    [11, 'P'],
    [12, '2.5.1'],
    [18, 'UNICODE UTF-8'],
  ];
}

function patientFields(patient: SandboxPatient): Fields {
  const whole = [patient.prefix, patient.family].filter((part) => part !== null).join(' ');
  const family = [whole, patient.prefix, patient.family, patient.partnerPrefix, patient.partnerFamily];
  const subcomponents = family.map((part) => text(part ?? '')).join('&');
  return [
    [1, '1'],
    [3, `${patient.bsn}^^^NLMINBIZA^NNNLD`],
    [5, `${subcomponents.replace(/&+$/, '')}^${text(patient.given)}^${text(patient.initials)}^^^^L`],
    [7, patient.birthDate.replaceAll('-', '')],
    [8, patient.sex === 'female' ? 'F' : 'M'],
  ];
}

function resultFields(result: SandboxResult, setId: number): Fields {
  const isNumber = /^-?\d+(?:\.\d+)?$/.test(result.value);
  return [
    [1, String(setId)],
    [2, isNumber ? 'NM' : 'ST'],
    [3, [result.code, result.name, result.system].map(text).join('^')],
    [5, text(result.value)],
    [6, text(result.unit)],
    [7, text(rangeText(result))],
    [8, text(result.flag ?? '')],
    [11, result.status],
  ];
}

function rangeText({ low, high }: SandboxResult): string {
  if (low !== null && high !== null) return `${low} - ${high}`;
  return low !== null ? `>${low}` : high !== null ? `<${high}` : '';
}

// Every field up to the last is set, in order: build() writes them in the order in which they were set.
function addSegment(hl7: HL7, name: string, fields: Fields): void {
  const values = new Map(fields);
  const last = Math.max(...values.keys());
  const segment = hl7.createSegment(name);
  for (let field = name === 'MSH' ? 2 : 1; field <= last; field++) {
    segment.set(`${name}.${field}`, values.get(field) ?? '');
  }
}

function text(plain: string): string {
  return escapeText(plain, SEPARATORS);
}

const amsterdam = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Amsterdam',
  dateStyle: 'short',
  timeStyle: 'medium',
});

// `2026-11-22 09:15:00` in Amsterdam; senders write no offset.
function moment(at: Date): string {
  return amsterdam.format(at).replace(/\D/g, '');
}
