/** More invented people than people.ts names: every BSN starts with 999 and passes the 11-test, as all of the sandbox. */

import { Failure } from '../../shared/failure.ts';
import { SANDBOX_PATIENTS, type SandboxPatient, type SandboxPractice } from '../people.ts';
import { type Random, seededRandom } from './random.ts';

export interface Population {
  readonly seed: number;
  readonly count: number;
  readonly practices: readonly SandboxPractice[];
  /** The share of them that is followed, from 0 to 1. */
  readonly followedShare: number;
}

// 999… has some 90 000 numbers that pass; beyond half of them drawing a free one takes ever longer.
const COUNT_MAX = 40_000;

/** Invented people, none of them one of SANDBOX_PATIENTS, no two with one BSN. */
export function generatePeople({ seed, count, practices, followedShare }: Population): readonly SandboxPatient[] {
  if (count > COUNT_MAX)
    throw new Failure('sandbox.too-many-people', { kind: 'defect', fields: { countMax: COUNT_MAX } });
  const random = seededRandom(seed);
  const taken = new Set(SANDBOX_PATIENTS.map(({ bsn }) => bsn));
  return Array.from({ length: count }, (_, index) => {
    const bsn = freeBsn(random, taken);
    taken.add(bsn);
    // Spread evenly and not drawn, so that small populations have both kinds too.
    const isFollowed = Math.floor((index + 1) * followedShare) > Math.floor(index * followedShare);
    return person(random, bsn, isFollowed ? random.pick(practices).key : null);
  });
}

/** The practice that a person's mail goes to: the one that follows them, else always the same one. */
export function practiceOf(
  { bsn, followedBy }: SandboxPatient,
  practices: readonly SandboxPractice[],
): SandboxPractice {
  const practice = practices.find(({ key }) => key === followedBy) ?? practices[Number(bsn) % practices.length];
  if (practice === undefined) throw new Failure('sandbox.no-practice', { kind: 'defect' });
  return practice;
}

// 9a+8b+7c+6d+5e+4f+3g+2h-1i is a multiple of 11: the ninth digit follows from the eight before it, or there is none.
function freeBsn(random: Random, taken: ReadonlySet<string>): string {
  for (;;) {
    const eight = `999${String(random.int(0, 99_999)).padStart(5, '0')}`;
    const last = [...eight].reduce((sum, digit, index) => sum + (9 - index) * Number(digit), 0) % 11;
    if (last < 10 && !taken.has(`${eight}${last}`)) return `${eight}${last}`;
  }
}

function person(random: Random, bsn: string, followedBy: SandboxPatient['followedBy']): SandboxPatient {
  const sex = random.isLucky(0.5) ? 'female' : 'male';
  const [prefix, family] = random.pick(FAMILIES);
  const isMarriedName = sex === 'female' && random.isLucky(0.4);
  const [partnerPrefix, partnerFamily] = isMarriedName ? random.pick(FAMILIES) : [null, null];
  const given = random.pick(sex === 'female' ? WOMEN : MEN);
  const second = random.isLucky(0.3) ? `${random.pick(['A', 'C', 'J', 'M', 'W'])}.` : '';
  // Chronic care is about the middle aged and older.
  const birthYear = followedBy === null ? random.int(1935, 2012) : random.int(1936, 1982);
  const birthDate = `${birthYear}-${twoDigits(random.int(1, 12))}-${twoDigits(random.int(1, 28))}`;
  const programme = followedBy === null ? null : random.pick(['DM2', 'DM2', 'CVRM', 'CVRM', 'COPD'] as const);
  const name = { family, prefix, partnerFamily, partnerPrefix, given, initials: `${given.slice(0, 1)}.${second}` };
  return { bsn, ...name, birthDate, sex, followedBy, programme };
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

// With letters beyond ASCII and with the apostrophe that EDIFACT must release; all of them exist in 8859-1.
const FAMILIES: readonly (readonly [prefix: string | null, family: string])[] = [
  [null, 'Aalders'],
  ['van den', 'Boogaard'],
  [null, 'Çelik'],
  ['van der', 'Duin'],
  [null, 'Eikenaar'],
  ['de', 'Fuik'],
  [null, 'Güven'],
  ["van 't", 'Hof'],
  [null, 'Ijzerman'],
  ['ter', 'Kade'],
  [null, 'Lønborg'],
  ['van', 'Meerveld'],
  [null, 'Niënhuis'],
  ["in 't", 'Oever'],
  [null, 'Pruim-Zandvoort'],
  ['den', 'Rietdijk'],
  [null, 'Soeterik'],
  ['van de', 'Tolbrug'],
  [null, 'Uylenburg'],
  [null, 'Vréde'],
  ['op den', 'Wal'],
  [null, 'Zijlmans'],
];
const WOMEN = ['Anouk', 'Bé', 'Chloë', 'Dieuwertje', 'Fenna', 'Gülsüm', 'Hilde', 'Jorien', 'Lotte', 'Zoë'];
const MEN = ['Arend', 'Björn', 'Cornelis', 'Daniël', 'Frits', 'Gijs', 'Hassan', 'Jurre', 'Lubbert', 'Wim'];
