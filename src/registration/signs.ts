/**
 * What each sign that is not ASCII becomes, and which are refused although one could think of something. The rule: a reader
 * who never saw the sign must understand what the author meant, and must not be able to read another number, another
 * comparison or the opposite. Letters are not here but in letters.ts.
 */

import type { Words } from './registration.ts';

/** Next to what a blank is put, so that two texts do not become one: a digit, a letter, either, or anything. */
export type Neighbour = 'digit' | 'letter' | 'word' | 'any';

export interface Sign {
  readonly to: string;
  /** None: it is put in as it is. */
  readonly apart?: Neighbour;
}

const each = (chars: string, to: string, apart?: Neighbour): [string, Sign][] =>
  [...chars].map((char) => [char, apart === undefined ? { to } : { to, apart }]);

// Eleven halves must not come of one and a half, so a digit beside a fraction gets a blank: `1½` is `1 1/2`.
const FRACTIONS: [string, Sign][] = [...'¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞'].map((char) => [
  char,
  { to: char.normalize('NFKD').replace('\u2044', '/'), apart: 'digit' },
]);

export const SIGNS: ReadonlyMap<string, Sign> = new Map([
  ...each('≥⩾≧', '>='),
  ...each('≤⩽≦', '<='),
  ...each('≫', '>>'),
  ...each('≪', '<<'),
  ...each('±', '+/-'),
  ...each('×', 'x'),
  // The minus sign, hyphens and dashes. A soft hyphen is not one of them: it is not seen (INVISIBLE).
  ...each('−‐‑‒–—―', '-'),
  ...each('⁄∕', '/'),
  ...each('≈', 'circa', 'word'),
  ...each('∼˜', '~'),
  // In words: `o` would read as a nought, and so does the masculine ordinal that some keyboards have in its place.
  ...each('°˚', 'graden', 'word'),
  ...each('℃', 'graden C', 'word'),
  ...each('℉', 'graden F', 'word'),
  ...each('‰', 'promille', 'word'),
  // Not `No`, which says no; and a small l looks like a one.
  ...each('№', 'nr.', 'word'),
  ...each('ℓ', 'liter', 'word'),
  ...each('€', 'EUR', 'word'),
  ...each('£', 'GBP', 'word'),
  ...each('§', 'par.', 'word'),
  // `(R)` is the right side of a body.
  ...each('®', '(reg.)'),
  ...each('™', '(TM)'),
  // Blanks on both sides: `5->3` and `=>3` look like comparisons. Arrows that no ASCII can draw without becoming a
  // comparison (`<-5`) are named, and not interpreted: up may be raised, to be raised, or better.
  ...each('→⇒➔➜', '->', 'any'),
  ...each('↔⇔', '<->', 'any'),
  ...each('←⇐', '(pijl naar links)', 'any'),
  ...each('↑⇑', '(pijl omhoog)', 'any'),
  ...each('↓⇓', '(pijl omlaag)', 'any'),
  ...each('…', '...'),
  ...each('‘’‚‛′´', "'"),
  ...each('“”„‟″«»', '"'),
  // Not a hyphen: a number behind it would be negative.
  ...each('•‣◦▪●■', '*'),
  // No-break and other blanks.
  ...each('\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000', ' '),
  ...FRACTIONS,
]);

/**
 * Nobody sees them, so nothing is lost with them: soft hyphen, zero-width blanks and joiners, left-to-right mark, word
 * joiner, byte order mark, variation selectors. What turns the direction of a line is not among them: digits may change places.
 */
export const INVISIBLE = /^(?:[\u00ad\u200b-\u200e\u2060\ufeff]|\ufe0e|\ufe0f)$/;

/** Raised: `10⁹` is 10^9, and without the mark would be a hundred and nine. */
export const RAISED: ReadonlyMap<string, string> = new Map([
  ...[...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((char, digit): [string, string] => [char, String(digit)]),
  ['⁺', '+'],
  ['⁻', '-'],
  ['ⁿ', 'n'],
]);

/** Lowered digits are part of a name (CO₂, FEV₁) and stand as they are, apart from a number that follows. */
export const LOWERED: ReadonlyMap<string, string> = new Map(
  [...'₀₁₂₃₄₅₆₇₈₉'].map((char, digit): [string, string] => [char, String(digit)]),
);

/** Greek letters that are signs of medicine, by their Dutch names. Two Greek letters side by side are a Greek word. */
export const GREEK: ReadonlyMap<string, string> = new Map([
  ['α', 'alfa'],
  ['β', 'beta'],
  ['γ', 'gamma'],
  ['δ', 'delta'],
  ['Δ', 'delta'],
  ['κ', 'kappa'],
  ['λ', 'lambda'],
  ['ω', 'omega'],
]);

/** The micro sign and the Greek letter that is typed for it. */
export const MICRO = /^[µμ]$/;

const words = (nl: string, en: string): Words => ({ nl, en });

/** What to write instead of a sign that has more than one meaning, or one that ASCII would turn around. */
export const REFUSED: ReadonlyMap<string, Words> = new Map([
  ['≠', words('schrijf: ongelijk aan', 'write that it is unequal')],
  ['≡', words('schrijf dit in woorden', 'write it in words')],
  ['¬', words('schrijf: niet', 'write: not')],
  ['∅', words('schrijf: geen, of: diameter', 'write: none, or: diameter')],
  [
    'ø',
    words('los van een woord onduidelijk; schrijf: geen, of: diameter', 'unclear by itself; write: none, or: diameter'),
  ],
  [
    'Ø',
    words('los van een woord onduidelijk; schrijf: geen, of: diameter', 'unclear by itself; write: none, or: diameter'),
  ],
  ['Å', words('los van een woord onduidelijk; schrijf: angstrom', 'unclear by itself; write: angstrom')],
  ['ß', words('aan het begin van een woord onduidelijk; schrijf: beta', 'unclear where a word begins; write: beta')],
  ['º', words('schrijf: graden, of een gewone o', 'write: degrees, or a plain o')],
  ['ª', words('schrijf een gewone a', 'write a plain a')],
  ['·', words('schrijf een komma, een punt of een x', 'write a comma, a full stop or an x')],
  ['∙', words('schrijf een komma, een punt of een x', 'write a comma, a full stop or an x')],
  ['÷', words('schrijf: gedeeld door, of een streepje', 'write: divided by, or a hyphen')],
  ['†', words('schrijf: overleden', 'write: deceased')],
  ['♀', words('schrijf: vrouw', 'write: woman')],
  ['♂', words('schrijf: man', 'write: man')],
  ['∞', words('schrijf dit in woorden', 'write it in words')],
  ['√', words('schrijf dit in woorden', 'write it in words')],
  ['‹', words('lijkt op kleiner dan; schrijf een aanhalingsteken', 'looks like less than; write a quotation mark')],
  ['›', words('lijkt op groter dan; schrijf een aanhalingsteken', 'looks like greater than; write a quotation mark')],
]);
