import type { Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type OpenBoard, openBoard } from '../../src/delivery/board/board.ts';
import { type OpenPatientCard, openPatientCard } from '../../src/delivery/patient-card/patient-card.ts';
import { type FhirSandbox, startFhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { contentOfResults, digest, labPatient, person, practice, result, trace, value } from '../delivery/sample.ts';

const petra = labPatient(person('999990019'));
const els = labPatient(person('999918606'));
const byCkis = trace(0);
const byUs = trace(0, { practiceAgb: practice('anker').agb });

let ckis: FhirSandbox;
let cboards: FhirSandbox;
let cards: OpenPatientCard;
let boards: OpenBoard;
let series = 0;

beforeAll(async () => {
  const world = { people: SANDBOX_PATIENTS, practices: SANDBOX_PRACTICES };
  cboards = await startFhirSandbox({ ...world, name: 'cBoards', token: 'board' });
  ckis = await startFhirSandbox({ ...world, name: 'cKIS', token: 'card', propagateTo: cboards });
  const options = { digest: (key: string) => digest(`${series} ${key}`), isProduction: false, timeoutMs: 5_000 };
  cards = openPatientCard({ ...options, baseUrl: ckis.url, token: 'card' });
  boards = openBoard({ ...options, baseUrl: cboards.url, token: 'board' });
});

afterAll(async () => {
  await cards.release();
  await boards.release();
  await ckis.release();
  await cboards.release();
});

beforeEach(() => {
  series += 1;
  ckis.propagation.enabled = true;
});

async function writeToCard(content: ReturnType<typeof contentOfResults>, minute = 0): Promise<void> {
  const found = await cards.find(petra, practice('linde').agb);
  if (found.kind !== 'card') throw new Error(found.kind);
  expect(await cards.write(found.card, content, trace(minute))).toMatchObject({ kind: 'written' });
}

function onBoard(): readonly Observation[] {
  const identifier = digest(`${series} ${result().key}`);
  return cboards.repository
    .all<Observation>('Observation')
    .filter((observation) => observation.identifier?.some((candidate) => candidate.value === identifier));
}

it('sees on the board what cKIS propagated, and where it did not, how much is missing', async () => {
  const content = contentOfResults(result(), result({}, 'HBACB|1'));
  ckis.propagation.enabled = false;
  await writeToCard(content);
  expect(await boards.check(content, byCkis)).toEqual({ kind: 'not-yet', missing: 2 });
  await ckis.propagation.catchUp();
  expect(await boards.check(content, byCkis)).toEqual({ kind: 'visible' });
});

it('counts an older version on the board as missing, and a newer one as visible', async () => {
  const first = contentOfResults(result());
  const corrected = contentOfResults(result({ value: value('6.2'), status: 'corrected' }));
  await writeToCard(first);
  expect(await boards.check(corrected, trace(5))).toEqual({ kind: 'not-yet', missing: 1 });
  await writeToCard(corrected, 5);
  expect(await boards.check(corrected, trace(5))).toEqual({ kind: 'visible' });
  expect(await boards.check(first, trace(0))).toEqual({ kind: 'visible' });
});

it('waits for a retraction to be seen on the board too', async () => {
  await writeToCard(contentOfResults(result()));
  const retracted = contentOfResults(result({ status: 'retracted' }));
  expect(await boards.check(retracted, trace(5))).toEqual({ kind: 'not-yet', missing: 1 });
  await writeToCard(retracted, 5);
  expect(await boards.check(retracted, trace(5))).toEqual({ kind: 'visible' });
  expect(onBoard()).toMatchObject([{ status: 'entered-in-error' }]);
});

it('writes to the board itself as repeatably as to the card', async () => {
  const content = contentOfResults(result());
  expect(await boards.write(els, content, byUs, null)).toMatchObject({ kind: 'written' });
  const again = await boards.write(els, content, byUs, null);
  expect(again).toMatchObject({ resources: [{ outcome: 'unchanged' }, { outcome: 'unchanged' }] });
  expect(await boards.check(content, byUs)).toEqual({ kind: 'visible' });
  expect(onBoard()).toHaveLength(1);
});

it('does not pass on to the board what a practice writes there by us', async () => {
  const found = await cards.find(els, practice('anker').agb);
  if (found.kind !== 'card') throw new Error(found.kind);
  await cards.write(found.card, contentOfResults(result()), byUs);
  expect(onBoard()).toEqual([]);
});

it('answers none for a patient without a board, and holds as the card does', async () => {
  const sjoerd = labPatient(person('999986296'));
  const brug = trace(0, { practiceAgb: practice('brug').agb });
  expect(await boards.write(sjoerd, contentOfResults(result()), brug, null)).toEqual({ kind: 'none' });
  const stranger = { ...els, birthDate: '1972-06-19' };
  expect(await boards.write(stranger, contentOfResults(result()), byUs, null)).toEqual({
    kind: 'held',
    code: 'card.birth-date-differs',
    detail: null,
  });
});

it('writes to the board that a person named, passing over the doubt that they decided on and no other', async () => {
  const content = contentOfResults(result());
  const [board] = cboards.repository.all<Patient>('Patient').filter((one) => one.identifier?.[0]?.value === els.bsn);
  const stranger = { ...els, birthDate: '1972-06-19' };
  const named = { patientId: board?.id ?? '', overridden: ['card.birth-date-differs'] as const };
  expect(await boards.write(stranger, content, byUs, { ...named, overridden: ['card.name-differs'] })).toMatchObject({
    code: 'card.birth-date-differs',
  });
  expect(await boards.write(stranger, content, byUs, { ...named, patientId: 'nobody' })).toMatchObject({
    code: 'card.override-unknown',
  });
  expect(onBoard()).toEqual([]);
  expect(await boards.write(stranger, content, byUs, named)).toMatchObject({ kind: 'written' });
  expect(onBoard()).toMatchObject([{ subject: { reference: `Patient/${named.patientId}` } }]);
});

it('says whether it is a sandbox', async () => {
  expect(await boards.isSandbox()).toBe(true);
});

it('speaks of the board in its own failures and refusals', async () => {
  cboards.faults.next({ kind: 'refuse', status: 503 });
  const busy = boards.write(els, contentOfResults(result()), byUs, null);
  await expect(busy).rejects.toMatchObject({ code: 'board.busy', scope: 'peer' });
  const refused = await boards.write(els, contentOfResults(result({ observedAt: 'gisteren' })), byUs, null);
  expect(refused).toMatchObject({ kind: 'held', code: 'board.refused' });
  cboards.faults.outage(true);
  await expect(boards.check(contentOfResults(result()), byUs)).rejects.toMatchObject({ code: 'board.busy' });
  cboards.faults.clear();
});
