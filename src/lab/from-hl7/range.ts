/** OBX-7 and OBX-8: the reference range, which is free text, and the flag. */

import type { FlagMeaning, LabResult } from '../lab.ts';

const NUMBER = '-?\\d+(?:[.,]\\d+)?';
const BETWEEN = new RegExp(`^(${NUMBER})\\s*-\\s*(${NUMBER})$`);
const BELOW = new RegExp(`^(?:<=?|≤)\\s*(${NUMBER})$`);
const ABOVE = new RegExp(`^(?:>=?|≥)\\s*(${NUMBER})$`);
// 150.000 may be a hundred and fifty thousand: not unambiguous, so it stays text.
const PERHAPS_THOUSANDS = /(?:^|[^\d.,])[1-9]\d{0,2}[.,]\d{3}(?!\d)/;

/** The range as text, always; low and high only where one reading is possible (`-2.0-3.0` has one, `10-5` has none). */
export function readRange(sent: string | null): LabResult['range'] {
  if (sent === null) return { low: null, high: null, text: null };
  const text = sent.trim();
  if (PERHAPS_THOUSANDS.test(text)) return { low: null, high: null, text: sent };
  const [, low = null, high = null] = BETWEEN.exec(text) ?? [];
  if (low !== null && high !== null) {
    return numberOf(low) < numberOf(high) ? { low, high, text: sent } : { low: null, high: null, text: sent };
  }
  return { low: ABOVE.exec(text)?.[1] ?? null, high: BELOW.exec(text)?.[1] ?? null, text: sent };
}

function numberOf(digits: string): number {
  return Number(digits.replace(',', '.'));
}

// Table 0078. `<` and `>` are beyond what the instrument measures. No flag does not mean normal.
const MEANINGS: ReadonlyMap<string, FlagMeaning> = new Map([
  ['L', 'low'],
  ['<', 'low'],
  ['LL', 'critical-low'],
  ['H', 'high'],
  ['>', 'high'],
  ['HH', 'critical-high'],
  ['A', 'abnormal'],
  ['AA', 'abnormal'],
]);

/** What the flags together mean: the most specific one; null when none is known, or when low and high are both there. */
export function flagMeaning(flags: readonly string[]): { meaning: FlagMeaning | null; isContradictory: boolean } {
  const meanings = new Set(flags.flatMap((flag) => MEANINGS.get(flag) ?? []));
  const isLow = meanings.has('low') || meanings.has('critical-low');
  const isHigh = meanings.has('high') || meanings.has('critical-high');
  if (isLow && isHigh) return { meaning: null, isContradictory: true };
  const order: readonly FlagMeaning[] = ['critical-low', 'critical-high', 'low', 'high', 'abnormal'];
  return { meaning: order.find((meaning) => meanings.has(meaning)) ?? null, isContradictory: false };
}
