/** Who a MEDRPT report is about: PNA+PAT (names, BSN), RFF+LZB (BSN), DTM+329 (birth), PDI (sex) (edifact.md §4, §9). */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import { readBsn } from '../bsn.ts';
import type { LabPatient, PersonName } from '../lab.ts';
import type { MedrptHead } from './medrpt-head.ts';
import { momentDigits, momentFormat } from './medrpt-moment.ts';
import { qualifiedText } from './medrpt-qualifier.ts';
import type { Notes } from './notes.ts';
import { birthDateText } from './patient.ts';
import { Refusal } from './refusal.ts';

/** Reads the patient. Without a birth date that can be read no card can be checked: a Refusal, as for MEDLAB. */
export function readMedrptPatient(head: MedrptHead, header: Segment, notes: Notes): LabPatient {
  const pna = head.one('PNA', 'PAT');
  if (pna === null) throw new Refusal('edifact.no-patient', header);
  const { localId, ...identity } = readIdentity(pna, head.all('RFF', 'LZB'), notes);
  return {
    ...identity,
    birthDate: readBirthDate(head.all('DTM', '329'), pna),
    sex: readSex(head.one('PDI'), notes),
    name: readName(pna, notes),
    otherIds: localId === null ? [] : [{ value: localId, system: 'sender' }],
  };
}

interface SentNumber {
  readonly text: string;
  readonly segment: Segment;
  readonly element: number;
}

// The BSN may stand in PNA and in RFF; where they differ there are two patients, and the results could be either's.
function readIdentity(pna: Segment, rffs: readonly Segment[], notes: Notes) {
  const inPna = numberOfPna(pna);
  const sent: readonly SentNumber[] = [
    ...(inPna.isBsn && inPna.text !== null ? [{ text: inPna.text, segment: pna, element: 2 }] : []),
    ...rffs.flatMap((segment) => {
      const { text } = qualifiedText(segment);
      return text === null ? [] : [{ text, segment, element: 1 }];
    }),
  ];
  const localId = inPna.isBsn ? null : inPna.text;
  const [first, ...others] = sent;
  if (first === undefined) {
    notes.warn('lab.no-bsn', pna, 2);
    return { bsn: null, isBsnValid: null, localId };
  }
  const other = others.find(({ text }) => bareNumber(text) !== bareNumber(first.text));
  if (other !== undefined) throw new Refusal('edifact.patient-repeated', other.segment, other.element);
  const reading = readBsn(first.text);
  if (reading === null) notes.warn('lab.bsn-unreadable', first.segment, first.element);
  else if (!reading.isBsnValid) notes.warn('lab.bsn-invalid', first.segment, first.element);
  return reading === null ? { bsn: null, isBsnValid: null, localId: localId ?? first.text } : { ...reading, localId };
}

// `::999990019:PCL:LZB`: a BSN where the number is said to be one; any other number is the sender's own.
function numberOfPna(pna: Segment): { text: string | null; isBsn: boolean } {
  const components = (pna.elements[1] ?? []).map((component) => component.trim());
  const at = components.indexOf('LZB');
  if (at === -1) return { text: elementText(pna, 2)?.trim() ?? null, isBsn: false };
  const number = components.slice(0, at).filter((component) => component !== '' && component !== 'PCL');
  return { text: number.length === 0 ? null : number.join(':'), isBsn: true };
}

function bareNumber(text: string): string {
  return readBsn(text)?.bsn ?? text;
}

function readBirthDate(dtms: readonly Segment[], pna: Segment): string {
  const [first, ...others] = dtms;
  if (first === undefined) throw new Refusal('edifact.birth-date', pna);
  const birthDate = momentFormat(first) === '102' ? birthDateText(momentDigits(first) ?? '') : null;
  if (birthDate === null) throw new Refusal('edifact.birth-date', first, 1);
  const other = others.find((dtm) => momentDigits(dtm) !== momentDigits(first));
  if (other !== undefined) throw new Refusal('edifact.birth-date', other, 1);
  return birthDate;
}

function readSex(pdi: Segment | null, notes: Notes): LabPatient['sex'] {
  const text = pdi === null ? null : (elementText(pdi, 1)?.trim() ?? null);
  if (text === '1') return 'male';
  if (text === '2') return 'female';
  if (pdi !== null && text !== null) notes.warn('edifact.sex-unknown', pdi, 1);
  return 'unknown';
}

// NAN own surname, NVV own initials * own prefix, NVN first name, NEA and NEV the partner's surname and prefix.
const NAME_QUALIFIERS: ReadonlySet<string> = new Set(['NAN', 'NVV', 'NVN', 'NEA', 'NEV']);
const FIRST_NAME_ELEMENT = 3;

/** Each part says what it is, so none ever stands in for another: a partner's name alone leaves the own name open. */
function readName(pna: Segment, notes: Notes): PersonName {
  const parts = new Map<string, string | null>();
  for (let element = FIRST_NAME_ELEMENT; element <= pna.elements.length; element += 1) {
    if (elementText(pna, element) === null) continue;
    const { qualifier, text } = qualifiedText(pna, element);
    if (!NAME_QUALIFIERS.has(qualifier)) notes.leaveOut('edifact.qualifier-unknown', pna, element);
    else if (parts.has(qualifier)) notes.leaveOut('edifact.name-repeated', pna, element);
    else parts.set(qualifier, text);
  }
  const [initials = '', ...prefix] = (parts.get('NVV') ?? '').split('*').map((part) => part.trim());
  return {
    family: parts.get('NAN') ?? null,
    prefix: prefix.join(' ') || null,
    partnerFamily: parts.get('NEA') ?? null,
    partnerPrefix: parts.get('NEV') ?? null,
    given: parts.get('NVN') ?? null,
    initials: initials || null,
  };
}
