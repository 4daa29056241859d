import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { validateResource } from '@medplum/core';
import type { Bundle, DiagnosticReport, Observation, Provenance, Resource, Specimen } from '@medplum/fhirtypes';
import { beforeAll, describe, expect, it } from 'vitest';
import { identitiesOf } from '../../../src/delivery/patient-card/identities.ts';
import type { ReportContent } from '../../../src/delivery/patient-card/patient-card.ts';
import { planWrite } from '../../../src/delivery/patient-card/plan.ts';
import { loadDefinitions } from '../../../src/sandbox/fhir/definitions.ts';
import { content, contentOfResults, digest, report, result, specimen, trace } from '../sample.ts';

// The second validator: it sees bindings and reference targets that Medplum's does not (formats/fhir.md).
interface SecondValidator {
  validate(resource: object): { valid: boolean; messages: readonly { severity?: string; message?: string }[] };
}
const { Fhir } = createRequire(import.meta.url)('fhir') as { Fhir: new () => SecondValidator };
const second = new Fhir();

const EMPTY_CARD = {
  observations: new Map(),
  reports: new Map(),
  specimens: new Map(),
  isAmbiguous: false,
};

beforeAll(() => loadDefinitions());

function bundleOf(sent: ReportContent): Bundle {
  const uuids = Array.from({ length: 99 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
  const plan = planWrite({
    content: sent,
    trace: trace(),
    patientId: 'petra',
    groups: identitiesOf(sent.report, 'petra', digest),
    onCard: EMPTY_CARD,
    recorded: new Date('2026-03-02T15:00:00Z'),
    uuid: () => uuids.shift() ?? '',
  });
  if (plan.kind !== 'write' || plan.bundle === null) throw new Error('nothing to write');
  return plan.bundle;
}

function resources<T extends Resource>(bundle: Bundle, type: T['resourceType']): readonly T[] {
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as T] : []));
}

/** The resources with their references as a server rewrites them: without a type, a validator has nothing to compare. */
function asStored(bundle: Bundle): readonly Resource[] {
  const entries = bundle.entry ?? [];
  const text = entries.reduce(
    (all, { fullUrl, resource }) => all.replaceAll(`"${fullUrl}"`, `"${resource?.resourceType}/1"`),
    JSON.stringify(entries.map(({ resource }) => resource)),
  );
  return JSON.parse(text) as Resource[];
}

function observation(changes: Parameters<typeof result>[0]): Observation {
  const [first] = resources<Observation>(bundleOf(contentOfResults(result(changes))), 'Observation');
  if (first === undefined) throw new Error('no observation');
  return first;
}

const pdf = Buffer.from('%PDF-1.7 sandbox');
const sha256 = createHash('sha256').update(pdf).digest('hex');

/** Everything that a report can say, at once. */
const rich = content(
  report(
    [
      specimen(
        [
          result(),
          result({ kind: 'heading', name: 'MEDICIJNEN', remarks: ['  zie brief'] }, 'HEAD|1'),
          result({ value: { text: '<5', number: 5, comparator: '<' }, flag: { raw: '<', meaning: 'low' } }, 'CRP|1'),
          result({ value: { text: 'Zie onder', number: null, comparator: null }, remarks: ['  spoor', ''] }, 'SED|1'),
          result({ value: { text: null, number: null, comparator: null } }, 'LEEG|1'),
          result({ status: 'cancelled', value: { text: 'hemolyse', number: null, comparator: null } }, 'K|1'),
          result({ status: 'retracted' }, 'NA|1'),
          result({ status: 'preliminary', unit: null, unitUcum: null }, 'INR|1'),
        ],
        { remarks: ['Monster laat ontvangen'], volume: '12 ml', pending: [{ name: 'TSH', remarks: ['morgen'] }] },
      ),
      specimen([result({ key: 'sandbox-noord|112234|2026|UR|ALBK|1' })], {
        labNumber: '112234',
        material: 'urine',
        orderCode: 'UR',
      }),
    ],
    {
      comments: ['Graag herhalen'],
      copy: { direction: 'from', names: ['dr. Zomer'] },
      requester: { name: 'De Linde', type: 'H', code: '123' },
      attachments: [{ contentType: 'application/pdf', bytes: pdf.length, sha256 }],
      notCarried: [{ code: 'hl7.order-only', count: 2 }],
    },
  ),
  { attachments: new Map([[sha256, { contentType: 'application/pdf', bytes: pdf }]]), withheldCount: 3 },
);

describe('the bundle of a report', () => {
  it('is valid R4 in every entry, for two validators', () => {
    for (const resource of asStored(bundleOf(rich))) {
      expect(validateResource(resource)).toEqual([]);
      expect(second.validate(resource).messages.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });

  it('is refused by both validators where a status is unknown or missing', () => {
    const broken = { ...observation({}), status: 'sure' } as unknown as Observation;
    expect(
      second.validate(broken).messages.some(({ severity }) => severity === 'error' || severity === 'warning'),
    ).toBe(true);
    const { status: _status, ...missing } = observation({});
    expect(() => validateResource(missing as Resource)).toThrow();
  });

  it('has no empty string, no null and no empty list, and every dateTime with an hour has an offset', () => {
    const walk = (value: unknown): void => {
      expect(value === null || value === '' || (Array.isArray(value) && value.length === 0)).toBe(false);
      if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) expect(value).toMatch(/(Z|[+-]\d\d:\d\d)$/);
      if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
    };
    walk(bundleOf(rich));
  });

  it('carries no BSN and no undigested key', () => {
    const text = JSON.stringify(bundleOf(rich));
    expect(text).not.toContain('999990019');
    expect(text).not.toContain('sandbox-noord|');
  });

  it('refers to its own entries only', () => {
    const bundle = bundleOf(rich);
    const names = new Set((bundle.entry ?? []).map(({ fullUrl }) => fullUrl));
    const references = JSON.stringify(bundle).match(/"reference":"[^"]+"/g) ?? [];
    for (const reference of references) {
      const target = reference.slice('"reference":"'.length, -1);
      expect(target === 'Patient/petra' || names.has(target)).toBe(true);
    }
  });

  it('has one report per lab number, with all that is no result', () => {
    const [first, other, ...more] = resources<DiagnosticReport>(bundleOf(rich), 'DiagnosticReport');
    expect(more).toEqual([]);
    expect(first?.conclusion?.split('\n')).toEqual([
      'Graag herhalen',
      'Monster laat ontvangen',
      'MEDICIJNEN',
      '  zie brief',
      'Aanvrager: De Linde',
      'Kopie van: dr. Zomer',
      'Nog niet bekend: TSH',
      'morgen',
      'Niet doorgestuurd op verzoek van de praktijk: 3',
      'Niet als uitslag overgenomen: 2 (alleen aangevraagd)',
    ]);
    expect(first).toMatchObject({ status: 'partial', presentedForm: [{ contentType: 'application/pdf', size: 16 }] });
    expect(first?.result).toHaveLength(7);
    expect(other?.result).toHaveLength(1);
    expect(other).not.toHaveProperty('presentedForm');
  });

  it('says where it came from', () => {
    const [provenance] = resources<Provenance>(bundleOf(rich), 'Provenance');
    const values = provenance?.entity?.map(({ what }) => what?.identifier?.value);
    expect(values).toEqual([trace().mailId, trace().reportId, '1020', '1']);
  });

  it('puts two materials of one lab number in one report', () => {
    const two = report([specimen([result()]), specimen([result({}, 'ALBK|1')], { material: 'urine' })]);
    const bundle = bundleOf(content(two));
    expect(resources<DiagnosticReport>(bundle, 'DiagnosticReport')).toHaveLength(1);
    expect(resources<Specimen>(bundle, 'Specimen').map(({ type }) => type?.text)).toEqual(['bloed', 'urine']);
  });

  it('is not made where the bytes of a document are missing, or two results have one key', () => {
    const missing = () => bundleOf({ ...rich, attachments: new Map() });
    expect(missing).toThrowError(expect.objectContaining({ code: 'card.attachment-missing', kind: 'defect' }));
    const twice = () => bundleOf(contentOfResults(result(), result()));
    expect(twice).toThrowError(expect.objectContaining({ code: 'card.key-repeated', kind: 'defect' }));
  });
});

describe('the Observation of a result', () => {
  it('is a laboratory result with the code that the tables gave, and the laboratory’s own name', () => {
    expect(observation({})).toMatchObject({
      category: [{ coding: [{ code: 'laboratory' }] }, { text: 'KLINISCHE CHEMIE' }],
      code: { coding: [{ code: '370' }], text: 'Glucose' },
      effectiveDateTime: '2026-03-02T08:50:00+01:00',
      issued: trace().version,
    });
    const uncoded = observation({ code: { ...result().code, nhg: null } });
    expect(uncoded.code).toEqual({ text: 'Glucose' });
  });

  it('keeps digits that a JSON number loses', () => {
    expect(observation({}).valueQuantity).toMatchObject({ value: 5.1, extension: [{ valueString: '5.10' }] });
    const exact = observation({ value: { text: '5.1', number: 5.1, comparator: null } });
    expect(exact.valueQuantity).toEqual({
      value: 5.1,
      unit: 'mmol/l',
      system: 'http://unitsofmeasure.org',
      code: 'mmol/L',
    });
  });

  it('has a comparator, and no UCUM where the unit is unknown', () => {
    const below = { text: '<5', number: 5, comparator: '<' } as const;
    expect(observation({ value: below, unit: 'eenh', unitUcum: null }).valueQuantity).toEqual({
      value: 5,
      comparator: '<',
      unit: 'eenh',
    });
  });

  it('keeps text as text, with its unit', () => {
    const time = observation({ value: { text: '22.15', number: null, comparator: null }, unit: 'uur', unitUcum: null });
    expect(time).toMatchObject({ valueString: '22.15 uur' });
    expect(time).not.toHaveProperty('valueQuantity');
  });

  it('keeps leading blanks of remarks, which are the laboratory’s layout', () => {
    expect(observation({ remarks: ['    kolom', '', 'slot'] }).note).toEqual([{ text: '    kolom\n\nslot' }]);
    expect(observation({ remarks: ['', ' '] })).not.toHaveProperty('note');
  });

  it('never has a reason for absence beside a value', () => {
    expect(observation({})).not.toHaveProperty('dataAbsentReason');
    const cancelled = observation({ status: 'cancelled', value: { text: 'hemolyse', number: null, comparator: null } });
    expect(cancelled).toMatchObject({ status: 'cancelled', note: [{ text: 'hemolyse' }] });
    expect(cancelled).not.toHaveProperty('valueString');
  });

  it('keeps limits that are no numbers as text', () => {
    const oneSided = observation({ range: { low: null, high: '<6,4', text: null } });
    expect(oneSided.referenceRange).toEqual([{ text: '<6,4' }]);
    const inWords = observation({ range: { low: 'negatief', high: null, text: null } });
    expect(inWords.referenceRange).toEqual([{ text: 'negatief' }]);
    const number = observation({ range: { low: null, high: '6,4', text: null } });
    expect(number.referenceRange).toMatchObject([{ high: { value: 6.4 }, text: 'tot 6,4' }]);
  });

  it('names the lab number as the EDIFACT reference for MEDLAB only', () => {
    expect(observation({}).extension).toMatchObject([{ valueString: '112233' }]);
    const hl7 = bundleOf(content(report([specimen([result()])]), { format: 'hl7-oru' }));
    expect(resources<Observation>(hl7, 'Observation')[0]).not.toHaveProperty('extension');
  });
});
