import { createHash } from 'node:crypto';
import type { DiagnosticReport, Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Card,
  type OpenPatientCard,
  openPatientCard,
  strainOf,
  type WriteAnswer,
} from '../../src/delivery/patient-card/patient-card.ts';
import { NUMBER_RETRACTED_TEXT } from '../../src/delivery/patient-card/retract.ts';
import type { LabResult } from '../../src/lab/lab.ts';
import { decide } from '../../src/queue/queue.ts';
import { type FhirSandbox, readCards, startFhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { asFailure, type Failure } from '../../src/shared/failure.ts';
import { REASONS, type ReasonCode, reasonOf } from '../../src/shared/reasons.ts';
import {
  content,
  contentOfResults,
  digest,
  labPatient,
  person,
  practice,
  report,
  result,
  specimen,
  trace,
  value,
} from '../delivery/sample.ts';

const petra = labPatient(person('999990019'));
const linde = practice('linde').agb;

let ckis: FhirSandbox;
let cards: OpenPatientCard;
let card: Card;
let series = 0;

beforeAll(async () => {
  ckis = await startFhirSandbox({
    name: 'cKIS',
    people: SANDBOX_PATIENTS,
    practices: SANDBOX_PRACTICES,
    token: 'secret',
  });
  cards = open();
  const found = await cards.find(petra, linde);
  if (found.kind !== 'card') throw new Error(found.kind);
  card = found.card;
});

afterAll(async () => {
  await cards.release();
  await ckis.release();
});

// Every test has a lab number of its own, so that they share a server and not a result.
beforeEach(() => {
  series += 1;
  ckis.faults.clear();
});

function open(changes: Partial<Parameters<typeof openPatientCard>[0]> = {}): OpenPatientCard {
  return openPatientCard({
    baseUrl: ckis.url,
    token: 'secret',
    digest: (key) => digest(`${series} ${key}`),
    isProduction: false,
    timeoutMs: 5_000,
    ...changes,
  });
}

function write(results: readonly LabResult[], minute = 0): Promise<WriteAnswer> {
  return cards.write(card, contentOfResults(...results), trace(minute));
}

function decoded(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString();
}

function outcomes(answer: WriteAnswer): readonly string[] {
  if (answer.kind === 'held') return [answer.code];
  return answer.resources.map(({ resourceType, outcome }) => `${resourceType} ${outcome}`);
}

/** The Observations of this test, as the server has them. */
function stored(key = 'GLUCB|1'): readonly Observation[] {
  const identifier = digest(`${series} ${result({}, key).key}`);
  return ckis.repository
    .all<Observation>('Observation')
    .filter((observation) => observation.identifier?.some((candidate) => candidate.value === identifier));
}

function only(key?: string): Observation {
  const [first, ...more] = stored(key);
  if (first === undefined || more.length > 0) throw new Error(`${stored(key).length} observations`);
  return first;
}

async function versions(observation: Observation): Promise<number> {
  const history = await ckis.repository.readHistory('Observation', observation.id ?? '');
  return history.entry?.length ?? 0;
}

describe('finding the card', () => {
  it('finds the active card of the practice by BSN', async () => {
    expect(await cards.find(petra, linde)).toMatchObject({ kind: 'card', warnings: [] });
  });

  it('answers none for somebody who is followed nowhere, and for a card of another practice', async () => {
    expect(await cards.find(labPatient(person('999916257')), linde)).toEqual({ kind: 'none' });
    expect(await cards.find(petra, practice('brug').agb)).toEqual({ kind: 'none' });
  });

  it('counts an ended card as none', async () => {
    const other = labPatient(person('999942542'));
    const patient = ckis.repository.all<Patient>('Patient').find((one) => one.identifier?.[0]?.value === other.bsn);
    if (patient === undefined) throw new Error('no card');
    await ckis.repository.updateResource({ ...patient, active: false });
    expect(await cards.find(other, linde)).toEqual({ kind: 'none' });
    await ckis.repository.updateResource({ ...patient, active: true });
    expect(await cards.find(other, linde)).toMatchObject({ kind: 'card' });
  });

  it('holds where the practice has two active cards of one BSN', async () => {
    const karel = labPatient(person('999911120'));
    const patient = ckis.repository.all<Patient>('Patient').find((one) => one.identifier?.[0]?.value === karel.bsn);
    const { id: _id, meta: _meta, ...copy } = patient as Patient;
    const twin = await ckis.repository.createResource<Patient>(copy);
    expect(await cards.find(karel, linde)).toEqual({ kind: 'held', code: 'card.several' });
    await ckis.repository.deleteResource('Patient', twin.id);
    expect(await cards.find(karel, linde)).toMatchObject({ kind: 'card' });
  });

  it('holds where the birth date differs, and compares only what both sides know', async () => {
    expect(await cards.find({ ...petra, birthDate: '1980-10-26' }, linde)).toEqual({
      kind: 'held',
      code: 'card.birth-date-differs',
    });
    expect(await cards.find({ ...petra, birthDate: '1980' }, linde)).toMatchObject({ kind: 'card' });
    expect(await cards.find({ ...petra, birthDate: '1981' }, linde)).toMatchObject({ code: 'card.birth-date-differs' });
  });

  it('holds where neither surname is like the card’s', async () => {
    const name = { ...petra.name, family: 'Pietersen', partnerFamily: null };
    expect(await cards.find({ ...petra, name }, linde)).toEqual({ kind: 'held', code: 'card.name-differs' });
  });

  it('delivers with a warning where only the sex differs', async () => {
    expect(await cards.find({ ...petra, sex: 'male' }, linde)).toMatchObject({
      kind: 'card',
      warnings: [{ code: 'card.sex-differs', position: null }],
    });
  });

  it('holds a report without a BSN if the practice follows somebody of that birth date, else answers none', async () => {
    const anonymous = { ...petra, bsn: null, isBsnValid: null };
    expect(await cards.find(anonymous, linde)).toEqual({ kind: 'held', code: 'lab.no-bsn' });
    expect(await cards.find(anonymous, practice('anker').agb)).toEqual({ kind: 'none' });
    expect(await cards.find({ ...anonymous, birthDate: '1931-01-01' }, linde)).toEqual({ kind: 'none' });
    expect(await cards.find({ ...anonymous, birthDate: '1980' }, linde)).toEqual({ kind: 'held', code: 'lab.no-bsn' });
    expect(await cards.find({ ...petra, bsn: '999990018', isBsnValid: false }, linde)).toEqual({
      kind: 'held',
      code: 'lab.bsn-invalid',
    });
  });

  it('never looks up a test person in production, or on a server that is no sandbox', async () => {
    const production = open({ isProduction: true });
    const before = ckis.requests.length;
    expect(await production.find(petra, linde)).toEqual({ kind: 'held', code: 'card.sandbox-person' });
    expect(ckis.requests).toHaveLength(before);
    await production.release();
    expect(await cards.isSandbox()).toBe(true);
  });
});

describe('the card that a person named', () => {
  const none: readonly ReasonCode[] = [];
  const patientOf = (bsn: string | null) =>
    ckis.repository.all<Patient>('Patient').find((one) => one.identifier?.[0]?.value === bsn) as Patient & {
      id: string;
    };
  const stranger = { ...petra, birthDate: '1980-10-26' };
  const unlike = { ...petra.name, family: 'Pietersen', partnerFamily: null };

  it('is taken where only what the person overrode is in doubt', async () => {
    const answer = await cards.findById(card.patientId, stranger, linde, ['card.birth-date-differs']);
    expect(answer).toEqual({ kind: 'card', card, warnings: [] });
    expect(await cards.findById(card.patientId, { ...petra, sex: 'male' }, linde, none)).toMatchObject({
      kind: 'card',
      warnings: [{ code: 'card.sex-differs' }],
    });
  });

  it('waits for every doubt that nobody decided on', async () => {
    const both = { ...stranger, name: unlike };
    const ask = (...overridden: ReasonCode[]) => cards.findById(card.patientId, both, linde, overridden);
    expect(await ask('lab.number-other-patient')).toEqual({ kind: 'held', code: 'card.birth-date-differs' });
    expect(await ask('card.birth-date-differs')).toEqual({ kind: 'held', code: 'card.name-differs' });
    expect(await ask('card.name-differs')).toEqual({ kind: 'held', code: 'card.birth-date-differs' });
    expect(await ask('card.name-differs', 'card.birth-date-differs')).toMatchObject({ kind: 'card' });
  });

  it.each(['nobody', '../metadata', 'a b', '', '999990019', 'x'.repeat(65)])('is unknown as %j', async (id) => {
    const answer = await cards.findById(id, stranger, linde, ['card.birth-date-differs']);
    expect(answer).toEqual({ kind: 'held', code: 'card.override-unknown' });
  });

  it('is unknown where it is another practice’s, or has ended', async () => {
    const els = patientOf('999918606');
    const anybody: readonly ReasonCode[] = ['card.birth-date-differs', 'card.name-differs', 'lab.no-bsn'];
    const unknown = { kind: 'held', code: 'card.override-unknown' };
    expect(await cards.findById(els.id, { ...petra, bsn: null, isBsnValid: null }, linde, anybody)).toEqual(unknown);
    const aylin = patientOf('999942542');
    await ckis.repository.updateResource({ ...aylin, active: false });
    expect(await cards.findById(aylin.id, labPatient(person('999942542')), linde, none)).toEqual(unknown);
    await ckis.repository.updateResource({ ...aylin, active: true });
    expect(await cards.findById(aylin.id, labPatient(person('999942542')), linde, none)).toMatchObject({
      kind: 'card',
    });
  });

  it('is never one of another BSN, or of none, whatever was overridden', async () => {
    const everything = Object.keys(REASONS) as readonly ReasonCode[];
    const overridable = everything.filter((code) => reasonOf(code).actions.includes('override'));
    const other = { kind: 'held', code: 'card.override-other-bsn' };
    const karel = patientOf('999911120');
    expect(await cards.findById(karel.id, petra, linde, overridable)).toEqual(other);
    const { id: _id, meta: _meta, identifier: _identifier, ...rest } = patientOf('999990019');
    const nameless = await ckis.repository.createResource<Patient>(rest);
    expect(await cards.findById(nameless.id, petra, linde, overridable)).toEqual(other);
    await ckis.repository.deleteResource('Patient', nameless.id);
  });

  it('serves a report without a usable BSN only where that was overridden, and is compared all the same', async () => {
    const anonymous = { ...petra, bsn: null, isBsnValid: null };
    const invalid = { ...petra, bsn: '999990018', isBsnValid: false };
    const ask = (who: typeof petra, ...overridden: ReasonCode[]) =>
      cards.findById(card.patientId, who, linde, overridden);
    expect(await ask(anonymous)).toEqual({ kind: 'held', code: 'lab.no-bsn' });
    expect(await ask(anonymous, 'lab.no-bsn')).toMatchObject({ kind: 'card' });
    expect(await ask({ ...anonymous, name: unlike }, 'lab.no-bsn')).toEqual({
      kind: 'held',
      code: 'card.name-differs',
    });
    expect(await ask(invalid, 'lab.no-bsn')).toEqual({ kind: 'held', code: 'lab.bsn-invalid' });
    expect(await ask(invalid, 'lab.bsn-invalid')).toMatchObject({ kind: 'card' });
  });

  it('ends the choice between several cards only where that was the doubt', async () => {
    const karel = patientOf('999911120');
    const { id: _id, meta: _meta, ...copy } = karel;
    const twin = await ckis.repository.createResource<Patient>(copy);
    const who = labPatient(person('999911120'));
    expect(await cards.findById(karel.id, who, linde, none)).toEqual({ kind: 'held', code: 'card.several' });
    expect(await cards.findById(twin.id, who, linde, ['card.several'])).toMatchObject({ card: { patientId: twin.id } });
    await ckis.repository.deleteResource('Patient', twin.id);
    expect(await cards.findById(karel.id, who, linde, none)).toMatchObject({ kind: 'card' });
  });

  it('is never a test person’s in production, whoever the report is about', async () => {
    const production = open({ isProduction: true });
    const before = ckis.requests.length;
    const refused = { kind: 'held', code: 'card.sandbox-person' };
    expect(await production.findById(card.patientId, petra, linde, none)).toEqual(refused);
    expect(ckis.requests).toHaveLength(before);
    const anonymous = { ...petra, bsn: null, isBsnValid: null };
    expect(await production.findById(card.patientId, anonymous, linde, ['lab.no-bsn'])).toEqual(refused);
    await production.release();
  });
});

describe('writing a report', () => {
  it('puts every result on the card, with the report around them', async () => {
    const answer = await write([result(), result({ name: 'HbA1c' }, 'HBACB|1')]);
    expect(outcomes(answer)).toEqual(['Observation created', 'Observation created', 'DiagnosticReport created']);
    expect(only()).toMatchObject({
      status: 'final',
      subject: { reference: `Patient/${card.patientId}` },
      valueQuantity: { value: 5.1, unit: 'mmol/l', code: 'mmol/L' },
      referenceRange: [{ low: { value: 4 }, high: { value: 6.4 }, text: '4.0 - 6.4' }],
    });
  });

  it('writes a report of sixty results in one transaction', async () => {
    const many = Array.from({ length: 60 }, (_, index) => result({}, `C${index}|1`));
    expect(outcomes(await write(many))).toHaveLength(61);
    expect(outcomes(await write(many)).filter((outcome) => outcome.endsWith('unchanged'))).toHaveLength(61);
  });

  it('changes nothing when the same report comes twice', async () => {
    await write([result()]);
    const writes = () => ckis.requests.filter(({ url }) => url === '/fhir').length;
    const before = writes();
    expect(outcomes(await write([result()]))).toEqual(['Observation unchanged', 'DiagnosticReport unchanged']);
    expect(writes()).toBe(before);
    expect(await versions(only())).toBe(1);
  });

  it('replaces a value by a corrected one, in place', async () => {
    await write([result()]);
    const answer = await write([result({ value: value('6.2'), status: 'corrected' })], 5);
    expect(outcomes(answer)).toEqual(['Observation updated', 'DiagnosticReport updated']);
    expect(only()).toMatchObject({ status: 'corrected', valueQuantity: { value: 6.2 } });
    expect(await versions(only())).toBe(2);
  });

  it('says on a correction whether there was anything to correct, and is no other content for it', async () => {
    const corrected = result({ value: value('6.2'), status: 'corrected', remarks: ['was een tikfout'] });
    await write([corrected], 5);
    const missing = 'Correctie: de oorspronkelijke uitslag is hier niet ontvangen.';
    expect(only().note).toEqual([{ text: `was een tikfout\n${missing}` }]);
    expect(outcomes(await write([corrected], 5))).toEqual(['Observation unchanged', 'DiagnosticReport unchanged']);
    // The original comes after all: the value stays the corrected one, and nothing is missing any more.
    expect(outcomes(await write([result()], 0))).toEqual(['Observation updated', 'DiagnosticReport unchanged']);
    expect(only()).toMatchObject({ valueQuantity: { value: 6.2 }, note: [{ text: 'was een tikfout' }] });
    await write([result({ value: value('6.3'), status: 'corrected' })], 9);
    expect(only()).not.toHaveProperty('note');
  });

  it('shows the documents of a report newest first, each under the moment that it first came', async () => {
    const sent = (name: string) => {
      const bytes = Buffer.from(`%PDF-1.7 ${name}`);
      return { contentType: 'application/pdf', bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    };
    const [first, second] = [sent('first'), sent('second')];
    const withDocuments = (...documents: readonly (typeof first)[]) =>
      content(
        report([specimen([result()])], {
          attachments: documents.map(({ bytes, ...document }) => ({ ...document, bytes: bytes.length })),
        }),
        { attachments: new Map(documents.map((document) => [document.sha256, document])) },
      );
    await cards.write(card, withDocuments(first), trace(0));
    await cards.write(card, withDocuments(first, second), trace(5));
    const reports = ckis.repository.all<DiagnosticReport>('DiagnosticReport');
    const shown = reports.at(-1)?.presentedForm?.map(({ data, creation }) => [decoded(data), creation]);
    expect(shown).toEqual([
      ['%PDF-1.7 second', trace(5).version],
      ['%PDF-1.7 first', trace(0).version],
    ]);
  });

  it('changes nothing when an older report arrives later', async () => {
    await write([result({ value: value('6.2') })], 5);
    expect(outcomes(await write([result()], 0))).toEqual(['Observation older', 'DiagnosticReport unchanged']);
    expect(only()).toMatchObject({ valueQuantity: { value: 6.2 } });
  });

  it('changes nothing when a preliminary result arrives after the final one, also with a later time', async () => {
    await write([result()], 5);
    const late = result({ status: 'preliminary', value: value('4.9') });
    expect(outcomes(await write([late], 0))).toEqual(['Observation older', 'DiagnosticReport unchanged']);
    expect(outcomes(await write([late], 9))).toEqual(['Observation older', 'DiagnosticReport unchanged']);
    expect(await versions(only())).toBe(1);
  });

  it('marks a retracted result as entered in error and takes its value out of sight', async () => {
    await write([result(), result({}, 'HBACB|1')]);
    await write([result({ status: 'retracted' })], 5);
    expect(only()).toMatchObject({
      status: 'entered-in-error',
      note: [{ text: 'Ingetrokken door het laboratorium.' }],
    });
    expect(only()).not.toHaveProperty('valueQuantity');
    expect(only('HBACB|1').status).toBe('final');
  });

  it('remembers the retraction of a result it never saw, so that the late original stays away', async () => {
    await write([result({ status: 'retracted' })], 5);
    expect(outcomes(await write([result()], 0))).toEqual(['Observation older', 'DiagnosticReport unchanged']);
    expect(only().status).toBe('entered-in-error');
  });

  it('makes a preliminary result final on a confirmation, and never touches its value', async () => {
    await write([result({ status: 'preliminary' })]);
    const confirmation = result({ status: 'confirmed', value: { text: null, number: null, comparator: null } });
    expect(outcomes(await write([confirmation], 5))).toEqual(['Observation updated', 'DiagnosticReport updated']);
    expect(only()).toMatchObject({ status: 'final', valueQuantity: { value: 5.1 } });
    expect(outcomes(await write([confirmation], 5))).toEqual(['Observation unchanged', 'DiagnosticReport unchanged']);
  });

  it('holds a confirmation of nothing, and writes none of its report', async () => {
    const answer = await write([result({}, 'HBACB|1'), result({ status: 'confirmed' })]);
    expect(answer).toEqual({ kind: 'held', code: 'hl7.nothing-to-confirm', detail: null });
    expect(stored('HBACB|1')).toEqual([]);
  });

  it('holds two values of one moment, unless one of them is marked corrected', async () => {
    await write([result()]);
    expect(outcomes(await write([result({ value: value('6.2') })]))).toEqual(['lab.same-time-conflict']);
    expect(outcomes(await write([result({ value: value('6.2'), status: 'corrected' })]))[0]).toBe(
      'Observation updated',
    );
    expect(outcomes(await write([result()]))[0]).toBe('Observation older');
    expect(only()).toMatchObject({ valueQuantity: { value: 6.2 } });
  });

  it('holds a result without a lab number that would replace one of another collection', async () => {
    const unnumbered = (collectedAt: string) =>
      content(report([specimen([result()], { labNumber: null, collectedAt })]));
    await cards.write(card, unnumbered('2026-03-02T08:50:00+01:00'), trace());
    expect(outcomes(await cards.write(card, unnumbered('2026-03-02T07:50:00Z'), trace()))[0]).toBe(
      'Observation unchanged',
    );
    expect(outcomes(await cards.write(card, unnumbered('2026-09-01T09:00:00+02:00'), trace(5)))).toEqual([
      'card.no-lab-number',
    ]);
  });

  it('never moves a result to another patient', async () => {
    await write([result()]);
    const found = await cards.find(labPatient(person('999911120')), linde);
    if (found.kind !== 'card') throw new Error(found.kind);
    expect(outcomes(await cards.write(found.card, contentOfResults(result()), trace(5)))).toEqual([
      'card.other-subject',
    ]);
    expect(only().subject?.reference).toBe(`Patient/${card.patientId}`);
  });

  it('takes back what stands on the named card only, all of it or nothing, and once', async () => {
    await write([result()]);
    const identifier = digest(`${series} ${result().key}`);
    const report = digest(`${series} sandbox-noord|112233|2026|`);
    const retraction = { results: [identifier], reports: [report], version: trace(5).version, deliveryId: 'd' };
    const elsewhere = await cards.retract({ patientId: 'somebody-else' }, retraction);
    expect(outcomes(elsewhere)).toEqual(['card.other-subject']);
    expect(only()).toMatchObject({ status: 'final', valueQuantity: { value: 5.1 } });
    expect(await cards.countUnretracted(retraction)).toBe(2);
    ckis.faults.next({ kind: 'race' });
    expect(outcomes(await cards.retract(card, retraction))).toEqual([
      'Observation updated',
      'DiagnosticReport updated',
    ]);
    expect(only()).toMatchObject({ status: 'entered-in-error', note: [{ text: NUMBER_RETRACTED_TEXT }] });
    expect(only()).not.toHaveProperty('valueQuantity');
    expect(await cards.countUnretracted(retraction)).toBe(0);
    const count = await versions(only());
    expect(outcomes(await cards.retract(card, retraction))).toEqual([]);
    expect(await versions(only())).toBe(count);
    // What the laboratory sent before the decision does not come back.
    expect(outcomes(await write([result({ value: value('9.9') })], 3))).toContain('Observation older');
  });

  it('adds the parts of a report up, and drops a pending determination once it is known', async () => {
    const part = specimen([result()], {
      isComplete: false,
      pending: [{ name: 'TSH', remarks: [] }],
      remarks: ['Lipemisch'],
    });
    await cards.write(card, content(report([part])), trace(0));
    await cards.write(card, content(report([specimen([result({}, 'TSHB|1')])])), trace(5));
    const reading = (await readCards(ckis)).flatMap(({ reports }) => reports).at(-1);
    expect(reading).toMatchObject({ status: 'final', conclusion: 'Lipemisch' });
  });

  it('keeps what somebody else added to a result', async () => {
    await write([result()]);
    const theirs = { system: 'https://ckis.example/id', value: '42' };
    const before = only();
    await ckis.repository.updateResource({ ...before, identifier: [...(before.identifier ?? []), theirs] });
    await write([result({ value: value('6.2') })], 5);
    expect(only().identifier).toContainEqual(theirs);
  });

  it('holds where a result stands there twice', async () => {
    await write([result()]);
    const { id: _id, meta: _meta, ...copy } = only();
    await ckis.repository.createResource<Observation>(copy);
    expect(outcomes(await write([result()], 5))).toEqual(['card.result-twice']);
  });
});

describe('when the server fails', () => {
  it('has one resource after a 500 that followed the commit, and the repeat writes nothing', async () => {
    ckis.faults.next({ kind: 'fail-after-commit', status: 500 });
    await expect(write([result()])).rejects.toMatchObject({ code: 'card.failing', kind: 'ambiguous', scope: 'item' });
    expect(outcomes(await write([result()]))).toEqual(['Observation unchanged', 'DiagnosticReport unchanged']);
    expect(stored()).toHaveLength(1);
  });

  it('calls a connection that broke after sending ambiguous', async () => {
    ckis.faults.next({ kind: 'reset-after-commit' });
    await expect(write([result()])).rejects.toMatchObject({ code: 'card.no-answer', kind: 'ambiguous' });
    expect(outcomes(await write([result()]))).toEqual(['Observation unchanged', 'DiagnosticReport unchanged']);
  });

  it('calls silence after sending ambiguous', async () => {
    const impatient = open({ timeoutMs: 200 });
    ckis.faults.next({ kind: 'silence-after-commit' });
    const attempt = impatient.write(card, contentOfResults(result()), trace());
    await expect(attempt).rejects.toMatchObject({ code: 'card.no-answer', kind: 'ambiguous' });
    await impatient.release();
    expect(stored()).toHaveLength(1);
  });

  it('starts again after a race, and comes back later after three', async () => {
    await write([result()]);
    ckis.faults.next({ kind: 'race' });
    expect(outcomes(await write([result({ value: value('6.2') })], 5))[0]).toBe('Observation updated');
    ckis.faults.next({ kind: 'race' }, { times: 3 });
    await expect(write([result({ value: value('6.3') })], 9)).rejects.toMatchObject({
      code: 'card.version-race',
      kind: 'transient',
      scope: 'item',
    });
    expect(only()).toMatchObject({ valueQuantity: { value: 6.2 } });
  });

  it.each([
    [429, 'card.busy'],
    [503, 'card.busy'],
    [401, 'card.login-refused'],
    [403, 'card.login-refused'],
    [404, 'card.unexpected-answer'],
    [302, 'card.unexpected-answer'],
  ])('pauses the target on a %i', async (status, code) => {
    ckis.faults.next({ kind: 'refuse', status, retryAfterSeconds: 7 });
    const retryAfterMs = code === 'card.busy' ? 7_000 : null;
    // A refused login heals by hand: it is asked rarely (queue/retry-policy.ts).
    const kind = code === 'card.login-refused' ? 'permanent' : 'transient';
    await expect(write([result()])).rejects.toMatchObject({ code, kind, scope: 'peer', retryAfterMs });
    expect(stored()).toEqual([]);
  });

  it.each([
    [429, 'refused'],
    [503, 'refused'],
    [500, null],
    [401, null],
  ])('says of a %i how it is with the number of requests: %s', async (status, strain) => {
    ckis.faults.next({ kind: 'refuse', status });
    const thrown = await write([result()]).catch((failure: unknown) => failure);
    expect(strainOf(asFailure(thrown))).toBe(strain);
  });

  it('says of an answer that did not come in time that it is late, and of a connection that was cut nothing', async () => {
    const impatient = open({ timeoutMs: 200 });
    ckis.faults.next({ kind: 'silence-after-commit' });
    const late = await impatient.write(card, contentOfResults(result()), trace()).catch((thrown: unknown) => thrown);
    await impatient.release();
    ckis.faults.next({ kind: 'reset-after-commit' });
    const cut = await write([result({ value: value('6.2') })], 5).catch((thrown: unknown) => thrown);
    expect([late, cut].map((thrown) => [asFailure(thrown).code, strainOf(asFailure(thrown))])).toEqual([
      ['card.no-answer', 'late'],
      ['card.no-answer', null],
    ]);
  });

  it('says that a wrong token is refused, and that nobody listens', async () => {
    const wrong = open({ token: 'guess' });
    const refused = await wrong.find(petra, linde).catch((thrown: Failure) => thrown);
    expect(refused).toMatchObject({ code: 'card.login-refused', scope: 'peer' });
    expect(decide(refused as Failure, 1, () => 0, 'card.attempts-exhausted')).toEqual({
      kind: 'pause',
      delayMs: 300_000,
    });
    await wrong.release();
    const nobody = open({ baseUrl: 'http://127.0.0.1:9/fhir' });
    await expect(nobody.find(petra, linde)).rejects.toMatchObject({
      code: 'card.unreachable',
      kind: 'transient',
      scope: 'peer',
    });
    await nobody.release();
  });

  it('holds what the server refuses, with its code and nothing written', async () => {
    const invalid = specimen([result(), result({ observedAt: 'gisteren' }, 'HBACB|1')]);
    const answer = await cards.write(card, content(report([invalid])), trace());
    expect(answer).toEqual({ kind: 'held', code: 'card.refused', detail: 'structure' });
    expect(stored()).toEqual([]);
  });

  it('names nothing of a person in what it throws', async () => {
    ckis.faults.next({ kind: 'fail-after-commit', status: 500 });
    const thrown = await write([result({ remarks: ['Jansen'] })]).catch((failure: unknown) => failure);
    expect(JSON.stringify(thrown) + String(thrown)).not.toMatch(/999990019|Jansen|5[.,]1|Glucose/);
  });
});

it('has put no BSN in any URL', () => {
  expect(ckis.requests.length).toBeGreaterThan(100);
  expect(ckis.requests.filter(({ url }) => /999\d{6}|\?/.test(url))).toEqual([]);
});
