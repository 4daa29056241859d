/** Two FHIR R4 validators over one bundle: each sees what the other does not (bindings here, invariants there). */

import { createRequire } from 'node:module';
import { validateResource } from '@medplum/core';
import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';

interface FhirPackage {
  validate(resource: object): {
    messages: readonly { severity?: string; message?: string; location?: string }[];
  };
}
const { Fhir } = createRequire(import.meta.url)('fhir') as { Fhir: new () => FhirPackage };
const fhirPackage = new Fhir();

/** Everything that `@medplum/core` says of the bundle and what is in it; loadDefinitions() must have run. */
export function medplumComplaints(bundle: Bundle): readonly string[] {
  return withResources(bundle).flatMap((resource) => {
    try {
      return validateResource(resource).map((issue) => `${resource.resourceType}: ${JSON.stringify(issue)}`);
    } catch (thrown) {
      return [`${resource.resourceType}: ${thrown}`];
    }
  });
}

/** The errors of the `fhir` package. Its warnings are about value sets that it does not have, such as those of LOINC. */
export function fhirComplaints(bundle: Bundle): readonly string[] {
  return withResources(bundle).flatMap((resource) =>
    fhirPackage
      .validate(resource)
      .messages.filter(({ severity }) => severity === 'error' || severity === 'fatal')
      .map(({ location, message }) => `${resource.resourceType} ${location}: ${message}`),
  );
}

// The bundle as a whole, and each resource by itself: a validator may not look inside what a bundle carries.
function withResources(bundle: Bundle): readonly Resource[] {
  const entry = asStored(bundle);
  return [{ ...bundle, entry }, ...entry.flatMap(({ resource }) => resource ?? [])];
}

/** The entries with their references as a server rewrites them: without a type, a validator has nothing to compare. */
function asStored({ entry = [] }: Bundle): BundleEntry[] {
  const text = entry.reduce(
    (all, { fullUrl, resource }) =>
      all.replaceAll(`"reference":"${fullUrl}"`, `"reference":"${resource?.resourceType}/1"`),
    JSON.stringify(entry),
  );
  return JSON.parse(text) as BundleEntry[];
}
