/** Reports for the delivery's tests, as the readers make them: one plain report, and what a test changes about it. */

import { createHash } from 'node:crypto';
import type { ReportContent, ReportTrace } from '../../src/delivery/patient-card/patient-card.ts';
import type { LabPatient, LabReport, LabResult, Specimen } from '../../src/lab/lab.ts';
import {
  SANDBOX_PATIENTS,
  SANDBOX_PRACTICES,
  type SandboxPatient,
  type SandboxPractice,
} from '../../src/sandbox/people.ts';

/** Stands in for the ledger's keyed digest. */
export function digest(key: string): string {
  return createHash('sha256').update(`test ${key}`).digest('base64url');
}

export function practice(key: SandboxPractice['key']): SandboxPractice {
  const found = SANDBOX_PRACTICES.find((candidate) => candidate.key === key);
  if (found === undefined) throw new Error(`no practice ${key}`);
  return found;
}

export function person(bsn: string): SandboxPatient {
  const found = SANDBOX_PATIENTS.find((candidate) => candidate.bsn === bsn);
  if (found === undefined) throw new Error('no such person');
  return found;
}

/** The person as a laboratory would send them. */
export function labPatient(who: SandboxPatient, changes: Partial<LabPatient> = {}): LabPatient {
  const { bsn, birthDate, sex, family, prefix, partnerFamily, partnerPrefix, initials } = who;
  return {
    bsn,
    isBsnValid: true,
    birthDate,
    sex,
    name: { family, prefix, partnerFamily, partnerPrefix, given: null, initials },
    otherIds: [],
    ...changes,
  };
}

export function result(changes: Partial<LabResult> = {}, key = 'GLUCB|1'): LabResult {
  return {
    kind: 'result',
    key: `sandbox-noord|112233|2026||${key}`,
    subId: null,
    section: 'KLINISCHE CHEMIE',
    name: 'Glucose',
    code: {
      raw: 'GLUCB',
      memo: 'GLUC',
      material: 'B',
      specification: null,
      nhg: '370',
      loinc: null,
      system: null,
      alternatives: [],
    },
    value: { text: '5.10', number: 5.1, comparator: null },
    unit: 'mmol/l',
    unitUcum: 'mmol/L',
    range: { low: '4.0', high: '6.4', text: null },
    flag: { raw: null, meaning: null },
    status: 'final',
    observedAt: null,
    remarks: [],
    ...changes,
  };
}

export function value(text: string): LabResult['value'] {
  return { text, number: Number(text), comparator: null };
}

export function specimen(results: readonly LabResult[], changes: Partial<Specimen> = {}): Specimen {
  return {
    collectedAt: '2026-03-02T08:50:00+01:00',
    labNumber: '112233',
    material: 'bloed',
    volume: null,
    isComplete: true,
    orderCode: null,
    issuedAt: null,
    remarks: [],
    results,
    pending: [],
    ...changes,
  };
}

export function report(specimens: readonly Specimen[], changes: Partial<LabReport> = {}): LabReport {
  return {
    references: { interchange: '1020', message: '1' },
    sentAt: '2026-03-02T14:00:00+01:00',
    isTest: false,
    laboratory: 'sandbox-noord',
    holds: [],
    sender: { name: 'Laboratorium Noord', zorgmail: '500099001', agb: null },
    recipient: { name: null, zorgmail: '500088001', agb: null },
    requester: { name: null, type: null, code: null },
    copy: null,
    patient: labPatient(person('999990019')),
    specimens,
    comments: [],
    attachments: [],
    notCarried: [],
    ...changes,
  };
}

export function content(lab: LabReport, changes: Partial<ReportContent> = {}): ReportContent {
  return { report: lab, format: 'medlab-1', attachments: new Map(), withheldCount: 0, ...changes };
}

/** A report of one specimen with these results. */
export function contentOfResults(...results: readonly LabResult[]): ReportContent {
  return content(report([specimen(results)]));
}

/** `minute` orders versions: 0 is the plain report's. */
export function trace(minute = 0, changes: Partial<ReportTrace> = {}): ReportTrace {
  const version = new Date(Date.parse('2026-03-02T14:00:00+01:00') + minute * 60_000).toISOString();
  return {
    reportId: '0195a000-0000-7000-8000-000000000001',
    mailId: '0195a000-0000-7000-8000-000000000002',
    version,
    practiceAgb: practice('linde').agb,
    ...changes,
  };
}
