import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardHold } from '../../src/pipeline/pipeline.ts';
import { heldItems } from '../../src/records/records.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, deliveries, letTimePass, outcomes, resultsOf, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** The second level of deduplication: the very bytes of a mail, as after a mailbox was moved or renumbered. */

let journey: Journey;
let sent = 0;
const { zorgmail } = practice('linde');

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

async function send(mail: Buffer): Promise<void> {
  sent += 1;
  await journey.world.zorgmail.deliverToBoth(zorgmail, mail);
  await untilAtRest(journey, sent);
}

const mail = (labNumber: string, more: { birthDate?: string; from?: string } = {}) =>
  mailOf(medlab({ bsn: '999990019', labNumber, to: zorgmail, ...more }), zorgmail);
const originals = () =>
  journey.sql<{ verdict: string | null; original: string | null; has_bytes: boolean }>(
    `select m.verdict, o.uid::text as original, m.content is not null as has_bytes from mail m left join mail o on o.id = m.original_mail_id order by m.uid`,
  );

describe('the very bytes of a mail, a second time', () => {
  it('are a duplicate that points at the mail that it repeats, without being read and with nothing kept', async () => {
    await send(mail('26180001'));
    await send(mail('26180001'));
    expect(await outcomes(journey)).toEqual(['forwarded', 'duplicate']);
    expect((await originals())[1]).toEqual({ verdict: 'duplicate', original: '1', has_bytes: false });
    expect((await deliveries(journey)).filter(({ target }) => target === 'patient-card')).toHaveLength(1);
    expect(await resultsOf(journey.world.ckis, '999990019')).toHaveLength(1);
  });

  it('are a duplicate also while the first is on its way', async () => {
    journey.world.ckis.faults.outage(true);
    for (const _ of [1, 2]) {
      sent += 1;
      await journey.world.zorgmail.deliverToBoth(zorgmail, mail('26180002'));
    }
    journey.world.ckis.faults.outage(false);
    await letTimePass(journey);
    await untilAtRest(journey, sent, 60_000);
    expect((await outcomes(journey)).slice(2).sort()).toEqual(['duplicate', 'forwarded']);
    expect(await resultsOf(journey.world.ckis, '999990019')).toHaveLength(2);
  });

  it('are read in full where the first rests otherwise: held joins the hold, discarded is tried again', async () => {
    const doubtful = mail('26180003', { birthDate: '1981:01:01' });
    await send(doubtful);
    await send(doubtful);
    const [hold] = (await heldItems(journey.courier.ledger, null)).filter(({ originalId }) => originalId === null);
    expect((await heldItems(journey.courier.ledger, null)).map(({ originalId }) => originalId).sort()).toEqual(
      [null, hold?.deliveryId ?? ''].sort(),
    );
    const decision = { by: 'sanne', reason: 'besloten', overrideCard: null };
    await discardHold(journey.courier, hold?.deliveryId ?? '', decision);
    await send(doubtful);
    expect((await outcomes(journey)).slice(-3)).toEqual(['discarded', 'discarded', 'held']);
  });

  it('are read in full where the first is of a patient who is not followed', async () => {
    const strangers = mailOf(medlab({ bsn: '999916257', labNumber: '26180004', to: zorgmail }), zorgmail);
    await send(strangers);
    await send(strangers);
    expect((await outcomes(journey)).slice(-2)).toEqual(['no-card', 'no-card']);
    expect(await accounting(journey)).toMatchObject({ difference: 0 });
  });

  it('with a correction in them are none: other bytes, another version', async () => {
    const first = medlab({ bsn: '999990019', labNumber: '26180005', to: zorgmail, results: [{ value: '70' }] });
    const corrected = medlab({
      bsn: '999990019',
      labNumber: '26180005',
      to: zorgmail,
      sentAt: '261117:0915',
      results: [{ value: '71', isCorrected: true }],
    });
    await send(mailOf(first, zorgmail));
    await send(mailOf(corrected, zorgmail));
    await send(mailOf(first, zorgmail));
    expect((await outcomes(journey)).slice(-3)).toEqual(['forwarded', 'forwarded', 'duplicate']);
    expect(await resultsOf(journey.world.ckis, '999990019')).toContain('Kreatinine 71 corrected');
  });
});
