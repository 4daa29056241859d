/** A laboratory that enters the registry file while its results are on cards already, from mail to card and board. */

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseHold } from '../../src/pipeline/pipeline.ts';
import { type Medlab, medlab, practice } from '../support/medlab.ts';
import { type Delivered, deliveries, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let file: string;
let sent = 0;

const PETRA = '999990019';
const KAREL = '999911120';
const linde = practice('linde').zorgmail;
const REGISTERED = `laboratories:
  - id: noord
    name: Laboratorium Noord
    zorgmail: ['500099001']
    hl7Facilities: []
    mailSenders: []
    medrptEnabled: false
`;

beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'zk-registry-')), 'laboratories.yaml');
  await writeFile(file, 'laboratories: []\n');
  journey = await startJourney({ settings: { ZORGKOERIER_LABORATORIES: file } });
  await journey.startWorker();
});
afterAll(() => journey.release());

async function send(message: Omit<Medlab, 'to' | 'bsn'>, bsn = PETRA): Promise<Delivered> {
  sent += 1;
  await journey.send('linde', medlab({ ...message, bsn, to: linde }));
  return atRest();
}

async function atRest(): Promise<Delivered> {
  await untilAtRest(journey, sent);
  const last = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  if (last === undefined) throw new Error('nothing was delivered');
  return last;
}

async function release(id: string): Promise<Delivered | undefined> {
  await releaseHold(journey.courier, id, { by: 'sanne', reason: 'akkoord', overrideCard: null });
  await untilAtRest(journey, sent);
  return (await deliveries(journey)).find((one) => one.id === id);
}

function rows(labNumber: string): readonly string[] {
  const { ckis } = journey.world;
  return ckis.repository
    .all<Observation>('Observation')
    .filter(({ extension = [] }) => extension.some(({ valueString }) => valueString === labNumber))
    .map(({ code, valueQuantity, status, subject }) => {
      const whose = ckis.repository.all<Patient>('Patient').find(({ id }) => subject?.reference === `Patient/${id}`);
      return `${whose?.name?.[0]?.given?.[0]} ${code?.text} ${valueQuantity?.value ?? '-'} ${status}`;
    })
    .sort();
}

describe('a laboratory that enters the registry', () => {
  it('corrects what it sent before: one row, with its history', async () => {
    const first = await send({ labNumber: '26410001', sentAt: '261117:0900', results: [{ value: '78' }] });
    expect(first).toMatchObject({ state: 'held', reason: 'lab.unknown-sender' });
    expect(await release(first.id)).toMatchObject({ state: 'forwarded' });
    // One that is read before the laboratory enters, and waits for a person until after.
    const conflict = { labNumber: '26410002', sentAt: '261117:0910', reference: 'R-1' };
    await send({ ...conflict, labNumber: '26410003' });
    const waiting = await send({ ...conflict, results: [{ value: '91' }] });
    expect(waiting).toMatchObject({ state: 'held', reason: 'lab.reference-conflict' });
    await journey.stopWorkers();
    await writeFile(file, REGISTERED);
    await journey.startWorker();
    const corrected = { value: '80', isCorrected: true };
    const later = await send({ labNumber: '26410001', sentAt: '261117:0930', results: [corrected] });
    expect(later).toMatchObject({ state: 'forwarded' });
    expect(rows('26410001')).toEqual(['Petra Kreatinine 80 corrected']);
    expect(await send({ labNumber: '26410002', sentAt: '261117:0940', results: [corrected] })).toMatchObject({
      state: 'forwarded',
    });
    expect(await release(waiting.id)).toMatchObject({ state: 'forwarded' });
    expect(rows('26410002')).toEqual(['Petra Kreatinine 80 corrected']);
  });

  it('does not give a number of before to another patient unseen', async () => {
    const other = await send({ labNumber: '26410001', sentAt: '261117:1000', results: [{ value: '99' }] }, KAREL);
    expect(other).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(rows('26410001')).toEqual(['Petra Kreatinine 80 corrected']);
  });

  it('sends nothing twice: what it sent before comes again as it was', async () => {
    await send({ labNumber: '26410001', sentAt: '261117:0900', results: [{ value: '78' }] });
    expect(rows('26410001')).toEqual(['Petra Kreatinine 80 corrected']);
  });
});
