/**
 * What every bundle must keep, whatever the report: the form that validators do not see (formats/fhir.md, "Validating
 * offline") and what may never be on a card. Each rule comes with a bundle that breaks it.
 */

import type { Bundle, CodeableConcept, Observation, Quantity } from '@medplum/fhirtypes';
import { AGB_SYSTEM } from '../../../src/delivery/patient-card/patient-card.ts';
import * as systems from '../../../src/delivery/patient-card/systems.ts';
import { readUnit } from '../../../src/lab/codes/units.ts';
import { type GoldenBundle, PATIENT_ID } from './golden-bundles.ts';

export interface BundleRule {
  /** Ends the sentence "every bundle …". */
  readonly says: string;
  /** What is wrong, one line each. */
  readonly complaints: (golden: GoldenBundle) => readonly string[];
  /** Makes a good bundle break this rule: the bundle of `on`, or of the plain case. */
  readonly spoil: (bundle: Bundle) => unknown;
  readonly on?: string;
}

export function resources<T extends { readonly resourceType: string }>(
  bundle: Bundle,
  type: T['resourceType'],
): readonly T[] {
  return (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === type ? [resource as unknown as T] : [],
  );
}

export function observationsOf({ written }: Pick<GoldenBundle, 'written'>): readonly Observation[] {
  return resources<Observation>(written, 'Observation');
}

export function first(bundle: Bundle): Observation {
  const [found] = resources<Observation>(bundle, 'Observation');
  if (found === undefined) throw new Error('a bundle without an Observation shows nothing');
  return found;
}

/** Every value in it with the path that leads there: `entry.0.resource.status`. */
export function leaves(value: unknown, path: readonly string[] = []): readonly { path: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path: path.join('.'), value }];
  const within = Object.entries(value).flatMap(([name, item]) => leaves(item, [...path, name]));
  return [{ path: path.join('.'), value }, ...within];
}

const ofName = (golden: GoldenBundle, name: string) =>
  leaves(golden.written).filter(({ path }) => path.split('.').at(-1) === name);
const isEmpty = (value: unknown) =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** Where codes of this system may stand: the last named element above the coding. */
const CODINGS: Readonly<Record<string, readonly string[]>> = {
  [systems.NHG_45_SYSTEM]: ['Observation.code'],
  [systems.LOINC_SYSTEM]: ['Observation.code', 'DiagnosticReport.code'],
  [systems.OBSERVATION_CATEGORY_SYSTEM]: ['Observation.category'],
  [systems.INTERPRETATION_SYSTEM]: ['Observation.interpretation'],
  [systems.DATA_ABSENT_SYSTEM]: ['Observation.dataAbsentReason'],
  [systems.DIAGNOSTIC_SERVICE_SYSTEM]: ['DiagnosticReport.category'],
};
const IDENTIFIERS: readonly string[] = [
  AGB_SYSTEM,
  systems.RESULT_SYSTEM,
  systems.REPORT_SYSTEM,
  systems.SPECIMEN_SYSTEM,
  systems.LABORATORY_SYSTEM,
  systems.MAIL_SYSTEM,
  systems.LEDGER_REPORT_SYSTEM,
  systems.SENDER_REFERENCE_SYSTEM,
];

/** `Observation.code` for the coding at entry.3.resource.code.coding.0. */
function elementOf({ written }: GoldenBundle, path: string): string {
  const [, index, , element] = path.split('.');
  return `${written.entry?.[Number(index)]?.resource?.resourceType}.${element}`;
}

function references({ written }: GoldenBundle): readonly string[] {
  return leaves(written).flatMap(({ path, value }) => (path.endsWith('.reference') ? [String(value)] : []));
}

export const FORM_RULES: readonly BundleRule[] = [
  {
    says: 'has an offset on every moment with a clock time',
    complaints: ({ written }) =>
      leaves(written)
        .filter(({ path, value }) => /(DateTime|issued|recorded|start|end)$/.test(path) && String(value).includes('T'))
        .filter(({ value }) => !/T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(value)))
        .map(({ path, value }) => `${path} is ${value}`),
    spoil: (bundle) => Object.assign(first(bundle), { effectiveDateTime: '2026-11-16T08:10:00' }),
  },
  {
    says: 'has nothing empty: no blank text, no null, no empty list or object',
    complaints: ({ written }) =>
      leaves(written)
        .filter(({ value }) => isEmpty(value))
        .map(({ path }) => path),
    spoil: (bundle) => Object.assign(first(bundle), { note: [] }),
  },
  {
    says: 'has a UCUM code only where our unit table gives it for the unit as sent',
    complaints: ({ written }) =>
      leaves(written)
        .filter(({ value }) => (value as Quantity | null)?.system === systems.UCUM_SYSTEM)
        .filter(({ value }) => readUnit((value as Quantity).unit ?? null).ucum !== (value as Quantity).code)
        .map(({ path, value }) => `${path}: ${(value as Quantity).code} for ${(value as Quantity).unit}`),
    spoil: (bundle) => Object.assign(first(bundle).valueQuantity ?? {}, { code: 'mmol/l' }),
  },
  {
    says: 'has exactly one category `laboratory` on each Observation (nl-core slice 1..1)',
    complaints: (golden) =>
      observationsOf(golden).flatMap(({ code, category = [] }) => {
        const slice = category
          .flatMap(({ coding = [] }) => coding)
          .filter(({ system }) => system === systems.OBSERVATION_CATEGORY_SYSTEM);
        return slice.length === 1 && slice[0]?.code === 'laboratory' ? [] : [`${code.text}: ${slice.length}`];
      }),
    spoil: (bundle) => Object.assign(first(bundle), { category: [{ text: 'CHEMIE' }] }),
  },
  {
    says: 'has a text beside every code',
    complaints: ({ written }) =>
      leaves(written)
        .filter(({ path, value }) => /\.resource\.code$/.test(path) && isEmpty((value as CodeableConcept).text))
        .map(({ path }) => path),
    spoil: (bundle) => Object.assign(first(bundle), { code: { coding: first(bundle).code.coding } }),
  },
  {
    says: 'codes results in NHG table 45 and LOINC only, and everything else in the terms of FHIR itself',
    complaints: (golden) =>
      ofName(golden, 'system')
        .filter(({ path }) => /\.coding\.\d+\.system$/.test(path))
        .filter(({ path, value }) => !CODINGS[String(value)]?.includes(elementOf(golden, path)))
        .map(({ path, value }) => `${path} is ${value}`),
    spoil: (bundle) => first(bundle).code.coding?.push({ system: 'http://snomed.info/sct', code: '43396009' }),
  },
  {
    says: 'has identifiers of ours and AGB numbers only',
    complaints: (golden) =>
      ofName(golden, 'system')
        .filter(({ path }) => /\.identifier(\.\d+)?\.system$/.test(path))
        .filter(({ value }) => !IDENTIFIERS.includes(String(value)))
        .map(({ path, value }) => `${path} is ${value}`),
    spoil: (bundle) => first(bundle).identifier?.push({ system: systems.BSN_SYSTEM, value: '1' }),
  },
  {
    says: 'never has a reason for absence beside a value (obs-6), nor an Observation that says nothing at all',
    complaints: (golden) =>
      observationsOf(golden).flatMap((observation) => {
        const values = Object.keys(observation).filter((name) => name.startsWith('value')).length;
        const isAbsent = observation.dataAbsentReason !== undefined;
        if (values > 1 || (values === 1 && isAbsent)) return [`${observation.code.text}: value and no value`];
        return values === 0 && !isAbsent && observation.note === undefined ? [`${observation.code.text}: nothing`] : [];
      }),
    spoil: (bundle) => Object.assign(first(bundle), { dataAbsentReason: { text: 'geen materiaal' } }),
  },
  {
    says: 'has one note at most on each Observation (nl-core 0..1)',
    complaints: (golden) =>
      observationsOf(golden)
        .filter(({ note = [] }) => note.length > 1)
        .map(({ code }) => String(code.text)),
    spoil: (bundle) => Object.assign(first(bundle), { note: [{ text: 'een' }, { text: 'twee' }] }),
  },
  {
    says: 'has one performer at most, the laboratory',
    complaints: ({ written }) => {
      const organizations = (written.entry ?? []).filter(({ resource }) => resource?.resourceType === 'Organization');
      const laboratories = organizations.map(({ fullUrl }) => fullUrl);
      return leaves(written)
        .filter(({ path }) => path.endsWith('.performer'))
        .filter(({ value }) => {
          const [performer, ...more] = value as { reference?: string }[];
          return more.length > 0 || (performer?.reference !== undefined && !laboratories.includes(performer.reference));
        })
        .map(({ path }) => path);
    },
    spoil: (bundle) => first(bundle).performer?.push({ display: 'een ander' }),
  },
  {
    says: 'refers to the card and to entries of its own only, each under a UUID of its own',
    complaints: (golden) => {
      const names = (golden.written.entry ?? []).map(({ fullUrl }) => fullUrl ?? '');
      const odd = names.filter((name) => !/^urn:uuid:[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(name));
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      const lost = references(golden).filter((name) => name !== `Patient/${PATIENT_ID}` && !names.includes(name));
      return [...odd, ...twice, ...lost];
    },
    spoil: (bundle) => Object.assign(first(bundle), { specimen: { reference: 'urn:uuid:nobody' } }),
  },
  {
    says: 'is about the named card in every resource that is about a patient',
    complaints: ({ written }) =>
      (written.entry ?? [])
        .filter(({ resource }) => resource?.resourceType !== 'Organization' && resource?.resourceType !== 'Provenance')
        .filter(
          ({ resource }) =>
            (resource as Partial<Observation> | undefined)?.subject?.reference !== `Patient/${PATIENT_ID}`,
        )
        .map(({ fullUrl }) => String(fullUrl)),
    spoil: (bundle) => Object.assign(first(bundle), { subject: { reference: 'Patient/other' } }),
  },
  {
    says: 'creates nothing twice: every entry but the Provenance is conditional on its own identifier',
    complaints: ({ written }) =>
      (written.entry ?? []).flatMap(({ resource, request }) => {
        if (resource?.resourceType === 'Provenance') return [];
        const [identifier] = (resource as Partial<Observation>).identifier ?? [];
        const condition = `identifier=${encodeURIComponent(`${identifier?.system}|${identifier?.value}`)}`;
        const isConditional = request?.method === 'POST' && request.url === resource?.resourceType;
        return isConditional && request.ifNoneExist === condition ? [] : [`${request?.method} ${request?.url}`];
      }),
    spoil: (bundle) => {
      for (const { request } of bundle.entry ?? []) delete request?.ifNoneExist;
    },
  },
];
