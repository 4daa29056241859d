/** The transaction of one write: entries, and what the server says became of them. */

import type {
  Bundle,
  BundleEntry,
  DiagnosticReport,
  Observation,
  Organization,
  Provenance,
  Specimen,
} from '@medplum/fhirtypes';
import type { WrittenResource } from './patient-card.ts';

type Written = Observation | DiagnosticReport | Organization | Specimen | Provenance;

/** One entry, and how other entries refer to its resource. */
export interface Entry {
  readonly reference: string;
  readonly entry: BundleEntry;
}

/**
 * A resource that is created unless one with this identifier exists. `uuid` must be a real UUID: servers leave any other
 * urn unrewritten, without an error.
 */
export function createEntry(resource: Written, identifier: { system: string; value: string }, uuid: string): Entry {
  const token = `${identifier.system}|${identifier.value}`;
  const reference = `urn:uuid:${uuid}`;
  const ifNoneExist = `identifier=${encodeURIComponent(token)}`;
  return { reference, entry: { fullUrl: reference, resource, request: post(resource, ifNoneExist) } };
}

/** A resource without an identity of its own: what happened is told once per write. */
export function appendEntry(resource: Written, uuid: string): Entry {
  const reference = `urn:uuid:${uuid}`;
  return { reference, entry: { fullUrl: reference, resource, request: post(resource, null) } };
}

function post(resource: Written, ifNoneExist: string | null): NonNullable<BundleEntry['request']> {
  const request = { method: 'POST' as const, url: resource.resourceType };
  return ifNoneExist === null ? request : { ...request, ifNoneExist };
}

/** The next version of a resource, only if the card still has the version that was read. */
export function updateEntry(resource: Observation | DiagnosticReport, versionRead: string | undefined): Entry {
  const reference = `${resource.resourceType}/${resource.id}`;
  const request = { method: 'PUT' as const, url: reference };
  return {
    reference,
    entry: {
      resource,
      request: versionRead === undefined ? request : { ...request, ifMatch: `W/"${versionRead}"` },
    },
  };
}

export function toBundle(entries: readonly Entry[]): Bundle {
  return { resourceType: 'Bundle', type: 'transaction', entry: entries.map(({ entry }) => entry) };
}

/** What became of one result or report; null when the answer does not say that our content was taken. */
export function writtenResource(sent: BundleEntry, answered: BundleEntry | undefined): WrittenResource | null {
  const resourceType = sent.resource?.resourceType;
  if (resourceType !== 'Observation' && resourceType !== 'DiagnosticReport') return null;
  const isCreate = sent.request?.method === 'POST';
  const status = Number(answered?.response?.status?.slice(0, 3));
  // 200 on a conditional create: it existed, and the server ignored what we sent (RFC: FHIR R4 §3.1.0.8.1).
  if (isCreate ? status !== 201 : status !== 200 && status !== 201) return null;
  const location = answered?.response?.location?.match(/\/?([A-Za-z0-9.-]+)(?:\/_history\/([A-Za-z0-9.-]+))?$/);
  const id = answered?.resource?.id ?? location?.[1] ?? sent.resource?.id;
  if (id === undefined) return null;
  const etag = answered?.response?.etag?.match(/"([^"]+)"/)?.[1];
  const versionId = answered?.resource?.meta?.versionId ?? location?.[2] ?? etag ?? null;
  return { resourceType, id, versionId, outcome: isCreate ? 'created' : 'updated' };
}
