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
