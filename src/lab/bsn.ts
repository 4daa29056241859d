/** The BSN (burgerservicenummer), the Dutch person number. Its check proves the form only, never the person. */

import { passesElevenTest } from '../shared/scrub.ts';

/**
 * Reads a BSN: dots and blanks are stripped, eight digits get their leading zero (edifact.md §9). Null where the text is
 * no eight or nine digits at all; a number that fails the 11-test is kept, and said to be invalid.
 */
export function readBsn(digits: string): { bsn: string; isBsnValid: boolean } | null {
  const bare = digits.replace(/[.\s]/g, '');
  if (!/^\d{8,9}$/.test(bare)) return null;
  const bsn = bare.padStart(9, '0');
  return { bsn, isBsnValid: passesElevenTest(bsn) };
}

/** Whether a text that a person typed has a number in it that may be a BSN, as it is usually written: 123456782, 1234.56.782. */
export function mentionsBsn(text: string): boolean {
  const numbers = (text.match(/\d{4}[. ]\d{2}[. ]\d{3}(?!\d)|\d+/g) ?? []).filter(
    (number) => !/^(?:\d{1,7}|\d{10,})$/.test(number),
  );
  return numbers.some((number) => readBsn(number)?.isBsnValid === true);
}
