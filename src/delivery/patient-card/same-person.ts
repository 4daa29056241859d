/**
 * Whether a card is of the person that a report is about, once the BSN led there: a wrong BSN in a message must not put
 * a result on somebody else's card (formats/fhir.md, "Patient").
 */

import type { Element, HumanName, Patient } from '@medplum/fhirtypes';
import type { LabPatient } from '../../lab/lab.ts';
import { OWN_NAME_EXTENSION, PARTNER_NAME_EXTENSION } from './systems.ts';

export type Difference = 'birth-date-differs' | 'name-differs' | 'sex-differs';
export type Likeness = 'same' | Difference;

/** The weightiest difference, or none. */
export function likeness(patient: LabPatient, onCard: Patient): Likeness {
  return differences(patient, onCard)[0] ?? 'same';
}

/** Compares birth date, surnames and sex, in that order of weight. */
export function differences(patient: LabPatient, onCard: Patient): readonly Difference[] {
  const isBirthDateKnown = patient.birthDate !== null && onCard.birthDate !== undefined;
  const found: Difference[] = [];
  if (isBirthDateKnown && !isSameBirthDate(patient.birthDate, onCard.birthDate)) found.push('birth-date-differs');
  if (!isSameName(patient, onCard, isBirthDateKnown)) found.push('name-differs');
  if (!isSameSex(patient, onCard)) found.push('sex-differs');
  return found;
}

/** Equal in every part that both sides know: `1980` is not unequal to `1980-10-25`. */
export function isSameBirthDate(left: string | null | undefined, right: string | null | undefined): boolean {
  const theirs = (right ?? '').split('-');
  return (left ?? '').split('-').every((part, index) => part === '' || !theirs[index] || theirs[index] === part);
}

// A report without any surname says nothing against the card; then at least the birth date must have been compared.
function isSameName(patient: LabPatient, onCard: Patient, isBirthDateKnown: boolean): boolean {
  const sent = surnames(bare(patient.name.family), bare(patient.name.partnerFamily), null);
  const known = new Set((onCard.name ?? []).flatMap((name) => [...cardSurnames(name)]));
  if (sent.size === 0 || known.size === 0) return isBirthDateKnown;
  return [...sent].some((name) => known.has(name));
}

function cardSurnames(name: HumanName): ReadonlySet<string> {
  // Extensions of a primitive stand beside it under an underscore (R4 json.html); the type package leaves them out.
  const { extension = [] } = (name as { _family?: Element })._family ?? {};
  const part = (url: string) => extension.find((candidate) => candidate.url === url)?.valueString ?? null;
  return surnames(bare(part(OWN_NAME_EXTENSION)), bare(part(PARTNER_NAME_EXTENSION)), name.family ?? null);
}

/** Own name, partner's name, both in either order (a married name in one field), and a family name with its halves. */
function surnames(own: string, partner: string, family: string | null): ReadonlySet<string> {
  const halves = family === null ? [] : [bare(family), ...family.split('-').map(bare)];
  const both = own === '' || partner === '' ? [] : [own + partner, partner + own];
  return new Set([own, partner, ...both, ...halves].filter((name) => name !== ''));
}

const PREFIXES = new Set(
  "aan af al auf aus bij d da dal de dei del della den der des di do dos du el em het im in la las le les los op 't 's t s te ten ter thoe to toe tot uit uijt van vanden vander vom von voor zu zum zur"
    .split(' ')
    .map((prefix) => letters(prefix)),
);

/** A surname without what writers disagree about: case, diacritics, blanks, hyphens, apostrophes and prefixes. */
function bare(family: string | null): string {
  if (family === null) return '';
  const words = family.split(/[\s,]+/).filter((word) => letters(word) !== '');
  const isPrefix = (word: string | undefined) => word !== undefined && PREFIXES.has(letters(word));
  // `van de Berg` and `Berg, van de`; a name of nothing but prefixes keeps its last word.
  while (words.length > 1 && isPrefix(words[0])) words.shift();
  while (words.length > 1 && family.includes(',') && isPrefix(words.at(-1))) words.pop();
  return letters(words.join(''));
}

// Letters that NFKD does not take apart.
const WHOLE_LETTERS: Readonly<Record<string, string>> = { ø: 'o', ß: 'ss', æ: 'ae', œ: 'oe', ł: 'l', đ: 'd', ı: 'i' };

function letters(text: string): string {
  return text
    .toLowerCase()
    .replace(/[øßæœłđı]/g, (letter) => WHOLE_LETTERS[letter] ?? letter)
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function isSameSex(patient: LabPatient, onCard: Patient): boolean {
  const isKnown = (sex: string | undefined) => sex === 'male' || sex === 'female';
  return !isKnown(patient.sex) || !isKnown(onCard.gender) || patient.sex === onCard.gender;
}
