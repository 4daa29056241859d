/** The BSN (burgerservicenummer), the Dutch person number. Its check proves the form only, never the person. */

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

// 9a+8b+7c+6d+5e+4f+3g+2h-1i is a multiple of 11. 000000000 passes the sum and is nobody.
function passesElevenTest(bsn: string): boolean {
  const weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(bsn[index]), 0);
  return sum % 11 === 0 && bsn !== '000000000';
}
