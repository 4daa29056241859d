/**
 * Text to what a receiver's charset holds, sign by sign, or the places of what cannot be sent. Nothing is dropped that can
 * be seen, nothing becomes `?`, and no two texts run together that stood apart.
 */

import { asciiLetter, composed, isGreekLetter, isLatinLetter, isMark } from './letters.ts';
import { isLineBreak, Refusals, type RefusedCharacter } from './refusals.ts';
import type { Charset } from './registration.ts';
import { GREEK, INVISIBLE, LOWERED, MICRO, type Neighbour, RAISED, SIGNS, type Sign } from './signs.ts';

export interface Transliterated {
  /** Line breaks are `\n`, tabs are kept. Of no use where something was refused. */
  readonly text: string;
  /** One for each different character. */
  readonly refused: readonly RefusedCharacter[];
}

/** What some characters become: a text with its wish for a blank, or a refusal at the one `at` characters further on. */
type Outcome = {
  readonly used: number;
  readonly piece?: Sign & { readonly sides?: 'after' };
  readonly refusedAt?: number;
};

/** `isOneLine`: a line break is refused as well, and a tab is a blank. */
export function transliterate(source: string, charset: Charset, isOneLine = false): Transliterated {
  const all = [...source];
  const places = [...all.keys()].filter((index) => !INVISIBLE.test(all[index] ?? ''));
  const chars = places.map((index) => all[index] ?? '');
  const pieces: (Sign & { readonly sides?: 'after' })[] = [];
  const refusals = new Refusals(all);
  for (let at = 0; at < chars.length; ) {
    const outcome = outcomeAt(chars, at, charset, isOneLine);
    if (outcome.piece !== undefined) pieces.push(outcome.piece);
    else refusals.add(places[at + (outcome.refusedAt ?? 0)] ?? 0);
    at += outcome.used;
  }
  return { text: joined(pieces), refused: refusals.all() };
}

function outcomeAt(chars: readonly string[], at: number, charset: Charset, isOneLine: boolean): Outcome {
  const char = chars[at] ?? '';
  if (isLineBreak(char)) {
    const used = char === '\r' && chars[at + 1] === '\n' ? 2 : 1;
    return isOneLine ? { used, refusedAt: 0 } : { used, piece: { to: '\n' } };
  }
  if (char === '\t') return { used: 1, piece: { to: isOneLine ? ' ' : '\t' } };
  const run = runOf(chars, at, RAISED) ?? runOf(chars, at, LOWERED);
  return run === null ? markedOutcome(chars, at, charset) : runOutcome(chars.slice(at, at + run.length), run, charset);
}

/** A character with the marks that belong to it. */
function markedOutcome(chars: readonly string[], at: number, charset: Charset): Outcome {
  const marks = marksAfter(chars, at + 1);
  const { char, refusedMark } = composed(chars[at] ?? '', marks);
  const used = 1 + marks.length;
  if (refusedMark >= 0) return { used, refusedAt: 1 + refusedMark };
  const piece = pieceOf(char, { before: chars[at - 1], after: chars[at + used] }, charset);
  return piece === null ? { used, refusedAt: 0 } : { used, piece };
}

interface Neighbours {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

// What the charset has stays as it is; then comes what depends on its neighbours, then the tables.
function pieceOf(char: string, beside: Neighbours, charset: Charset): Sign | null {
  if (isInCharset(char, charset)) return { to: char };
  if (MICRO.test(char)) return microSign(beside, charset);
  const greek = GREEK.get(char);
  if (greek !== undefined)
    return isGreekLetter(beside.before) || isGreekLetter(beside.after) ? null : { to: greek, apart: 'letter' };
  if (char === '·') return bullet(beside);
  if (!isLetterHere(char, beside)) return null;
  const sign = SIGNS.get(char);
  if (sign !== undefined) return sign;
  const letter = asciiLetter(char);
  return letter === null ? null : { to: letter };
}

/**
 * In front of a unit `u`, as laboratories write it under UNOA (ug/l, umol/l), so that a registration says what the results
 * beside it say; `mcg` would stand nowhere else in that HIS. By itself in full, since `5 u` is five hours.
 */
function microSign({ before, after }: Neighbours, charset: Charset): Sign | null {
  if (isGreekLetter(before) || isGreekLetter(after)) return null;
  if (charset === 'latin1') return { to: 'µ' };
  return after !== undefined && /^[A-Za-z]$/.test(after) ? { to: 'u' } : { to: 'micro', apart: 'word' };
}

// A middle dot is a bullet where a line begins with it; else a decimal point, a times, or something else.
function bullet({ before, after }: Neighbours): Sign | null {
  const isBullet = (before === undefined || isLineBreak(before)) && after !== undefined && /^\s$/.test(after);
  return isBullet ? { to: '*' } : null;
}

/** `Ø` by itself says none, empty or diameter, `Å` is a length; in a name they are letters. `ß` before a word means beta. */
function isLetterHere(char: string, { before, after }: Neighbours): boolean {
  if (char === 'ø' || char === 'Ø' || char === 'Å') return isLatinLetter(before) || isLatinLetter(after);
  return char !== 'ß' || isLatinLetter(before);
}

function isInCharset(char: string, charset: Charset): boolean {
  if (/^[ -~]$/.test(char)) return true;
  return charset === 'latin1' && /^[\u00a1-\u00ac\u00ae-\u00ff]$/.test(char);
}

/** The characters from here on that the map has, or null where the first is none. */
function runOf(chars: readonly string[], at: number, map: ReadonlyMap<string, string>) {
  let end = at;
  while (end < chars.length && map.has(chars[end] ?? '')) end += 1;
  if (end === at) return null;
  const text = chars.slice(at, end).map((char) => map.get(char) ?? '');
  return { length: end - at, text: text.join(''), isRaised: map === RAISED };
}

function runOutcome(
  chars: readonly string[],
  { length, text, isRaised }: { readonly length: number; readonly text: string; readonly isRaised: boolean },
  charset: Charset,
): Outcome {
  if (chars.every((char) => isInCharset(char, charset))) return { used: length, piece: { to: chars.join('') } };
  return { used: length, piece: { to: isRaised ? `^${text}` : text, apart: 'digit', sides: 'after' } };
}

function marksAfter(chars: readonly string[], from: number): readonly string[] {
  let end = from;
  while (end < chars.length && isMark(chars[end])) end += 1;
  return chars.slice(from, end);
}

// A blank between two pieces where either of them wants one and neither has it.
function joined(pieces: readonly (Sign & { readonly sides?: 'after' })[]): string {
  return pieces
    .map((piece, index) => {
      const previous = pieces[index - 1];
      if (previous === undefined) return piece.to;
      const wantsBefore = piece.sides !== 'after' && isBeside(piece.apart, previous.to.at(-1) ?? '');
      return wantsBefore || isBeside(previous.apart, piece.to[0] ?? '') ? ` ${piece.to}` : piece.to;
    })
    .join('');
}

const BESIDE: Readonly<Record<Neighbour, RegExp>> = {
  digit: /^\d$/,
  letter: /^\p{L}$/u,
  word: /^[\p{L}\d]$/u,
  any: /^\S$/,
};

function isBeside(apart: Neighbour | undefined, char: string): boolean {
  return apart !== undefined && BESIDE[apart].test(char);
}
