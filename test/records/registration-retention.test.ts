import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RegistrationState } from '../../src/ledger/ledger.ts';
import { prune, pruneBatches } from '../../src/pipeline/pipeline.ts';
import type { Practice } from '../../src/practice/practice.ts';
import { countPrunable } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn } from '../practice/places.ts';
import { type MadeRegistration, mailStates, registrationIn, registrationRow, sourceIn } from './registration-rows.ts';

/** Rows are moved into the past; nothing waits. */

const ledgers = useLedgers();
const RETENTION = { keepDays: 30, dedupeDays: 400 };
let practice: Practice;
beforeAll(async () => {
  practice = await practiceIn(ledgers.worker);
});

const pruneAll = (retention = RETENTION) => pruneBatches(ledgers.worker, retention, 'worker');
const settledAgo = (made: MadeRegistration, ago: string) =>
  ledgers.owner.query(
    'update registration set settled_at = now() - $2::interval, created_at = now() - $2::interval where id = $1',
    [made.id, ago],
  );
const isKept = async (made: MadeRegistration) => (await registrationRow(ledgers.owner, made))?.kept;
const mails = (made: MadeRegistration) => mailStates(ledgers.owner, made);

describe('what was delivered or shadowed', () => {
  it.each(['delivered', 'shadowed'] as const)('%s keeps text and mails for 30 days to the minute', async (state) => {
    const wish = { mails: ['superseded', 'delivered'] as const };
    const young = await registrationIn(ledgers.owner, practice, state, wish);
    const old = await registrationIn(ledgers.owner, practice, state, wish);
    await settledAgo(young, '29 days 23:59:00');
    await settledAgo(old, '30 days');
    await pruneAll();
    expect([await isKept(young), await isKept(old)]).toEqual([true, false]);
    expect(await mails(young)).toEqual(['superseded', 'delivered']);
    expect(await mails(old)).toEqual(['superseded without bytes', 'delivered without bytes']);
    await pruneAll({ ...RETENTION, keepDays: 3 });
    expect(await isKept(young)).toBe(false);
  });
});

describe('what is posted under a key', () => {
  it('is known for as long as a duplicate may come; then the key stays taken and says nothing', async () => {
    const [young, old] = [
      await registrationIn(ledgers.owner, practice, 'delivered'),
      await registrationIn(ledgers.owner, practice, 'delivered'),
    ];
    const waits = await registrationIn(ledgers.owner, practice, 'held', { reason: 'registration.switched-off' });
    await settledAgo(young, '399 days 23:59:00');
    for (const made of [old, waits]) await settledAgo(made, '401 days');
    await pruneAll();
    const { rows } = await ledgers.owner.query<{ id: string; known: boolean }>(
      'select id, body_digest is not null as known from registration where id = any($1::uuid[])',
      [[young.id, old.id, waits.id]],
    );
    expect(new Map(rows.map(({ id, known }) => [id, known]))).toEqual(
      new Map([
        [young.id, true],
        [old.id, false],
        [waits.id, true],
      ]),
    );
  });
});

describe('an assertion', () => {
  it('goes once it is refused by its age, however clocks differ', async () => {
    const source = await sourceIn(ledgers.owner);
    const used = async (expiredAgo: string) => {
      const jti = randomUUID();
      await ledgers.owner.query(
        'insert into source_assertion (source_id, jti, expires_at) values ($1, $2, now() - $3::interval)',
        [source, jti, expiredAgo],
      );
      return jti;
    };
    const [valid, justExpired] = [await used('-5 minutes'), await used('59 minutes')];
    await used('61 minutes');
    expect(await countPrunable(ledgers.worker, RETENTION)).toMatchObject({ assertions: 1 });
    expect((await pruneAll()).assertions).toBe(1);
    const { rows } = await ledgers.owner.query<{ jti: string }>('select jti from source_assertion');
    expect(rows.map(({ jti }) => jti).sort()).toEqual([valid, justExpired].sort());
  });
});

describe('a run', () => {
  it('says beforehand what it would do, does so much at once, and has one audit row', async () => {
    await pruneAll();
    for (let count = 0; count < 3; count += 1)
      await registrationIn(ledgers.owner, practice, 'discarded', { mails: ['sent', 'superseded'] });
    expect(await countPrunable(ledgers.worker, RETENTION)).toMatchObject({
      ...{ registrations: 3, outwardMails: 6, reports: 0, mails: 0 },
      bytes: 3 * Buffer.from('a sealed registration').length + 6 * Buffer.from('sealed bytes of part 1').length,
    });
    expect(await prune(ledgers.worker, RETENTION, 'sanne', 4)).toMatchObject({ registrations: 3, outwardMails: 4 });
    expect(await prune(ledgers.worker, RETENTION, 'sanne', 4)).toMatchObject({ registrations: 0, outwardMails: 2 });
    const nothing = await prune(ledgers.worker, RETENTION, 'sanne', 4);
    expect(Object.values(nothing).every((count) => count === 0)).toBe(true);
    const { rows } = await ledgers.owner.query(
      `select fields ->> 'registrations' as registrations, fields ->> 'outwardMails' as mails from audit where event = 'content.pruned' and actor = 'sanne' order by id`,
    );
    expect(rows).toEqual([
      { registrations: '3', mails: '4' },
      { registrations: '0', mails: '2' },
    ]);
  });
});

describe('at any time, of any registration', () => {
  const STATES: readonly RegistrationState[] = [
    ...(['accepted', 'queued', 'sending', 'uncertain', 'sent'] as const),
    ...(['delivered', 'bounced', 'held', 'shadowed', 'discarded'] as const),
  ];
  const MAILS = ['queued', 'uncertain', 'sent', 'delivered', 'bounced', 'superseded'] as const;
  const registration = fc.record({
    state: fc.constantFrom(...STATES),
    ageDays: fc.integer({ min: 0, max: 70 }),
    mails: fc.array(fc.constantFrom(...MAILS), { maxLength: 3 }),
  });

  /** From the words of the README, and not from the statement. */
  function wanted(state: RegistrationState, ageDays: number): boolean {
    if (state === 'discarded') return false;
    return state === 'delivered' || state === 'shadowed' ? ageDays < 30 : true;
  }

  it('nothing that waits loses its text or its bytes, and what had its time has none', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(registration, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 2 }),
        async (wishes, steps) => {
          const made = await Promise.all(
            wishes.map(async (wish) => {
              const one = await registrationIn(ledgers.owner, practice, wish.state, { mails: wish.mails });
              await settledAgo(one, `${wish.ageDays} days`);
              return { ...wish, one };
            }),
          );
          let later = 0;
          for (const days of [0, ...steps]) {
            later += days;
            await ledgers.owner.query(
              'update registration set settled_at = settled_at - make_interval(days => $2::int) where id = any($1::uuid[])',
              [made.map(({ one }) => one.id), days],
            );
            await pruneAll();
            for (const { state, ageDays, mails: parts, one } of made) {
              const kept = wanted(state, ageDays + later);
              expect(await isKept(one), `the text of ${state}`).toBe(kept);
              expect(await mails(one)).toEqual(kept ? parts : parts.map((part) => `${part} without bytes`));
            }
          }
          await ledgers.owner.query('delete from outward_mail where registration_id = any($1::uuid[])', [
            made.map(({ one }) => one.id),
          ]);
          await ledgers.owner.query('delete from registration where id = any($1::uuid[])', [
            made.map(({ one }) => one.id),
          ]);
        },
      ),
      { numRuns: 30 },
    );
  });
});
