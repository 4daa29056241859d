/** The reference range of MEDRPT: RND+RU with two limits, and the same range as one text in RSL.3 (edifact.md §4). */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import type { LabResult } from '../lab.ts';
import type { Notes } from './notes.ts';

const LIMIT = /^-?\d+(?:[.,]\d+)?$/;

/**
 * Reads the range. The writer makes RND by cutting its text at the blanks, so that `<5` or `4 - 12` end up in the wrong
 * limit: only two numbers, or one, are limits; else the range is text.
 */
export function readMedrptRange(rsl: Segment | null, rnd: Segment | null, notes: Notes): LabResult['range'] {
  const text = rsl === null ? null : (elementText(rsl, 3)?.trim() ?? null);
  if (rnd === null) return { low: null, high: null, text };
  const [low, high] = [2, 3].map((element) => elementText(rnd, element)?.trim() ?? null);
  const words = [low, high].filter((word) => word !== null && word !== undefined);
  if (words.length === 0) return { low: null, high: null, text };
  const isLimits = words.every((word) => LIMIT.test(word));
  if (text !== null && !startsWith(text, words, isLimits)) {
    // Two ranges for one value: both are shown as sent, neither as limits that a program could compare with.
    notes.warn('edifact.range-mismatch', rnd);
    return { low: null, high: null, text: [text, words.join(' ')].join(' / ') };
  }
  if (!isLimits) return { low: null, high: null, text: text ?? words.join(' ') };
  return { low: low ?? null, high: high ?? null, text: null };
}

function startsWith(text: string, words: readonly string[], isWhole: boolean): boolean {
  const ofText = text.split(/\s+/);
  return words.every((word, index) => ofText[index] === word) && (!isWhole || ofText.length === words.length);
}
