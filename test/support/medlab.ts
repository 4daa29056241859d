/** MEDLAB messages and mails for the journeys: one patient, one lab number, results of choice. */

import { laboratoryMail, type MailShape } from '../../src/sandbox/laboratory.ts';
import {
  SANDBOX_LABORATORIES,
  SANDBOX_PATIENTS,
  SANDBOX_PRACTICES,
  type SandboxPatient,
  type SandboxPractice,
} from '../../src/sandbox/people.ts';

export interface MedlabResult {
  readonly code?: string;
  readonly name?: string;
  readonly value: string;
  readonly unit?: string;
  readonly isCorrected?: boolean;
}

export interface Medlab {
  readonly bsn: string;
  readonly labNumber: string;
  /** UNB.3; '' leaves it out. */
  readonly to: string;
  readonly from?: string;
  /** UNB.4, `261116:0915` unless said otherwise. */
  readonly sentAt?: string;
  readonly reference?: string;
  readonly results?: readonly MedlabResult[];
  /** `1980:10:25`, to contradict the card. */
  readonly birthDate?: string;
}

export const KREATININE = { code: 'KREAB', name: 'Kreatinine', unit: 'umol/l' } as const;
export const KALIUM = { code: 'K   B', name: 'Kalium', unit: 'mmol/l' } as const;

export function person(bsn: string): SandboxPatient {
  const found = SANDBOX_PATIENTS.find((patient) => patient.bsn === bsn);
  if (found === undefined) throw new Error('no such person in the sandbox');
  return found;
}

export function practice(key: SandboxPractice['key']): SandboxPractice {
  const found = SANDBOX_PRACTICES.find((candidate) => candidate.key === key);
  if (found === undefined) throw new Error('no such practice in the sandbox');
  return found;
}

/** The interchange, as a laboratory would write it. */
export function medlab(message: Medlab): Buffer {
  const { labNumber, to, sentAt = '261116:0915', from = '500099001' } = message;
  const reference = message.reference ?? `R${labNumber}${sentAt.replace(':', '')}`;
  const results = message.results ?? [{ value: '78' }];
  const lines = [
    `UNH+1+MEDLAB:1`,
    'ZKH+Laboratorium Noord+Zeeweg:12::Noordhaven:9901AA+0599-123456',
    patientLine(message),
    'ART+H+099001+Linde:ter:A.B.',
    'AFD+Klinische chemie',
    'ARA:1+Dr. C. Chemicus',
    'DET:1+26:11:16+08:10',
    `IDE:1+J+${labNumber}+Serum`,
    ...results.map(resultLine),
  ];
  const all = [
    `UNB+UNOA:1+${from}+${to}+${sentAt}+${reference}`,
    ...lines,
    `UNT+${lines.length + 1}+1`,
    `UNZ+1+${reference}`,
  ];
  return Buffer.from(`UNA:+.? '\r\n${all.map((line) => `${line}'\r\n`).join('')}`, 'latin1');
}

function patientLine({ bsn, birthDate }: Medlab): string {
  const patient = person(bsn);
  const partner = `${patient.partnerFamily ?? ''}:${patient.partnerPrefix ?? ''}:`;
  const own = `${patient.family}:${patient.prefix ?? ''}`;
  const surname = (partner === '::' ? `${own}::` : partner + own).replaceAll("'", "?'");
  const born = birthDate ?? patient.birthDate.replaceAll('-', ':');
  const sex = patient.sex === 'female' ? 'V' : 'M';
  return `PID+${born}+${sex}+${surname}::${patient.initials}++BSN${bsn}`;
}

function resultLine(result: MedlabResult, index: number): string {
  const { code, name, unit } = { ...KREATININE, ...result };
  return `BEP:1:1:${index + 1}+0+${name}+${result.value}+${result.isCorrected === true ? '1' : ''}+${unit}++++${code}`;
}

/** A whole mail around a payload, for a practice's ZorgMail account. */
export function mailOf(payload: Buffer, to: string, shape: MailShape = 'attachment-base64'): Buffer {
  const [laboratory] = SANDBOX_LABORATORIES;
  return laboratoryMail({ payload, shape, to, from: `uitslagen@${laboratory?.id}.example` });
}
