import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AcceptedMail, ZorgmailRelay } from '../../src/delivery/zorgmail/zorgmail.ts';
import { destroyKeys } from '../../src/keys/keys.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { acceptRegistration, type Courier } from '../../src/pipeline/pipeline.ts';
import { send } from '../../src/pipeline/send.ts';
import type { Practice } from '../../src/practice/practice.ts';
import { newBreaker } from '../../src/queue/queue.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { Failure, type FailureKind, type FailureScope } from '../../src/shared/failure.ts';
import type { SourceId } from '../../src/shared/ids.ts';
import { addSource, auditOf, hoursLater, post, posted, registerReceiver, seen } from '../support/registrations.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** Rare endings of a try, one at a time: no worker runs, each try is a call, and the relay says what the test wants. */

let journey: Journey;
let source: SourceId;
let linde: Practice;
let sent: Buffer[];

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  source = await addSource(journey);
  linde = await registerReceiver(journey, 'linde');
  await registerReceiver(journey, 'anker');
});
afterAll(() => journey.release());
beforeEach(() => {
  sent = [];
});

const TAKEN: AcceptedMail = { kind: 'accepted', reply: 250, status: '2.0.0', isNotificationAsked: true };

function failure(code: string, kind: FailureKind, scope: FailureScope = 'item', fields = {}): Failure {
  return new Failure(code, { kind, scope, fields });
}

/** Says one thing after the other, and the last one for ever. */
function relayOf(...answers: readonly (AcceptedMail | Failure | (() => Promise<AcceptedMail>))[]): ZorgmailRelay {
  let at = 0;
  return {
    send: async (bytes) => {
      sent.push(bytes);
      const answer = answers[Math.min(at, answers.length - 1)] ?? TAKEN;
      at += 1;
      if (answer instanceof Failure) throw answer;
      return typeof answer === 'function' ? answer() : answer;
    },
    release: async () => {},
  };
}

const without = (patience: Partial<Courier>): Courier => {
  const zorgmail = newBreaker({ target: 'zorgmail', clock: systemClock, random: () => 0 });
  return { ...journey.courier, breakers: { ...journey.courier.breakers, zorgmail }, ...patience };
};
const tryOnce = (id: string, change: Partial<Courier>) =>
  send(without(change), { kind: 'send', id, generation: 0, attempt: 1 });

interface Row {
  readonly state: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly attempts: number;
}

async function row(id: string): Promise<Row | undefined> {
  return (await journey.sql<Row>('select state, reason, detail, attempts from registration where id = $1', [id]))[0];
}

const accepted = (text = 'Een bericht.') => post(journey, source, posted({ text }));
/** At rest, so that the next test's is the oldest of its patient. */
const discarded = (id: string) => journey.sql(`update registration set state = 'discarded' where id = $1`, [id]);

describe('a correction', () => {
  it('of what came back is for a person: the practice has nothing that it could correct', async () => {
    const first = await accepted('Dosis 50 mg.');
    await tryOnce(first, { relay: relayOf(TAKEN) });
    await journey.sql(`update registration set state = 'bounced', reason = 'registration.bounced' where id = $1`, [
      first,
    ]);
    const earlier = { change: 'correction' as const, registration: first };
    const second = await post(journey, source, posted({ text: 'Dosis 5 mg.', earlier }));
    await tryOnce(second, { relay: relayOf(TAKEN) });
    expect(await row(second)).toMatchObject({
      state: 'held',
      reason: 'registration.earlier-not-sent',
      detail: 'bounced',
    });
    expect(sent).toHaveLength(1);
  });
});

describe('a practice whose account changed', () => {
  const HIS = '500088001';
  const OTHER = '500088091';
  const changeTo = async (account: string) => {
    await journey.sql('insert into zorgmail_account (account, practice_id) values ($1, $2) on conflict do nothing', [
      account,
      linde.id,
    ]);
    await journey.sql(
      'update registration_receiver set account = $2, changed_at = clock_timestamp() where practice_id = $1',
      [linde.id, account],
    );
  };
  const busy = failure('zorgmail.busy', 'transient', 'peer');
  const recipients = async (id: string) =>
    (
      await journey.sql<{ recipient: string }>(
        `select split_part(recipient, '@', 1) as recipient from outward_mail where registration_id = $1 order by rendering`,
        [id],
      )
    ).map(({ recipient }) => recipient);

  it('gets nothing in the former one, also before the sweeper looked: it is rendered anew', async () => {
    const id = await accepted();
    await tryOnce(id, { relay: relayOf(busy) });
    await changeTo(OTHER);
    sent = [];
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(sent).toEqual([]);
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(sent).toHaveLength(1);
    expect(await row(id)).toMatchObject({ state: 'sent' });
    expect(await recipients(id)).toEqual([HIS, OTHER]);
    await changeTo(HIS);
  });

  it('has a person look where it may have gone to the former one: it is never sent there again', async () => {
    const id = await accepted();
    await tryOnce(id, { relay: relayOf(failure('zorgmail.no-reply', 'ambiguous')) });
    await changeTo(OTHER);
    await hoursLater(journey);
    sent = [];
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(sent).toEqual([]);
    expect(await row(id)).toMatchObject({
      state: 'held',
      reason: 'registration.receiver-changed',
      detail: 'sent 0/1',
    });
    expect(await auditOf(journey, id)).toContain('registration.held');
    await changeTo(HIS);
  });
});

describe('a registration that says it is rendered and has no mails', () => {
  it('is never called sent: a person gets it, since no receipt could ever be missed of it', async () => {
    const id = await accepted();
    await journey.sql(`update registration set state = 'queued' where id = $1`, [id]);
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'queue.unforeseen' });
    expect(sent).toEqual([]);
  });
});

describe('rendering', () => {
  it('holds what says something else when it is read back, and sends nothing', async () => {
    const id = await accepted();
    // A moment that is another one each time it is asked: what is written and what is meant differ.
    let minutes = 0;
    const shifting = new Date('2026-11-25T10:16:00Z');
    const time = shifting.getTime();
    shifting.getTime = () => {
      minutes += 1;
      return time + minutes * 60_000;
    };
    shifting.toISOString = () => new Date(shifting.getTime()).toISOString();
    shifting.valueOf = () => shifting.getTime();
    const clock = { ...systemClock, now: () => shifting };
    expect(await tryOnce(id, { clock, relay: relayOf(TAKEN) })).toEqual({ kind: 'done' });
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'registration.read-back' });
    expect(await seen(journey, id)).toMatchObject({ parts: [] });
    expect(await auditOf(journey, id)).toEqual(['registration.accepted', 'registration.held']);
    expect(sent).toEqual([]);
  });

  it('holds what its receiver can no longer be written to', async () => {
    const id = await accepted();
    await journey.sql(`update practice set name = 'Praktijk ≠ Linde' where id = $1`, [linde.id]);
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(await row(id)).toMatchObject({ reason: 'registration.not-writable', detail: 'practice.name U+2260' });
    await journey.sql('update practice set name = $2 where id = $1', [linde.id, linde.name]);
  });

  it('never lets a test person out in production, whoever took it in', async () => {
    const id = await accepted();
    await tryOnce(id, { relay: relayOf(TAKEN), isProduction: true });
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'registration.test-person' });
    expect(sent).toEqual([]);
  });

  it('holds what cannot be decrypted', async () => {
    const id = await accepted();
    await journey.sql(
      `update registration set content = set_byte(content, 40, 255 - get_byte(content, 40)) where id = $1`,
      [id],
    );
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'ledger.cannot-decrypt' });
  });

  it('waits without spending an attempt while SMTP is not set, or its address is no ZorgMail account', async () => {
    const id = await accepted();
    for (const change of [{ relay: null, smtpFrom: null }, { smtpFrom: 'zorg@example.nl' }]) {
      expect(await tryOnce(id, change)).toMatchObject({ kind: 'later' });
      expect(await row(id)).toMatchObject({ state: 'accepted', reason: 'zorgmail.not-configured', attempts: 0 });
    }
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(await row(id)).toMatchObject({ state: 'sent', reason: null });
  });
});

describe('a try to send', () => {
  it.each([
    [
      'too large for the relay',
      failure('zorgmail.too-large', 'permanent'),
      'registration.too-large',
      'zorgmail.too-large part 1',
    ],
    [
      'refused',
      failure('zorgmail.refused', 'permanent', 'item', { reply: 550, status: '5.1.1' }),
      'registration.refused-by-relay',
      '550 5.1.1 part 1',
    ],
    ['stopped by a bug of ours', failure('zorgmail.bytes', 'defect'), 'queue.unforeseen', 'zorgmail.bytes part 1'],
  ])('that is %s is held, and the part is as unsent as it was', async (_, refusal, reason, detail) => {
    const id = await accepted();
    expect(await tryOnce(id, { relay: relayOf(refusal) })).toEqual({ kind: 'done' });
    expect(await row(id)).toMatchObject({ state: 'held', reason, detail });
    expect((await seen(journey, id)).parts).toMatchObject([{ state: 'queued' }]);
  });

  it('is the thirtieth that fails: held under a reason of its own', async () => {
    const id = await accepted();
    const relay = relayOf(failure('zorgmail.postponed', 'transient', 'item', { reply: 451 }));
    expect(await tryOnce(id, { relay })).toMatchObject({ kind: 'retry' });
    await journey.sql('update registration set attempts = 29 where id = $1', [id]);
    expect(await tryOnce(id, { relay })).toEqual({ kind: 'done' });
    expect(await row(id)).toMatchObject({
      state: 'held',
      reason: 'registration.attempts-exhausted',
      detail: '451 part 1',
    });
  });

  it('that the relay has no time for, or that a stopping worker gave up, spends no attempt', async () => {
    const id = await accepted();
    for (const one of [
      failure('zorgmail.login-refused', 'permanent', 'peer'),
      failure('zorgmail.aborted', 'transient'),
    ]) {
      expect(await tryOnce(id, { relay: relayOf(one) })).toMatchObject({ kind: 'later' });
      expect(await row(id)).toMatchObject({ state: 'queued', reason: one.code, attempts: 0 });
    }
    await discarded(id);
  });

  it('of an uncertain part that is refused does not make it certain', async () => {
    const id = await accepted();
    await tryOnce(id, { relay: relayOf(failure('zorgmail.no-reply', 'ambiguous')) });
    await hoursLater(journey);
    await tryOnce(id, { relay: relayOf(failure('zorgmail.postponed', 'transient')) });
    expect(await row(id)).toMatchObject({ state: 'uncertain' });
    await tryOnce(id, { relay: relayOf(failure('zorgmail.refused', 'permanent', 'item', { reply: 554 })) });
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'registration.refused-by-relay' });
    expect((await seen(journey, id)).parts).toMatchObject([{ state: 'uncertain' }]);
    expect(new Set(sent.map((bytes) => bytes.toString('latin1'))).size).toBe(1);
    expect(sent).toHaveLength(3);
  });

  it('that went well is recorded though the ledger is away for a moment, and so does not go again', async () => {
    const id = await accepted();
    const { ledger } = journey.courier;
    let away = 3;
    const flickering: Ledger = {
      ...ledger,
      query: (text, values) => {
        if (!text.includes("set state = 'sent', reply") || away === 0) return ledger.query(text, values);
        away -= 1;
        return Promise.reject(failure('ledger.unreachable', 'transient', 'peer'));
      },
    };
    const clock = { ...systemClock, wait: () => Promise.resolve() };
    await tryOnce(id, { ledger: flickering, clock, relay: relayOf(TAKEN) });
    expect(away).toBe(0);
    expect(await row(id)).toMatchObject({ state: 'sent' });
    expect(sent).toHaveLength(1);
  });

  it('whose claim passed to another meanwhile still says that the relay took it, and settles nothing', async () => {
    const id = await accepted();
    const lose = async () => {
      const other = randomUUID();
      await journey.sql('update registration set lease_token = $2 where id = $1', [id, other]);
      return TAKEN;
    };
    await tryOnce(id, { relay: relayOf(lose) });
    expect((await seen(journey, id)).parts).toMatchObject([{ state: 'sent' }]);
    expect(await row(id)).toMatchObject({ state: 'sending' });
    await journey.sql(`update registration set lease_until = now() - interval '1 second' where id = $1`, [id]);
    await tryOnce(id, { relay: relayOf(TAKEN) });
    expect(await row(id)).toMatchObject({ state: 'sent' });
    expect(sent).toHaveLength(1);
  });

  it('sends nothing once the claim has passed to another between two parts', async () => {
    const text = Array.from({ length: 120 }, (_, at) => `Regel ${at + 1} van een lange tekst.`).join('\n');
    const id = await accepted(text);
    const lose = async () => {
      await journey.sql('update registration set lease_token = $2 where id = $1', [id, randomUUID()]);
      return TAKEN;
    };
    expect(await tryOnce(id, { relay: relayOf(lose) })).toEqual({ kind: 'done' });
    expect(sent).toHaveLength(1);
    await discarded(id);
  });

  it('while the practice goes into shadow after the first of two parts comes before a person', async () => {
    const text = Array.from({ length: 120 }, (_, at) => `Regel ${at + 1} van een lange tekst.`).join('\n');
    const id = await accepted(text);
    await tryOnce(id, { relay: relayOf(TAKEN, failure('zorgmail.postponed', 'transient')) });
    await journey.sql(`update integration set mode = 'shadow' where practice_id = $1`, [linde.id]);
    await tryOnce(id, { relay: relayOf(TAKEN) });
    await journey.sql(`update integration set mode = 'live' where practice_id = $1`, [linde.id]);
    expect(await row(id)).toMatchObject({ state: 'held', reason: 'registration.switched-off', detail: 'sent 1/2' });
    expect(sent).toHaveLength(2);
  });

  it('of one practice whose mailbox is full leaves the relay to the others', async () => {
    const zorgmail = newBreaker({ target: 'zorgmail', clock: systemClock, random: () => 0 });
    const breakers = { ...journey.courier.breakers, zorgmail };
    const people = ['999990019', '999911120', '999942542'];
    const full = relayOf(failure('zorgmail.postponed', 'transient', 'item', { reply: 452 }));
    const ids = await Promise.all(people.map((bsn) => post(journey, source, posted({ bsn }))));
    for (const id of ids) await tryOnce(id, { breakers, relay: full });
    expect(zorgmail.isOpen()).toBe(false);
    const other = await post(journey, source, posted({ to: 'anker', bsn: '999954660' }));
    await tryOnce(other, { breakers, relay: relayOf(TAKEN) });
    expect(await row(other)).toMatchObject({ state: 'sent' });
    for (const id of ids) await discarded(id);
  });
});

describe('a practice whose keys were destroyed', () => {
  it('takes no registration, whatever its row says', async () => {
    const anker = await journey.practice('anker');
    await journey.courier.ledger.transaction((tx) => destroyKeys(tx, { purpose: 'practice', id: anker.id }));
    journey.courier.keys.forget();
    const body = posted({ to: 'anker', bsn: '999954660' });
    expect(await acceptRegistration(journey.courier, source, randomUUID(), body)).toEqual({ kind: 'not-enabled' });
  });
});
