import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { REGISTRATION_STATES, type RegistrationState, type Sql } from '../../src/ledger/ledger.ts';
import {
  allocateReferences,
  beginTry,
  claimRegistration,
  findRegistration,
  insertOutward,
  insertRegistration,
  lockUnrendered,
  nextRegistrationOfPatient,
  outwardParts,
  overdueRegistrations,
  postponeAccepted,
  postponeRegistration,
  recordTaken,
  renewRegistration,
  settleAccepted,
  settleRegistration,
  takeReceipted,
  undoTry,
  unrenderedRegistration,
} from '../../src/records/records.ts';
import { REFERENCE_PATTERN } from '../../src/registration/registration.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { newId, type OutwardMailId, type RegistrationId, type SourceId } from '../../src/shared/ids.ts';
import { untilBlocked, useLedgers } from '../ledger/ledgers.ts';
import { practiceIn } from '../practice/places.ts';

const ledgers = useLedgers();
const STATES = Object.keys(REGISTRATION_STATES) as RegistrationState[];
const LATER = { delayMs: 0, isParked: false, isAttemptSpent: false, reason: null };
const ANSWER = { reply: 250, status: '2.0.0', isNotificationAsked: true };
let practiceId: string;
let sourceId: SourceId;

beforeAll(async () => {
  practiceId = (await practiceIn(ledgers.worker)).id;
  sourceId = newId<SourceId>();
  await ledgers.owner.query(`insert into source (id, name, added_by) values ($1, 'ckis', 'a person')`, [sourceId]);
  await ledgers.owner.query(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, since)
     values ($1, 'registrations', 'enabled', 'live', 'P. Praktijkhouder', '2026-11-20', now())`,
    [practiceId],
  );
});

interface Shape {
  readonly state?: RegistrationState;
  readonly patientKey?: Buffer;
  /** States of its parts; none: not rendered. */
  readonly parts?: readonly string[];
  /** Under a lease that has run out. */
  readonly leaseToken?: string;
}

async function registration(shape: Shape = {}): Promise<RegistrationId> {
  const { state = 'queued', patientKey = randomBytes(32), parts = ['queued'], leaseToken = null } = shape;
  const id = newId<RegistrationId>();
  const content = randomBytes(40);
  const row = { id, sourceId, practiceId, patientKey, content, earlierId: null, origin: 'card' as const };
  const bodyDigest = randomBytes(32);
  await insertRegistration(ledgers.worker, {
    ...row,
    bodyDigest,
    idempotencyKey: randomUUID(),
    writtenAt: systemClock.now(),
  });
  if (parts.length > 0) await ledgers.worker.transaction((tx) => render(tx, id, parts.length));
  for (const [at, one] of parts.entries()) {
    const tried = `case when $3 = 'uncertain' then now() - interval '1 minute' end`;
    const change = `update outward_mail set state = $3, tried_at = ${tried} where registration_id = $1 and part = $2`;
    await ledgers.owner.query(change, [id, at + 1, one]);
  }
  await ledgers.owner.query(
    `update registration set state = $2, lease_token = $3, lease_until = case when $3::uuid is not null then now() - interval '1 second' end where id = $1`,
    [id, state, leaseToken],
  );
  return id;
}

async function render(tx: Sql, id: string, count: number): Promise<void> {
  const references = await allocateReferences(tx, '500077001', count);
  const mails = references.map((controlReference, at) => {
    const mailId = newId<OutwardMailId>();
    const names = { controlReference, envelopeId: `zk-${mailId}`, messageId: `<${mailId}@example>` };
    return { id: mailId, part: at + 1, sender: '500077001', recipient: 'x@example', content: randomBytes(9), ...names };
  });
  await insertOutward(tx, id, mails);
}

interface Row {
  readonly state: RegistrationState;
  readonly attempts: number;
  readonly isParked: boolean;
  readonly generation: number;
  readonly reason: string | null;
}

async function row(id: string): Promise<Row> {
  const { rows } = await ledgers.owner.query<Row>(
    'select state, attempts, is_parked as "isParked", generation, reason from registration where id = $1',
    [id],
  );
  if (rows[0] === undefined) throw new Error('no such registration');
  return rows[0];
}

const claim = (id: string, token: string = randomUUID(), generation: number | null = null) =>
  claimRegistration(ledgers.worker, id, token, generation);
const part = async (id: string, at = 0) => {
  const found = (await outwardParts(ledgers.worker, id))[at];
  if (found === undefined) throw new Error('no such part');
  return found;
};

describe('claiming a registration', () => {
  it('takes one that is rendered, and one that nobody works on any more', async () => {
    expect(await claim(await registration())).toMatchObject({
      kind: 'claimed',
      registration: { practiceId, attempts: 0 },
    });
    const abandoned = await registration({ state: 'sending', leaseToken: randomUUID() });
    expect(await claim(abandoned)).toMatchObject({ kind: 'claimed' });
    expect((await row(abandoned)).state).toBe('sending');
  });

  it('finds one uncertain whose worker died while it sent a part', async () => {
    const id = await registration({ state: 'sending', parts: ['sent', 'uncertain'], leaseToken: randomUUID() });
    expect(await claim(id)).toMatchObject({ kind: 'claimed' });
    expect((await row(id)).state).toBe('uncertain');
  });

  it('leaves what is not rendered, at rest, parked or another’s, and a job that has a successor', async () => {
    for (const state of STATES.filter((one) => !['queued', 'sending', 'uncertain'].includes(one))) {
      expect(await claim(await registration({ state }))).toEqual({ kind: state === 'accepted' ? 'busy' : 'nothing' });
    }
    const taken = await registration();
    await claim(taken);
    expect(await claim(taken)).toEqual({ kind: 'nothing' });
    const parked = await registration();
    await ledgers.owner.query('update registration set is_parked = true, generation = 3 where id = $1', [parked]);
    expect(await claim(parked)).toEqual({ kind: 'nothing' });
    await ledgers.owner.query('update registration set is_parked = false where id = $1', [parked]);
    expect(await claim(parked, randomUUID(), 2)).toEqual({ kind: 'nothing' });
    expect(await claim(parked, randomUUID(), 3)).toMatchObject({ kind: 'claimed' });
  });

  it('waits for an older one of the patient, in whatever open state, and not for one at rest', async () => {
    for (const state of STATES) {
      const patientKey = randomBytes(32);
      await registration({ state, patientKey });
      const younger = await registration({ patientKey });
      const isOpen = ['accepted', 'queued', 'sending', 'uncertain'].includes(state);
      expect((await claim(younger)).kind).toBe(isOpen ? 'busy' : 'claimed');
      const unrendered = await registration({ patientKey, state: 'accepted', parts: [] });
      expect(await ledgers.worker.transaction((tx) => lockUnrendered(tx, unrendered))).toBe('busy');
    }
  });

  it('of two of one patient at the same moment takes one', async () => {
    for (let round = 0; round < 5; round += 1) {
      const patientKey = randomBytes(32);
      const ids = [await registration({ patientKey }), await registration({ patientKey })];
      // Of the same age, so that only the index stands between them.
      await ledgers.owner.query('update registration set created_at = $2 where id = any($1::uuid[])', [
        ids,
        systemClock.now(),
      ]);
      const kinds = (await Promise.all(ids.map((id) => claim(id)))).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'claimed')).toHaveLength(1);
    }
  });

  it('of an unrendered one by two workers lets the second see that it is done', async () => {
    const id = await registration({ state: 'accepted', parts: [] });
    const meeting = Promise.withResolvers<void>();
    const first = ledgers.worker.transaction(async (tx) => {
      const answer = await lockUnrendered(tx, id);
      meeting.resolve();
      await untilBlocked(ledgers.owner);
      await settleAccepted(tx, id, { state: 'queued', reason: null, detail: null });
      return answer;
    });
    await meeting.promise;
    const second = ledgers.worker.transaction((tx) => lockUnrendered(tx, id));
    expect([await first, await second]).toEqual(['locked', 'gone']);
    expect(await unrenderedRegistration(ledgers.worker, id, null)).toBeNull();
  });
});

describe('a claim', () => {
  it('is needed to postpone, settle, renew and begin a try', async () => {
    const id = await registration();
    await claim(id);
    const stranger = randomUUID();
    await postponeRegistration(ledgers.worker, id, stranger, { ...LATER, isAttemptSpent: true });
    expect(await settleRegistration(ledgers.worker, id, stranger, { state: 'sent', reason: null, detail: null })).toBe(
      false,
    );
    expect(await renewRegistration(ledgers.worker, id, stranger)).toBe(false);
    expect(await beginTry(ledgers.worker, (await part(id)).id, id, stranger)).toBe(false);
    expect(await row(id)).toMatchObject({ state: 'sending', attempts: 0 });
    expect((await part(id)).state).toBe('queued');
  });

  it('that has run out begins no try, though nobody else has it yet', async () => {
    const token = randomUUID();
    const id = await registration({ state: 'sending', leaseToken: token });
    expect(await beginTry(ledgers.worker, (await part(id)).id, id, token)).toBe(false);
  });

  it('is not needed to record that the relay took a part', async () => {
    const id = await registration({ state: 'sending', parts: ['uncertain'], leaseToken: randomUUID() });
    await recordTaken(ledgers.worker, (await part(id)).id, ANSWER);
    expect(await part(id)).toMatchObject({ state: 'sent' });
    await undoTry(ledgers.worker, { ...(await part(id)), state: 'queued' });
    expect(await part(id)).toMatchObject({ state: 'sent' });
  });

  it('that is given back while the practice pauses is parked, and not where it has just resumed', async () => {
    for (const [state, isParked] of [
      ['paused', true],
      ['enabled', false],
    ] as const) {
      await ledgers.owner.query(`update integration set state = $2 where practice_id = $1`, [practiceId, state]);
      const id = await registration();
      const token = randomUUID();
      await claim(id, token);
      await postponeRegistration(ledgers.worker, id, token, { ...LATER, isParked: true });
      expect(await row(id)).toMatchObject({ state: 'queued', isParked });
    }
  });
});

describe('a try', () => {
  it('that the relay refused leaves the part as it was: unsent, or as uncertain as before and since then', async () => {
    for (const before of ['queued', 'uncertain'] as const) {
      const id = await registration({ parts: [before] });
      const token = randomUUID();
      await claim(id, token);
      const earlier = await part(id);
      expect(await beginTry(ledgers.worker, earlier.id, id, token)).toBe(true);
      expect(await part(id)).toMatchObject({ state: 'uncertain' });
      expect((await part(id)).triedMs).toBeLessThan(30_000);
      await undoTry(ledgers.worker, earlier);
      expect((await part(id)).state).toBe(before);
      const { triedMs } = await part(id);
      if (before === 'queued') expect(triedMs).toBeNull();
      else expect(triedMs).toBeGreaterThanOrEqual(60_000);
    }
  });

  it('of which anything came back was taken; of the others nothing is said', async () => {
    const id = await registration({ state: 'uncertain', parts: ['uncertain', 'queued'] });
    expect(await takeReceipted(ledgers.worker, id)).toBe(0);
    const mailId = randomUUID();
    await ledgers.owner.query(`insert into mail (id, source, day, state) values ($1, 'replay', current_date, 'read')`, [
      mailId,
    ]);
    await ledgers.owner.query(
      `insert into outward_receipt (outward_mail_id, mail_id, kind, matched_by) values ($1, $2, 'delayed', 'message-id')`,
      [(await part(id)).id, mailId],
    );
    expect(await takeReceipted(ledgers.worker, id)).toBe(1);
    expect((await outwardParts(ledgers.worker, id)).map(({ state }) => state)).toEqual(['sent', 'queued']);
  });

  it('that nobody remembers the moment of is waited for from now', async () => {
    const id = await registration({ state: 'uncertain', parts: ['uncertain'] });
    await ledgers.owner.query('update outward_mail set tried_at = null where registration_id = $1', [id]);
    await takeReceipted(ledgers.worker, id);
    expect((await part(id)).triedMs).toBeLessThan(30_000);
  });
});

describe('the statements', () => {
  it('make the changes of the table of states, and no other', async () => {
    const token = randomUUID();
    const end = { reason: null, detail: null };
    const acts: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
      settleAccepted: (id) => settleAccepted(ledgers.worker, id, { ...end, state: 'queued' }),
      'settleAccepted ': (id) => settleAccepted(ledgers.worker, id, { ...end, state: 'shadowed' }),
      'settleAccepted  ': (id) => settleAccepted(ledgers.worker, id, { ...end, state: 'held' }),
      claimRegistration: (id) => claim(id),
      postponeAccepted: (id) => postponeAccepted(ledgers.worker, id, LATER),
      postponeRegistration: (id) => postponeRegistration(ledgers.worker, id, token, LATER),
      settleRegistration: (id) => settleRegistration(ledgers.worker, id, token, { ...end, state: 'sent' }),
      'settleRegistration ': (id) => settleRegistration(ledgers.worker, id, token, { ...end, state: 'held' }),
      'settleRegistration  ': (id) => settleRegistration(ledgers.worker, id, token, { ...end, state: 'shadowed' }),
    };
    const made = new Set<string>();
    for (const state of STATES) {
      for (const parts of [['queued'], ['uncertain']]) {
        for (const [by, act] of Object.entries(acts)) {
          const id = await registration({ state, parts, leaseToken: token });
          await act(id);
          const { state: to } = await row(id);
          if (to !== state) made.add(`${state} ${to} ${by.trim()}`);
        }
      }
    }
    const listed = STATES.flatMap((state) =>
      REGISTRATION_STATES[state].leaves.flatMap(({ to, by }) =>
        (by.match(/[a-z]+[A-Z]\w+/g) ?? []).map((name) => `${state} ${to} ${name}`),
      ),
    );
    const ours = new Set(Object.keys(acts).map((name) => name.trim()));
    const unchanged = (one: string) => one.split(' ')[0] === one.split(' ')[1];
    expect([...made].filter((one) => !listed.includes(one))).toEqual([]);
    const missing = listed.filter((one) => ours.has(one.split(' ')[2] ?? '') && !unchanged(one) && !made.has(one));
    expect(missing).toEqual([]);
  });

  it('add again what nobody looks after, with the next generation, and leave the rest', async () => {
    await ledgers.owner.query(`update registration set next_check_at = now() + interval '1 hour'`);
    const overdue = await Promise.all(
      (['accepted', 'queued', 'sending', 'uncertain'] as const).map((state) => registration({ state })),
    );
    const resting = await Promise.all((['sent', 'held', 'shadowed'] as const).map((state) => registration({ state })));
    const parked = await registration();
    const taken = await registration();
    const [fresh] = [await registration()];
    await claim(taken);
    const due = [...overdue, ...resting, parked, taken];
    await ledgers.owner.query(
      `update registration set next_check_at = now() - interval '1 second' where id = any($1::uuid[])`,
      [due],
    );
    await ledgers.owner.query('update registration set is_parked = true where id = $1', [parked]);
    const found = await overdueRegistrations(ledgers.worker, 1_000);
    expect(found.map(({ id }) => id).sort()).toEqual([...overdue].sort());
    expect(found.every(({ generation }) => generation === 2)).toBe(true);
    expect(await overdueRegistrations(ledgers.worker, 1_000)).toEqual([]);
    expect((await row(fresh ?? '')).generation).toBe(1);
  });

  it('take up the oldest of a patient that was never tried', async () => {
    const patientKey = randomBytes(32);
    const [tried, oldest] = [await registration({ patientKey }), await registration({ patientKey })];
    await registration({ patientKey });
    await ledgers.owner.query(`update registration set reason = 'zorgmail.postponed', attempts = 1 where id = $1`, [
      tried,
    ]);
    expect(await nextRegistrationOfPatient(ledgers.worker, { practiceId, patientKey })).toBe(oldest);
    expect(await nextRegistrationOfPatient(ledgers.worker, { practiceId, patientKey: randomBytes(32) })).toBeNull();
  });

  it('show a source its own, in words that are for it, and the office all', async () => {
    const id = await registration({ state: 'uncertain', parts: ['sent', 'uncertain'] });
    expect(await findRegistration(ledgers.worker, sourceId, id)).toMatchObject({
      id,
      state: 'queued',
      parts: [
        { part: 1, parts: 2, state: 'sent' },
        { part: 2, parts: 2, state: 'queued' },
      ],
    });
    expect(await findRegistration(ledgers.worker, null, id)).toMatchObject({ state: 'uncertain' });
    expect(await findRegistration(ledgers.worker, newId<SourceId>(), id)).toBeNull();
  });
});

describe('control references', () => {
  it('are never the same for one sender, however many ask at once, and fit UNB.5', async () => {
    const given = new Map<string, Set<string>>();
    const asking = fc.array(
      fc.record({ sender: fc.constantFrom('500077001', '500077002'), count: fc.integer({ min: 1, max: 99 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    await fc.assert(
      fc.asyncProperty(asking, async (asked) => {
        const answers = await Promise.all(
          asked.map(({ sender, count }) =>
            ledgers.worker.transaction(async (tx) => ({
              sender,
              references: await allocateReferences(tx, sender, count),
            })),
          ),
        );
        expect(answers.map(({ references }) => references.length)).toEqual(asked.map(({ count }) => count));
        for (const { sender, references } of answers) {
          const ofSender = given.get(sender) ?? new Set();
          given.set(sender, ofSender);
          for (const reference of references) {
            expect(reference).toMatch(REFERENCE_PATTERN);
            expect(ofSender.has(reference)).toBe(false);
            ofSender.add(reference);
          }
          expect([...references].sort()).toEqual(references);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('begin at the clock, so that a ledger that was restored from yesterday gives none of yesterday’s out again', async () => {
    const allocate = () => ledgers.worker.transaction((tx) => allocateReferences(tx, '500077009', 5));
    const clock = async () => {
      const { rows } = await ledgers.owner.query<{ at: number }>(
        `select floor(extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000)::bigint as at`,
      );
      return rows[0]?.at ?? Number.NaN;
    };
    const number = ([first = '']: readonly string[]) => Number(first.slice(1));
    for (const forget of ['update control_reference set next = 1', 'delete from control_reference']) {
      const before = await clock();
      expect(number(await allocate())).toBeGreaterThanOrEqual(before);
      await ledgers.owner.query(`${forget} where sender = '500077009'`);
      const restored = await clock();
      expect(number(await allocate())).toBeGreaterThanOrEqual(restored);
    }
  });

  it('of a rendering that is given up are not missed: nobody has seen them', async () => {
    const id = await registration({ state: 'accepted', parts: [] });
    const given = ledgers.worker.transaction(async (tx) => {
      await render(tx, id, 3);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    expect(await outwardParts(ledgers.worker, id)).toEqual([]);
  });
});
