import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseHold } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, cardOf, deliveries, letTimePass, untilAtRest } from '../support/observe.ts';
import { POISON } from '../support/poisonous-thread.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;
let labNumber = 26_170_000;

// The mails of a test are in the mailbox before its worker starts, so that they are one batch.
const poisonous = { readingModule: new URL('../support/poisonous-thread.ts', import.meta.url) };
const KAREL = '999911120';

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_READ_WITHIN_MS: '3000' } });
});
afterAll(() => journey.release());

function message(value: number): Buffer {
  labNumber += 1;
  return medlab({ bsn: KAREL, labNumber: String(labNumber), to: '500088001', results: [{ value: String(value) }] });
}

/** A picture of 1 MB stands beside the results. */
function enlarged(mail: Buffer): Buffer {
  const boundary = /boundary="?([^"\r\n;]+)/.exec(mail.toString('latin1'))?.[1];
  if (boundary === undefined) throw new Error('this mail has no parts');
  const delimiter = `--${boundary}`;
  const at = mail.indexOf(delimiter);
  const picture = `Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${`${'A'.repeat(76)}\r\n`.repeat(14_000)}`;
  return Buffer.concat([mail.subarray(0, at), Buffer.from(`${delimiter}\r\n${picture}`), mail.subarray(at)]);
}

async function append(mail: Buffer, header: string | null = null): Promise<void> {
  sent += 1;
  const raw = header === null ? mail : Buffer.concat([Buffer.from(`${header}: 1\r\n`), mail]);
  await journey.world.zorgmail.append(practice('linde').zorgmail, raw, systemClock.now());
}

const mailWith = (value: number) => mailOf(message(value), practice('linde').zorgmail, 'mixed-with-text');
const values = async () => (await cardOf(journey.world.ckis, KAREL)).results.map(({ value }) => Number(value)).sort();
const poisoned = async () => (await deliveries(journey)).filter(({ reason }) => reason === 'mail.poisonous');
const attempts = (uid: string | null | undefined) =>
  journey.sql<{ attempts: number }>('select read_attempts as attempts from mail where uid = $1', [uid]);
const stops = () =>
  journey
    .log()
    .split('\n')
    .filter((line) => line.includes('the reading of a mail was stopped'));

describe('one poisonous mail among good ones', () => {
  it('lets them be delivered before it is stopped, and is quarantined by its third claim', async () => {
    await append(mailWith(1));
    await append(enlarged(mailWith(2)), POISON.loops);
    await append(enlarged(mailWith(3)));
    await append(mailWith(4));
    const worker = await journey.startWorker(poisonous);
    await until('the small ones on the card', values, (all) => all.includes(1) && all.includes(4));
    expect(await poisoned()).toEqual([]);
    const sum = await untilAtRest(journey, sent, 60_000);
    expect(sum).toMatchObject({ assigned: 4, forwarded: 3, quarantined: 1, difference: 0 });
    expect(await values()).toEqual([1, 3, 4]);
    const [mail, ...others] = await poisoned();
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ uid: '2', state: 'quarantined', has_bytes: true });
    expect(await attempts(mail?.uid)).toEqual([{ attempts: 3 }]);
    expect(stops().map((line) => JSON.parse(line))).toMatchObject([
      { mailId: mail?.mail_id, attempt: 1, code: 'reading.stopped-by-time' },
      { mailId: mail?.mail_id, attempt: 2, code: 'reading.stopped-by-time' },
    ]);
    await worker.release(5_000);
  });

  it('is read in a thread once more when it is released without a fix, and comes back', async () => {
    const worker = await journey.startWorker(poisonous);
    const [before] = await poisoned();
    await releaseHold(journey.courier, before?.id ?? '', { by: 'test', reason: 'proberen', overrideCard: null });
    await until('quarantined again', poisoned, ([now]) => now !== undefined && now.id !== before?.id, 60_000);
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 3, quarantined: 1, difference: 0 });
    expect(stops().length).toBe(3);
    await worker.release(5_000);
  });

  it('is delivered when it is released after a fix', async () => {
    const worker = await journey.startWorker();
    const [mail] = await poisoned();
    await releaseHold(journey.courier, mail?.id ?? '', { by: 'test', reason: 'verbeterd', overrideCard: null });
    expect(await untilAtRest(journey, sent, 60_000)).toMatchObject({ forwarded: 4, quarantined: 0, difference: 0 });
    expect(await values()).toEqual([1, 2, 3, 4]);
    await worker.release(5_000);
  });
});

describe('a small mail that took a process down', () => {
  it('is read in a thread at its second claim, and costs no second process', async () => {
    await append(mailWith(5));
    await append(mailWith(6), POISON.hungers);
    await append(mailWith(7), POISON.exits);
    // Copied, but the processes that began to read these three did not live to end it.
    const copier = await journey.startWorker({
      ...poisonous,
      mark: (moment) => {
        if (moment === 'copy-committed') throw new Error('the process ends here');
      },
    });
    await until(
      'copied',
      () => accounting(journey),
      ({ assigned }) => assigned === sent,
    );
    await copier.release(5_000);
    await journey.sql(`update mail set read_attempts = 1 where state = 'copied'`);
    await letTimePass(journey);
    const worker = await journey.startWorker(poisonous);
    const sum = await untilAtRest(journey, sent, 60_000);
    expect(sum).toMatchObject({ forwarded: 5, quarantined: 2, difference: 0 });
    expect((await values()).includes(5)).toBe(true);
    // The first of them by memory, or by time where the machine is busy.
    expect(stops().slice(3).length).toBe(2);
    await worker.release(5_000);
  });
});
