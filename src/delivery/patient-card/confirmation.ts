/**
 * OBX-11 = U: the laboratory says that what it sent before is final, without sending it again. Which version of the value
 * that made final stays on the Observation, so that the value that was meant can still arrive (newest.ts).
 */

import type { Observation } from '@medplum/fhirtypes';
import { CONFIRMED_EXTENSION } from './systems.ts';

/** The card's own Observation, made final by a confirmation: its value is not touched. */
export function confirmed(onCard: Observation, version: string): Observation {
  return { ...withConfirmation(onCard, onCard.issued), status: 'final', issued: version };
}

/** An Observation that a confirmation meant: final, under the confirmation's version. */
export function settledBy(confirmation: Observation, meant: Observation): Observation {
  return {
    ...withConfirmation(meant, meant.issued),
    status: 'final',
    ...(confirmation.issued === undefined ? {} : { issued: confirmation.issued }),
  };
}

/** The version whose value was confirmed, or null. */
export function confirmedVersion(observation: Observation): string | null {
  return observation.extension?.find((extension) => extension.url === CONFIRMED_EXTENSION)?.valueInstant ?? null;
}

function withConfirmation(observation: Observation, version: string | undefined): Observation {
  const others = (observation.extension ?? []).filter((extension) => extension.url !== CONFIRMED_EXTENSION);
  if (version === undefined) return { ...observation, extension: others };
  return { ...observation, extension: [...others, { url: CONFIRMED_EXTENSION, valueInstant: version }] };
}
