/** PID of MEDLAB version 1 (edifact.md §3.2): who the report is about. */

import { componentText, elementText, type Segment } from '../../edifact/edifact.ts';
import { readBsn } from '../bsn.ts';
import type { LabPatient, PersonName } from '../lab.ts';
import type { Notes } from './notes.ts';
import { Refusal } from './refusal.ts';

type Identifier = LabPatient['otherIds'][number];

/** Reads PID. A birth date that cannot be read is a refusal: without it no card can be checked. */
export function readPatient(pid: Segment, notes: Notes): LabPatient {
  const ofSender = elementText(pid, 4)?.trim() ?? null;
  if (ofSender !== null && /^BSN/i.test(ofSender)) notes.warn('edifact.bsn-misplaced', pid, 4);
  const { bsn, isBsnValid, localId } = readBsnElement(pid, notes);
  const otherIds: readonly (Identifier | null)[] = [
    ofSender === null ? null : { value: ofSender, system: 'sender' },
    localId === null ? null : { value: localId, system: 'receiver' },
  ];
  return {
    bsn,
    isBsnValid,
    birthDate: readBirthDate(pid),
    sex: readSex(pid, notes),
    name: readName(pid),
    otherIds: otherIds.filter((id) => id !== null),
  };
}

// PID.5 is `BSN` and nine digits; without the prefix it is a number of the receiver's own (edifact.md §9).
function readBsnElement(pid: Segment, notes: Notes) {
  const text = elementText(pid, 5)?.trim() ?? null;
  const digits = text === null ? null : (/^BSN(.*)$/is.exec(text)?.[1] ?? null);
  const reading = digits === null ? null : readBsn(digits);
  if (reading !== null) {
    if (!reading.isBsnValid) notes.warn('lab.bsn-invalid', pid, 5);
    return { ...reading, localId: null };
  }
  const isEmptyPrefix = digits !== null && digits.trim() === '';
  notes.warn(digits === null || isEmptyPrefix ? 'lab.no-bsn' : 'lab.bsn-unreadable', pid, 5);
  return { bsn: null, isBsnValid: null, localId: isEmptyPrefix ? null : text };
}

function readBirthDate(pid: Segment): string {
  const birthDate = birthDateText(elementText(pid, 1)?.trim() ?? '');
  if (birthDate === null) throw new Refusal('edifact.birth-date', pid, 1);
  return birthDate;
}

/** A birth date as sent, in ISO 8601 as far as it is known; null where it is no date that somebody can be born on. */
export function birthDateText(sent: string): string | null {
  const [, year = '', month = '', day = ''] =
    /^(\d{4})(?::(\d{0,2}))?(?::(\d{0,2}))?:*$/.exec(sent) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(sent) ?? [];
  // An unknown day or month is `00` or empty on the wire (lab-report.md).
  const parts = [year, month.padStart(2, '0'), day.padStart(2, '0')];
  const known = parts.slice(0, parts[1] === '00' ? 1 : parts[2] === '00' ? 2 : 3);
  return isPlausibleYear(year) && isCalendarDate(known) ? known.join('-') : null;
}

function isPlausibleYear(year: string): boolean {
  return /^(?:1[89]|20)\d{2}$/.test(year);
}

function isCalendarDate([year, month = '01', day = '01']: readonly string[]): boolean {
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function readSex(pid: Segment, notes: Notes): LabPatient['sex'] {
  const text = elementText(pid, 2)?.trim().toUpperCase() ?? null;
  if (text === 'M') return 'male';
  if (text === 'V' || text === 'F') return 'female';
  if (text !== null) notes.warn('edifact.sex-unknown', pid, 2);
  return 'unknown';
}

/**
 * The official order is married : prefix : maiden : prefix; some senders put a man's name in the first two, others in the
 * last two. One's own name is the third where it is filled, else the first.
 */
function readName(pid: Segment): PersonName {
  const [first, firstPrefix, third, thirdPrefix, given, initials] = [1, 2, 3, 4, 5, 6].map(
    (component) => componentText(pid, 3, component)?.trim() ?? null,
  );
  const hasOwn = third !== null && third !== undefined;
  return {
    family: (hasOwn ? third : first) ?? null,
    prefix: (hasOwn ? thirdPrefix : firstPrefix) ?? null,
    partnerFamily: (hasOwn ? first : null) ?? null,
    partnerPrefix: (hasOwn ? firstPrefix : null) ?? null,
    given: given ?? null,
    initials: initials ?? null,
  };
}
