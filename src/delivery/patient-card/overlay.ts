/**
 * A new version of a resource that is on the card already. What is ours is replaced as a whole; what cKIS or somebody
 * else added to it (other identifiers, other extensions, elements we never write) stays.
 */

import type { DiagnosticReport, Observation } from '@medplum/fhirtypes';
import * as systems from './systems.ts';

const OWN_SYSTEMS: ReadonlySet<string> = new Set(Object.values(systems));
/** Elements that we write: absent in the new version means absent on the card. */
const OWN_ELEMENTS: ReadonlySet<string> = new Set([
  ...['status', 'category', 'code', 'subject', 'issued', 'performer', 'specimen', 'interpretation', 'note'],
  ...['dataAbsentReason', 'referenceRange', 'result', 'conclusion', 'presentedForm', 'extension', 'identifier'],
]);

/** `written` over `onCard`, under the id of the latter. */
export function overlay<T extends Observation | DiagnosticReport>(onCard: T, written: T): T {
  // `text` would describe the old version; versionId and lastUpdated are the server's to give.
  const theirs = Object.entries(onCard).filter(([name]) => !isOwnElement(name) && name !== 'meta' && name !== 'text');
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...meta } = onCard.meta ?? {};
  const { meta: _meta, ...ours } = written;
  const identifier = [...others(onCard.identifier, 'system'), ...(written.identifier ?? [])];
  const extension = [...others(onCard.extension, 'url'), ...(written.extension ?? [])];
  const merged = {
    ...Object.fromEntries(theirs),
    ...ours,
    ...(Object.keys(meta).length === 0 ? {} : { meta }),
    ...(onCard.id === undefined ? {} : { id: onCard.id }),
    identifier: distinct(identifier),
    ...(extension.length === 0 ? {} : { extension: distinct(extension) }),
  };
  return merged as T;
}

// value[x] and effective[x] are choices: none of their old forms may stay beside a new one.
function isOwnElement(name: string): boolean {
  return OWN_ELEMENTS.has(name) || name.startsWith('value') || name.startsWith('effective');
}

function others<Item extends object>(items: readonly Item[] | undefined, nameOf: keyof Item): readonly Item[] {
  return (items ?? []).filter((item) => !OWN_SYSTEMS.has(String(item[nameOf])));
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
