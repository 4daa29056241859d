/**
 * What stands in for what: the same original always gets the same substitute, of the same shape. Worked out from a seed
 * with a keyed hash, so that nobody finds the original from the substitute without it, and the seed is not kept.
 *
 * Texts here are one character per byte (latin1), whatever the charset: a substitute has the bytes of a letter where a
 * letter was, so that what a payload says of its own charset stays as true or untrue as it was.
 */

import { createHmac } from 'node:crypto';
import { AUTHORITIES, GENERIC, PREFIXES } from './kept-words.ts';

export type NumberKind = 'bsn' | 'account' | 'recipient' | 'number';

const RANKS: readonly NumberKind[] = ['number', 'account', 'recipient', 'bsn'];
/** The sandbox's practices: in the demo a fixture goes to the mailbox of the account that it names. */
export const RECIPIENTS = ['500088001', '500088002', '500088003'];
const TRIES_MAX = 50;
const VOWELS = 'aeiou';
const CONSONANTS = 'bdfgklmnprstvwz';
// Letters with a sign, as their last byte in UTF-8; in 8859-1 and windows-1252 the same plus 0x40.
const SIGNED = [0xa0, 0xa1, 0xa2, 0xa4, 0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb2, 0xb3, 0xb6, 0xb9, 0xbb, 0xbc];

export class Substitutes {
  /** Lower-case words that name somebody or some place; they are replaced wherever they stand. */
  readonly identityWords = new Set<string>();
  /** Numbers and other strings that must not be found again, as they stood. */
  readonly identityStrings = new Set<string>();
  private readonly kinds = new Map<string, NumberKind>();
  private readonly numbers = new Map<string, string>();
  private readonly taken = new Set<string>();
  private readonly seed: string;
  /** The sandbox's own accounts and facilities, which are invented. */
  private readonly invented: ReadonlySet<string>;

  constructor(seed: string, invented: ReadonlySet<string>) {
    this.seed = seed;
    this.invented = invented;
  }

  /** What is known of the original stays; the substitutes are drawn with all of it known. */
  beginAnew(): void {
    this.numbers.clear();
    this.taken.clear();
  }

  isInvented(text: string): boolean {
    return this.invented.has(text);
  }

  isIdentity(word: string): boolean {
    return this.identityWords.has(word.toLowerCase());
  }

  isIdentityNumber(digits: string): boolean {
    return this.kinds.has(keyOf(digits));
  }

  /**
   * A word that names: remembered, so that it is replaced in free text too. Of an institution the general words stay; a
   * person may be called Arts.
   */
  nameWord(word: string, isPerson: boolean): string {
    const lower = word.toLowerCase();
    if (!isPerson && GENERIC.has(lower)) return word;
    // `van 't`, `'s-Graven…`: initials are capitals.
    if (word === 't' || word === 's') return word;
    if (PREFIXES.has(lower) || AUTHORITIES.has(lower)) return word;
    if (lower.length > 2) this.identityWords.add(lower);
    return this.word(word);
  }

  /** Another word of the same letters' kinds and case. Its first letter is a matter of the first letter alone: initials fit. */
  word(word: string): string {
    const lower = word.toLowerCase();
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const made = this.lettersFor(word, `${lower} ${attempt}`);
      if (lower.length < 2 || (made.toLowerCase() !== lower && !this.identityWords.has(made.toLowerCase())))
        return made;
    }
    return 'x'.repeat(word.length);
  }

  private lettersFor(word: string, salt: string): string {
    const noise = this.noise('word', salt);
    const isUtf8 = /\xc3[\x80-\xbf]/.test(word);
    let made = '';
    for (let at = 0; at < word.length; at += 1) {
      const code = word.charCodeAt(at);
      const roll = at === 0 ? (this.noise('letter', word.charAt(0).toLowerCase())[0] ?? 0) : (noise[at % 32] ?? 0) + at;
      if (code < 0x80) made += letterLike(word.charAt(at), roll);
      else if (isUtf8 && code === 0xc3 && at + 1 < word.length) {
        made += `\xc3${signedLike(word.charCodeAt(at + 1), roll, 0)}`;
        at += 1;
      } else made += isUtf8 ? word.charAt(at) : signedLike(code, roll, 0x40);
    }
    return made;
  }

  /** Says what a number is, before any is replaced; the most telling kind counts. */
  noteNumber(digits: string, kind: NumberKind): void {
    const key = keyOf(digits);
    const known = this.kinds.get(key);
    if (known === undefined || RANKS.indexOf(kind) > RANKS.indexOf(known)) this.kinds.set(key, kind);
  }

  /** Other digits for these. Eight digits that are a BSN become nine, since one of the test range has nine. */
  number(digits: string, asked: NumberKind = 'number'): string {
    this.noteNumber(digits, asked);
    const key = keyOf(digits);
    if (this.invented.has(digits)) return digits;
    const kind = this.kinds.get(key) ?? asked;
    if (digits.length >= 5 && !/^0+$/.test(digits)) this.identityStrings.add(digits);
    const name = kind === 'bsn' ? key : digits;
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const made = this.practiceFor(name, kind) ?? this.unused((attempt) => this.digitsFor(name, kind, attempt));
    this.numbers.set(name, made);
    this.taken.add(made);
    return made;
  }

  // The first recipient of the file becomes the first practice, and so on, but for those that it names already.
  private practiceFor(digits: string, kind: NumberKind): string | null {
    if (kind !== 'recipient' || digits.length !== 9) return null;
    const named = [...this.kinds.keys()];
    const others = named.filter((key) => this.kinds.get(key) === 'recipient' && !this.invented.has(key));
    const free = RECIPIENTS.filter((account) => !named.includes(account));
    return free[others.indexOf(digits)] ?? null;
  }

  private digitsFor(digits: string, kind: NumberKind, attempt: number): string {
    const noise = this.noise('digits', `${digits} ${attempt}`);
    const roll = (at: number) => String((noise[at % 32] ?? 0) % 10);
    if (kind === 'bsn' && /^0+$/.test(digits)) return digits;
    if (kind === 'bsn' && digits.length === 9) return testBsn(digits, noise);
    const start = (kind === 'account' || kind === 'recipient') && digits.length >= 8 ? '5000' : '';
    return [...digits]
      .map(
        (digit, at) => start[at] ?? (at === 0 ? (digit === '0' ? '0' : String(1 + ((noise[0] ?? 0) % 9))) : roll(at)),
      )
      .join('');
  }

  private unused(make: (attempt: number) => string): string {
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const made = make(attempt);
      // By chance a BSN of somebody: no number of ours may look like one outside the test range.
      const isPerhapsBsn = made.length >= 8 && remainder(made.padStart(9, '0')) === 0 && !made.startsWith('999');
      if (!this.taken.has(made) && !this.identityStrings.has(made) && !isPerhapsBsn) return made;
    }
    return make(0);
  }

  noise(purpose: string, text: string): Buffer {
    return createHmac('sha256', this.seed).update(`${purpose}\0${text}`, 'latin1').digest();
  }
}

// Eight digits and the same nine with a zero in front are one BSN.
function keyOf(digits: string): string {
  return digits.length === 8 ? `0${digits}` : digits;
}

function letterLike(letter: string, roll: number): string {
  const lower = letter.toLowerCase();
  if (!/[a-z]/.test(lower)) return letter;
  const letters = VOWELS.includes(lower) ? VOWELS : CONSONANTS;
  const made = letters.charAt(roll % letters.length);
  return letter === lower ? made : made.toUpperCase();
}

function signedLike(code: number, roll: number, shift: number): string {
  const bare = code - shift;
  const isCapital = bare >= 0x80 && bare <= 0x9e && bare !== 0x97;
  const isSmall = bare >= 0xa0 && bare <= 0xbe && bare !== 0xb7;
  const made = SIGNED[roll % SIGNED.length] ?? 0xa9;
  if (isSmall) return String.fromCharCode(made + shift);
  return String.fromCharCode(isCapital ? made - 0x20 + shift : code);
}

/** What the 11-test leaves: 0 where the number passes. */
export function remainder(nineDigits: string): number {
  const weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(nineDigits[index]), 0);
  return ((sum % 11) + 11) % 11;
}

/** A number of the test range that leaves what the original leaves: valid stays valid, wrong stays wrong by as much. */
function testBsn(original: string, noise: Buffer): string {
  const wanted = remainder(original);
  const from = noise.readUInt32BE(0) % 1_000_000;
  for (let step = 0; step < 1_000_000; step += 1) {
    const made = `999${String((from + step) % 1_000_000).padStart(6, '0')}`;
    if (made !== original && remainder(made) === wanted) return made;
  }
  return '999990019';
}
