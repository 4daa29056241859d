/**
 * What a clinician reads of an Observation, as one comparable text: two versions with equal content say the same.
 * Left out is what a server may rewrite without changing the meaning: codings, references, key order, the zone of a
 * time, runs of blanks.
 */

import type { Observation, Quantity } from '@medplum/fhirtypes';
import { withoutOriginalMissing } from './original-missing.ts';
import { AS_SENT_EXTENSION } from './systems.ts';

export function contentOf(observation: Observation): string {
  const range = observation.referenceRange?.[0];
  const parts = [
    observation.code?.text,
    valueText(observation),
    range?.low?.value ?? null,
    range?.high?.value ?? null,
    range?.text,
    (observation.interpretation ?? []).map((flag) => flag.text ?? flag.coding?.[0]?.code),
    (withoutOriginalMissing(observation).note ?? []).map((note) => note.text),
    observation.effectiveDateTime === undefined ? null : moment(observation.effectiveDateTime),
  ];
  return JSON.stringify(parts, (_name, value) =>
    typeof value === 'string' ? value.replace(/\s+/g, ' ').trim() : value,
  );
}

/** Value and unit as the laboratory wrote them. */
export function valueText(observation: Observation): string | null {
  if (observation.valueString !== undefined) return observation.valueString;
  const quantity = observation.valueQuantity;
  if (quantity === undefined) return null;
  return [numberText(quantity), quantity.unit].filter((part) => part !== undefined && part !== '').join(' ');
}

function numberText(quantity: Quantity): string {
  const asSent = quantity.extension?.find((extension) => extension.url === AS_SENT_EXTENSION)?.valueString;
  return asSent ?? `${quantity.comparator ?? ''}${quantity.value ?? ''}`;
}

/** A time as an instant, so that its zone does not matter; a date without a clock time stays a date. */
export function moment(text: string): string {
  const parsed = text.includes('T') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? text : new Date(parsed).toISOString();
}
