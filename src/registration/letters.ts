/**
 * Latin letters to ASCII. An accent goes where it makes no other letter of the word (é, ë, ğ, ş); a mark that may mean
 * something (struck through, overlined) refuses, and so does every other script.
 */

/** Letters that are no ASCII letter with a mark. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['Æ', 'AE'],
  ['æ', 'ae'],
  ['Œ', 'OE'],
  ['œ', 'oe'],
  ['Ĳ', 'IJ'],
  ['ĳ', 'ij'],
  ['Ł', 'L'],
  ['ł', 'l'],
  ['Đ', 'D'],
  ['đ', 'd'],
  ['Ð', 'D'],
  ['ð', 'd'],
  ['Þ', 'Th'],
  ['þ', 'th'],
  ['Ħ', 'H'],
  ['ħ', 'h'],
  ['Ŧ', 'T'],
  ['ŧ', 't'],
  ['Ŋ', 'Ng'],
  ['ŋ', 'ng'],
  ['Ə', 'E'],
  ['ə', 'e'],
  ['ı', 'i'],
  ['ẞ', 'SS'],
  // Of these two signs.ts tells whether they are letters at all.
  ['Ø', 'O'],
  ['ø', 'o'],
  ['ß', 'ss'],
  ['ﬀ', 'ff'],
  ['ﬁ', 'fi'],
  ['ﬂ', 'fl'],
  ['ﬃ', 'ffi'],
  ['ﬄ', 'ffl'],
  ['ﬅ', 'st'],
  ['ﬆ', 'st'],
]);

/** Marks that a letter may also carry where the two have no code point of their own (`j́` in a stressed ij, names). */
const ACCENTS = /^[\u0300-\u0303\u0306-\u0308\u030a-\u030c\u0323\u0326-\u0328\u031b]$/;
/** Roman numerals as one character: classes of NYHA, stages. */
const ROMAN = /^[\u2160-\u217f]$/;

export function isLatinLetter(char: string | undefined): boolean {
  return char !== undefined && /^\p{Script=Latin}$/u.test(char) && /^\p{L}$/u.test(char);
}

export function isGreekLetter(char: string | undefined): boolean {
  return char !== undefined && /^\p{Script=Greek}$/u.test(char);
}

export function isMark(char: string | undefined): boolean {
  return char !== undefined && /^\p{M}$/u.test(char);
}

/** The letter in ASCII, or null where it has none that says the same. */
export function asciiLetter(char: string): string | null {
  const known = LETTERS.get(char);
  if (known !== undefined) return known;
  if (ROMAN.test(char)) return char.normalize('NFKD');
  if (!isLatinLetter(char)) return null;
  // Canonical only: what is compatible (ª, ², ｋ) need not say the same.
  const [base = '', ...marks] = char.normalize('NFD');
  const letter = /^[A-Za-z]$/.test(base) ? base : (LETTERS.get(base) ?? null);
  return marks.every(isMark) ? letter : null;
}

/** A letter and the marks that follow it as one letter; `refusedMark` is the index of a mark that cannot be let go, or -1. */
export function composed(
  base: string,
  marks: readonly string[],
): { readonly char: string; readonly refusedMark: number } {
  const [char = '', ...rest] = (base + marks.join('')).normalize('NFC');
  const isFine = rest.length === 0 || (isLatinLetter(char) && rest.every((mark) => ACCENTS.test(mark)));
  if (isFine) return { char, refusedMark: -1 };
  return {
    char,
    refusedMark: Math.max(
      0,
      marks.findIndex((mark) => !ACCENTS.test(mark)),
    ),
  };
}
