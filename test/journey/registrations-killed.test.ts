import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptRegistration, type Moment } from '../../src/pipeline/pipeline.ts';
import type { SourceId } from '../../src/shared/ids.ts';
import { startDoomedWorker } from '../support/child.ts';
import {
  addSource,
  arrived,
  auditOf,
  hoursLater,
  idOf,
  keepReceipt,
  minutesLater,
  post,
  posted,
  registerReceiver,
  seen,
  textOf,
  untilState,
} from '../support/registrations.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** A worker that dies while a registration is rendered and sent: what the practice gets is whole, and not twice. */

let journey: Journey;
let source: SourceId;

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  source = await addSource(journey);
  await registerReceiver(journey, 'linde');
});
afterAll(() => journey.release());

/** Two messages. */
const TEXT = Array.from({ length: 120 }, (_, at) => `Regel ${at + 1} van een lange tekst.`).join('\n');
const AFTER_ACCEPTING: readonly Moment[] = ['registration-rendered', 'mail-sending', 'mail-accepted', 'mail-recorded'];
const EVERY_MOMENT_MS = 90_000;

/** Bytes of every mail of this registration whose end reached the relay, by control reference. */
async function tries(id: string): Promise<ReadonlyMap<string, readonly Buffer[]>> {
  const { parts } = await seen(journey, id);
  const mails = journey.world.relay.mails().map(({ raw }) => raw);
  const of = (reference: string) => mails.filter((raw) => raw.includes(`Subject: Registratie ${reference}\r\n`));
  return new Map(parts.map(({ controlReference }) => [controlReference, of(controlReference)]));
}

async function counts(id: string): Promise<readonly number[]> {
  return [...(await tries(id)).values()].map((mails) => mails.length);
}

async function killedAt(moment: Moment): Promise<string> {
  const doomed = startDoomedWorker(moment, journey.settings);
  const id = await post(journey, source, posted({ text: TEXT }));
  expect(await doomed.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  return id;
}

async function expectWhole(id: string, steps: readonly string[], first: 'sent' | 'delivered' = 'sent'): Promise<void> {
  const view = await untilState(journey, id, 'sent');
  expect(view.parts).toMatchObject([{ state: first }, { state: 'sent' }]);
  const messages = await arrived(journey, 'linde', view);
  expect(textOf([...new Map(messages.map((one) => [one.interchangeReference, one])).values()])).toBe(TEXT);
  expect(await auditOf(journey, id)).toEqual(steps);
}

const ONCE = ['registration.accepted', 'registration.rendered', 'registration.sent'];

describe('a worker that is killed', () => {
  it('once its mails are rendered leaves them to be sent as they are', async () => {
    const id = await killedAt('registration-rendered');
    const { parts, state } = await seen(journey, id);
    expect({ state, parts: parts.length }).toEqual({ state: 'queued', parts: 2 });
    await takenOver();
    await expectWhole(id, ONCE);
    expect(await counts(id)).toEqual([1, 1]);
    expect((await seen(journey, id)).parts.map(({ controlReference }) => controlReference)).toEqual(
      parts.map(({ controlReference }) => controlReference),
    );
    await journey.stopWorkers();
  });

  it('just before the bytes go leaves a question; nothing was sent, and after a long silence it is, once', async () => {
    const id = await killedAt('mail-sending');
    expect(await counts(id)).toEqual([0, 0]);
    await takenOver();
    await untilState(journey, id, 'uncertain');
    await hoursLater(journey);
    await expectWhole(id, ONCE);
    expect(await counts(id)).toEqual([1, 1]);
    await journey.stopWorkers();
  });

  it('after the relay’s 250 leaves a question that a receipt answers: nothing is sent again', async () => {
    const id = await killedAt('mail-accepted');
    expect(await counts(id)).toEqual([1, 0]);
    await takenOver();
    await untilState(journey, id, 'uncertain');
    expect(await counts(id)).toEqual([1, 0]);
    await keepReceipt(journey, id);
    await minutesLater(journey);
    await expectWhole(id, ONCE, 'delivered');
    expect(await counts(id)).toEqual([1, 1]);
    await journey.stopWorkers();
  });

  it('after the relay’s 250, where no receipt comes, sends the very same bytes again, and the rest once', async () => {
    const id = await killedAt('mail-accepted');
    await takenOver();
    await untilState(journey, id, 'uncertain');
    await hoursLater(journey);
    await expectWhole(id, ONCE);
    const [first = [], second = []] = [...(await tries(id)).values()];
    expect([first.length, second.length]).toEqual([2, 1]);
    expect(first[1]?.equals(first[0] ?? Buffer.alloc(0))).toBe(true);
    await journey.stopWorkers();
  });

  it('between two parts leaves the second to be sent', async () => {
    const id = await killedAt('mail-recorded');
    expect((await seen(journey, id)).parts).toMatchObject([{ state: 'sent' }, { state: 'queued' }]);
    await takenOver();
    await expectWhole(id, ONCE);
    expect(await counts(id)).toEqual([1, 1]);
    await journey.stopWorkers();
  });

  it(
    'at every moment of one registration in turn still leaves it whole, with the references that it got first',
    async () => {
      let id = '';
      const references = new Set<string>();
      for (const moment of AFTER_ACCEPTING) {
        if (id === '') id = await killedAt(moment);
        else expect(await startDoomedWorker(moment, journey.settings).ended).toMatchObject({ signal: 'SIGKILL' });
        for (const { controlReference } of (await seen(journey, id)).parts) references.add(controlReference);
        await hoursLater(journey);
      }
      await takenOver();
      await expectWhole(id, ONCE);
      expect(references.size).toBe(2);
      expect((await counts(id)).every((count) => count >= 1 && count <= 2)).toBe(true);
      await journey.stopWorkers();
    },
    EVERY_MOMENT_MS,
  );
});

/** Another worker, minutes after the first had died. */
async function takenOver(): Promise<void> {
  await minutesLater(journey);
  await journey.startWorker();
}

describe('a process that dies after it kept a registration', () => {
  it('has not lost it: the source asks again and gets its id, and the sweeper sends it once', async () => {
    const key = randomUUID();
    const body = posted({ text: 'Net bewaard.' });
    const dying = {
      ...journey.courier,
      mark: (moment: Moment) => {
        if (moment === 'registration-accepted') throw new Error('gone');
      },
    };
    await expect(acceptRegistration(dying, source, key, body)).rejects.toThrow('gone');
    const again = await acceptRegistration(journey.courier, source, key, body);
    expect(again).toMatchObject({ kind: 'accepted', isNew: false, registration: { state: 'accepted' } });
    const id = idOf(again);
    expect(await journey.courier.queue.counts('send')).toMatchObject({ waiting: 0 });
    await takenOver();
    await untilState(journey, id, 'sent');
    await until(
      'sent',
      () => counts(id),
      (sent) => sent.length === 1,
    );
    expect(await counts(id)).toEqual([1]);
    await journey.stopWorkers();
  });
});
