import { readFileSync } from 'node:fs';
import type { Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardHold, releaseHold, sweep } from '../../src/pipeline/pipeline.ts';
import { medlab, practice } from '../support/medlab.ts';
import { type Delivered, deliveries, resultsOf, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_MAIL_MAX_BYTES: '10000' } });
  await journey.startWorker();
});
afterAll(() => journey.release());

const KAREL = '999911120';
const PETRA = '999990019';
const by = { by: 'sanne', reason: 'gebeld met het laboratorium', overrideCard: null };
const toLinde = { to: '500088001' };
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

async function send(...payloads: Buffer[]): Promise<Delivered> {
  sent += payloads.length;
  await journey.send('linde', ...payloads);
  await untilAtRest(journey, sent);
  return newest();
}

/** The card delivery of the newest mail. */
async function newest(): Promise<Delivered> {
  const found = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  if (found === undefined) throw new Error('nothing was delivered');
  return found;
}

async function delivery(id: string): Promise<Delivered | undefined> {
  return (await deliveries(journey)).find((one) => one.id === id);
}

async function release(id: string, overrideCard: string | null = null): Promise<Delivered | undefined> {
  await releaseHold(journey.courier, id, { ...by, overrideCard });
  await untilAtRest(journey, sent);
  return delivery(id);
}

describe('a laboratory that nobody knows', () => {
  const from = '500099777';

  it('is held with its report, which another mail joins; one release accepts it and delivers one report', async () => {
    const payload = medlab({ bsn: KAREL, labNumber: '26130001', from, ...toLinde });
    const first = await send(payload);
    expect(first).toMatchObject({ state: 'held', reason: 'lab.unknown-sender', has_content: true });
    const joined = await send(payload);
    expect(joined).toMatchObject({ state: 'held', reason: 'lab.unknown-sender', has_content: false });

    // Named by the mail that joined: it is the same decision.
    await release(joined.id);
    expect(await delivery(first.id)).toMatchObject({ state: 'forwarded' });
    expect(await delivery(joined.id)).toMatchObject({ state: 'duplicate' });
    expect(await resultsOf(journey.world.ckis, KAREL)).toEqual(['Kreatinine 78 final']);
    expect(await send(medlab({ bsn: KAREL, labNumber: '26130002', from, ...toLinde }))).toMatchObject({
      state: 'forwarded',
    });
  });

  it('may be discarded: report and what joined it are erased, and nothing reaches a card', async () => {
    const payload = medlab({ bsn: KAREL, labNumber: '26130003', from: '500099778', ...toLinde });
    const first = await send(payload);
    const joined = await send(payload);
    await discardHold(journey.courier, first.id, by);
    const discarded = { state: 'discarded', has_content: false, has_bytes: false };
    expect(await delivery(first.id)).toMatchObject(discarded);
    expect(await delivery(joined.id)).toMatchObject(discarded);
    expect(await resultsOf(journey.world.ckis, KAREL)).toHaveLength(2);
  });
});

describe('a doubt about whose the result is', () => {
  it('holds another birth date, also after a plain release, until the practice has named the card', async () => {
    const held = await send(medlab({ bsn: KAREL, labNumber: '26130004', birthDate: '1959:09:14', ...toLinde }));
    expect(held).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    expect(await release(held.id)).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    const card = journey.world.ckis.repository
      .all<Patient>('Patient')
      .find(({ identifier }) => identifier?.[0]?.value === KAREL);
    expect(await release(held.id, card?.id ?? '')).toMatchObject({ state: 'forwarded' });
    expect(await resultsOf(journey.world.ckis, KAREL)).toHaveLength(3);
  });

  it('holds a laboratory number that another patient had, and both cards stay as they were', async () => {
    await send(medlab({ bsn: KAREL, labNumber: '26130005', ...toLinde }));
    const [karel, petra] = [await resultsOf(journey.world.ckis, KAREL), await resultsOf(journey.world.ckis, PETRA)];
    const held = await send(medlab({ bsn: PETRA, labNumber: '26130005', reference: 'R2', ...toLinde }));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.number-other-patient', has_content: true });
    expect(await resultsOf(journey.world.ckis, KAREL)).toEqual(karel);
    expect(await resultsOf(journey.world.ckis, PETRA)).toEqual(petra);
  });

  it('holds the same reference with other content, and takes it when it says that it corrects', async () => {
    const same = { bsn: KAREL, labNumber: '26130006', reference: 'R1', ...toLinde };
    await send(medlab({ ...same, results: [{ value: '71' }] }));
    expect(await send(medlab({ ...same, results: [{ value: '17' }] }))).toMatchObject({
      reason: 'lab.reference-conflict',
    });
    expect(await resultsOf(journey.world.ckis, KAREL)).toContain('Kreatinine 71 final');
    const corrected = medlab({ ...same, results: [{ value: '72', isCorrected: true }] });
    expect(await send(corrected)).toMatchObject({ state: 'forwarded' });
    expect(await resultsOf(journey.world.ckis, KAREL)).toContain('Kreatinine 72 corrected');
  });
});

describe('what is kept, and what is not', () => {
  it('is nothing of a patient who is not followed, from the moment that this is known', async () => {
    const noCard = await send(fixture('edifact/not-followed.edi'));
    expect(noCard).toMatchObject({ state: 'no-card', has_content: false, has_bytes: false });
  });

  it('is nothing of a letter, from the moment that it was read', async () => {
    await send(fixture('edifact/medvri-letter.edi'));
    const letters = await journey.sql(
      `select verdict, content, erased_at is null as kept from mail where verdict = 'not-lab'`,
    );
    expect(letters).toEqual([{ verdict: 'not-lab', content: null, kept: false }]);
  });

  it('is everything of what is held or not understood, until a person has decided', async () => {
    const quarantined = await send(fixture('rejected/truncated.edi'));
    expect(quarantined).toMatchObject({ state: 'quarantined', reason: 'edifact.truncated', has_bytes: true });
    await sweep(journey.courier);
    expect(await delivery(quarantined.id)).toMatchObject({ has_bytes: true });
    const held = (await deliveries(journey)).filter(({ state }) => state === 'held');
    expect(held.length).toBeGreaterThan(1);
    expect(held.every(({ has_bytes, has_content }) => has_bytes && has_content)).toBe(true);

    // Reading again gives the same answer, under a new row.
    await release(quarantined.id);
    const again = await newest();
    expect(again).toMatchObject({ state: 'quarantined', mail_id: quarantined.mail_id });
    await discardHold(journey.courier, again.id, by);
    expect(await delivery(again.id)).toMatchObject({ state: 'discarded', has_bytes: false });
  });

  it('is a row of a mail that was too large to copy; it can be discarded, not released', async () => {
    const { zorgmail } = practice('linde');
    const large = `From: a@b.example\r\nSubject: groot\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(200);
    await journey.world.zorgmail.deliverToBoth(zorgmail, Buffer.from(large));
    sent += 1;
    await untilAtRest(journey, sent);
    const held = await newest();
    expect(held).toMatchObject({ state: 'quarantined', reason: 'mail.too-large', has_bytes: false });
    await expect(release(held.id)).rejects.toMatchObject({ code: 'decision.not-allowed' });
    expect(await untilAtRest(journey, sent)).toMatchObject({ difference: 0 });
    await discardHold(journey.courier, held.id, by);
    expect(await untilAtRest(journey, sent)).toMatchObject({ difference: 0, discarded: 4 });
  });
});

describe('a decision', () => {
  it('is refused for what is not held, or is no id at all', async () => {
    const forwarded = (await deliveries(journey)).find(({ state }) => state === 'forwarded');
    for (const id of [forwarded?.id ?? '', 'no-id', '00000000-0000-7000-8000-000000000000']) {
      await expect(releaseHold(journey.courier, id, by)).rejects.toMatchObject({ code: 'decision.not-found' });
      await expect(discardHold(journey.courier, id, by)).rejects.toMatchObject({ code: 'decision.not-found' });
    }
  });

  it('names no card where the reason is no doubt about identity', async () => {
    const conflict = (await deliveries(journey)).find(({ reason }) => reason === 'lab.reference-conflict');
    const named = { ...by, overrideCard: 'some-card' };
    await expect(releaseHold(journey.courier, conflict?.id ?? '', named)).rejects.toMatchObject({
      code: 'decision.not-allowed',
    });
  });

  it('is in the audit, with who and why', async () => {
    const rows = await journey.sql<{ event: string; actor: string; reason: string }>(
      `select event, actor, reason from audit where actor <> 'worker' and reason is not null order by id`,
    );
    expect(rows.every(({ actor, reason }) => actor === by.by && reason === by.reason)).toBe(true);
    expect(rows.map(({ event }) => event)).toEqual([
      'laboratory.accepted',
      'report.released',
      // The report, and what had joined it.
      'report.discarded',
      'report.discarded',
      'report.released',
      'report.overridden',
      'report.released',
      'report.discarded',
      'report.discarded',
    ]);
  });
});
