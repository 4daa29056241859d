/** Values and reference ranges: numbers where the laboratory's text is one, and that text wherever digits could get lost. */

import type { Observation, Quantity } from '@medplum/fhirtypes';
import type { LabResult } from '../../lab/lab.ts';
import { prune } from './prune.ts';
import { AS_SENT_EXTENSION, UCUM_SYSTEM } from './systems.ts';

/** value[x]: a Quantity where the text is a number, else the text with its unit; nothing where there is none. */
export function valueElement(result: LabResult): Pick<Observation, 'valueQuantity' | 'valueString'> {
  const { text, number, comparator } = result.value;
  if (number === null) {
    return text === null || text.trim() === '' ? {} : { valueString: [text, result.unit ?? ''].join(' ').trimEnd() };
  }
  const plain = `${comparator ?? ''}${number}`;
  const valueQuantity = prune<Quantity>({
    extension: text === null || text === plain ? null : [{ url: AS_SENT_EXTENSION, valueString: text }],
    value: number,
    comparator,
    ...unitOf(result),
  });
  return { valueQuantity };
}

// qty-3: a code needs its system, so both come together or not at all.
function unitOf(result: LabResult): Pick<Quantity, 'unit' | 'system' | 'code'> {
  return prune<Quantity>({
    unit: result.unit,
    system: result.unitUcum === null ? null : UCUM_SYSTEM,
    code: result.unitUcum,
  });
}

/** Low and high as quantities where they are numbers, and always as text. */
export function rangeElement(result: LabResult): Observation['referenceRange'] {
  const { low, high, text } = result.range;
  if (low === null && high === null && text === null) return undefined;
  const limit = (side: string | null) => (side === null || number(side) === null ? null : quantity(side, result));
  // Always as text too: a limit that is no number (`<5`) has no other place, and digits stay as sent.
  return [prune({ low: limit(low), high: limit(high), text: text ?? rangeText(low, high) })];
}

function rangeText(low: string | null, high: string | null): string {
  if (low !== null && high !== null) return `${low} - ${high}`;
  const only = low ?? high ?? '';
  // `<10` and `negatief` say by themselves what they are.
  if (number(only) === null) return only;
  return low === null ? `tot ${only}` : `vanaf ${only}`;
}

function quantity(text: string, result: LabResult): Quantity {
  return prune<Quantity>({ value: number(text), ...unitOf(result) });
}

function number(text: string): number | null {
  return /^-?\d+([.,]\d+)?$/.test(text.trim()) ? Number(text.trim().replace(',', '.')) : null;
}
