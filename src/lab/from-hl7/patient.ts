/** PID: who it is about. A BSN is chosen by what it says of itself (CX.4, CX.5), never by its place in PID-3. */

import { componentsOf, fieldOf, type Hl7Segment, repetitionsOf, subcomponentsOf } from '../../hl7/hl7.ts';
import { readBsn } from '../bsn.ts';
import type { LabPatient } from '../lab.ts';
import { type Context, componentOf, positionOf, repetitionsAt, said, textAt, warn, wholeText } from './context.ts';
import type { Refusal } from './groups.ts';
import { readDate } from './moment.ts';
import { personName } from './person-name.ts';

const BSN_OID = '2.16.840.1.113883.2.4.6.3';
const NO_NAME = {
  family: null,
  prefix: null,
  partnerFamily: null,
  partnerPrefix: null,
  given: null,
  initials: null,
} as const;

/** The patient, and what makes the message unfit: two BSNs, or a birth date that is none. */
export function readPatient(context: Context, pid: Hl7Segment): { patient: LabPatient; refusal: Refusal | null } {
  const identifiers = repetitionsAt(context, pid, 3);
  const bsns = distinctBsns(context, pid, identifiers);
  const bsn = bsns.length === 1 ? (bsns[0] ?? null) : null;
  if (bsns.length === 0) warnOfMissingBsn(context, pid);
  if (bsn?.isBsnValid === false) warn(context, 'lab.bsn-invalid', positionOf(pid, 3));
  const birthText = textAt(context, pid, 7);
  if (birthText === null) warn(context, 'hl7.birth-date-missing', positionOf(pid, 7));
  const birthDate = birthText === null ? null : readDate(birthText);
  const isBirthDateUnreadable = birthText !== null && birthDate === null && !/^0+$/.test(birthText);
  const patient: LabPatient = {
    bsn: bsn?.bsn ?? null,
    isBsnValid: bsn?.isBsnValid ?? null,
    birthDate,
    sex: sexOf(context, pid),
    name: nameOf(context, pid),
    otherIds: otherIds(context, pid, identifiers),
  };
  if (bsns.length > 1) return { patient, refusal: { code: 'hl7.two-bsns', position: positionOf(pid, 3) } };
  if (isBirthDateUnreadable) return { patient, refusal: { code: 'hl7.birth-date', position: positionOf(pid, 7) } };
  return { patient, refusal: null };
}

// Compared after padding, so that 12345678 and 012345678 are one BSN and not two.
function distinctBsns(context: Context, pid: Hl7Segment, identifiers: readonly string[]) {
  const found = identifiers
    .filter((identifier) => isBsnSlot(context, identifier))
    .flatMap((identifier) => {
      const digits = componentOf(context, identifier, 1);
      const bsn = digits === null ? null : readBsn(digits);
      if (digits !== null && bsn === null) warn(context, 'lab.bsn-unreadable', positionOf(pid, 3));
      return bsn ?? [];
    });
  return [...new Map(found.map((bsn) => [bsn.bsn, bsn])).values()];
}

function isBsnSlot(context: Context, identifier: string): boolean {
  const { separators } = context.hl7Message;
  const authority = subcomponentsOf(componentsOf(identifier, separators)[3] ?? '', separators).map((raw) =>
    wholeText(context, raw).trim(),
  );
  const namesBsn = authority.some((part) => part.toUpperCase() === 'NLMINBIZA' || part === BSN_OID);
  return namesBsn || componentOf(context, identifier, 5)?.toUpperCase() === 'NNNLD';
}

// PID-2, PID-4 and PID-19 of old senders may hold a BSN: a hint that a person may want, never an identity.
function warnOfMissingBsn(context: Context, pid: Hl7Segment): void {
  warn(context, 'lab.no-bsn', positionOf(pid, 3));
  for (const field of [2, 4, 19]) {
    const hint = readBsn(textAt(context, pid, field) ?? '');
    if (hint?.isBsnValid) warn(context, 'hl7.bsn-elsewhere', positionOf(pid, field));
  }
}

// The laboratory's own numbers, and a BSN slot whose content is no BSN: kept as text, so that a person can see it.
function otherIds(context: Context, pid: Hl7Segment, identifiers: readonly string[]): LabPatient['otherIds'] {
  const elsewhere = [2, 4].flatMap((field) => repetitionsAt(context, pid, field));
  const ids = [...identifiers, ...elsewhere]
    .map((identifier) => ({
      value: componentOf(context, identifier, 1) ?? '',
      system: componentOf(context, identifier, 4) ?? componentOf(context, identifier, 5),
      isBsn: isBsnSlot(context, identifier) && readBsn(componentOf(context, identifier, 1) ?? '') !== null,
    }))
    .filter(({ value, isBsn }) => value !== '' && !isBsn);
  const distinct = new Map(ids.map(({ value, system }) => [JSON.stringify([value, system]), { value, system }]));
  return [...distinct.values()];
}

// Table 0001. A letter that is not in it (a Dutch V) is not translated: the birth date and name are the check.
function sexOf(context: Context, pid: Hl7Segment): LabPatient['sex'] {
  const sent = textAt(context, pid, 8);
  switch (sent) {
    case 'F':
      return 'female';
    case 'M':
      return 'male';
    case 'O':
    case 'A':
      return 'other';
    default:
      if (sent !== null && sent !== 'U' && sent !== 'N') warn(context, 'hl7.sex-unknown', positionOf(pid, 8));
      return 'unknown';
  }
}

// PID-5 may repeat (XPN.7): the legal name goes before an alias or display name.
function nameOf(context: Context, pid: Hl7Segment): LabPatient['name'] {
  const names = repetitionsOf(fieldOf(pid, 5), context.hl7Message.separators).filter(
    (raw) => said(wholeText(context, raw)) !== null,
  );
  const legal = names.find((raw) => componentOf(context, raw, 7) === 'L');
  const name = legal ?? names[0];
  return name === undefined ? NO_NAME : personName(context, name);
}
