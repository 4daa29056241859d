import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANGES } from '../../src/practice/practice.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { startCommand } from '../support/child.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, cardOf, deliveries, outcomes, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
});
afterAll(() => journey.release());

const owners = async () =>
  (await journey.sql<{ owner_id: string | null }>('select owner_id from mailbox order by name')).map(
    (row) => row.owner_id,
  );

describe('several workers', () => {
  it('share the mailboxes: each is read by one, and SIGTERM of that one gives them to the other at once', async () => {
    const first = startCommand(['start'], journey.settings);
    await until('the first', owners, (all) => all.every((owner) => owner !== null));
    const [firstId] = await owners();
    const second = await journey.startWorker();
    await journey.send('linde', medlab({ bsn: '999911120', labNumber: '26160001', to: '500088001' }));
    sent += 1;
    await untilAtRest(journey, sent);
    expect(await owners()).toEqual([firstId, firstId, firstId]);

    first.process.kill('SIGTERM');
    const asked = monotonicMs();
    expect(await first.ended).toMatchObject({ code: 0 });
    await until('the second', owners, (all) => all.every((owner) => owner === second.workerId));
    expect(monotonicMs() - asked).toBeLessThan(5_000);
    await journey.send('linde', medlab({ bsn: '999911120', labNumber: '26160002', to: '500088001' }));
    sent += 1;
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 2, duplicate: 0 });
  });

  it('never copy a mailbox that has become another’s', async () => {
    const other = '00000000-0000-7000-8000-000000000001';
    await journey.sql(`insert into worker (id, epoch, alive_until) values ($1, 1, now() + interval '1 hour')`, [other]);
    const leaves = journey.world.proxy.untilCommand(/^LOGOUT/);
    await journey.sql(`update mailbox set owner_id = $1, owner_epoch = owner_epoch + 1 where name = 'linde'`, [other]);
    await journey.send('linde', medlab({ bsn: '999911120', labNumber: '26160003', to: '500088001' }));
    await leaves;
    expect(await accounting(journey)).toMatchObject({ assigned: sent });
    expect(await owners()).toContain(other);

    await journey.sql('delete from worker where id = $1', [other]);
    await journey.sql('select pg_notify($1, $2)', [CHANGES, '']);
    sent += 1;
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 3 });
  });
});

describe('three hundred mails in one mailbox', () => {
  it('are all accounted for, each exactly once, by two workers', async () => {
    await journey.startWorker();
    const { zorgmail } = practice('anker');
    const before = await accounting(journey);
    const mails = Array.from({ length: 300 }, (_, index) => mailOf(payload(index), zorgmail));
    // Many senders at once, as at half past five.
    const lanes = [0, 1, 2, 3].map(async (lane) => {
      for (let index = lane; index < mails.length; index += 4) {
        await journey.world.zorgmail.deliver(zorgmail, mails[index] as Buffer);
      }
    });
    await Promise.all(lanes);
    sent += mails.length;
    const sum = await untilAtRest(journey, sent, 60_000);
    expect(sum).toMatchObject({
      forwarded: before.forwarded + 90,
      noCard: 150,
      notLab: 30,
      duplicate: 30,
      held: 0,
      difference: 0,
    });
    expect(await outcomes(journey)).toHaveLength(sent);
    expect((await cardOf(journey.world.ckis, '999954660')).results).toHaveLength(45);
    expect((await cardOf(journey.world.cboards, '999971384')).results).toHaveLength(45);
    expect((await deliveries(journey)).filter(({ attempts }) => attempts > 0)).toEqual([]);
  });

  // Of every ten: three followed, one of those sent twice, five not followed, one letter.
  function payload(index: number): Buffer {
    const [ten, one] = [Math.floor(index / 10), index % 10];
    if (one === 9) return Buffer.from(`Beste collega ${index}, tot morgen.`);
    const number = (kind: number) => `2617${String(ten).padStart(3, '0')}${kind}`;
    const bsn = one < 4 ? (ten % 2 === 0 ? '999954660' : '999971384') : '999911995';
    return medlab({ bsn, labNumber: number(one === 3 ? 2 : one), to: '500088002' });
  }
});
