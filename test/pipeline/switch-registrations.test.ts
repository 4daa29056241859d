import { beforeEach, describe, expect, it } from 'vitest';
import {
  disableRegistrations,
  enableRegistrations,
  type Meter,
  pauseRegistrations,
} from '../../src/pipeline/pipeline.ts';
import { settleSwitched } from '../../src/pipeline/switch-registrations.ts';
import type { EnableRequest, Practice } from '../../src/practice/practice.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn } from '../practice/places.ts';
import { auditOf, mailStates, REGISTRATIONS, registrationIn, registrationRow } from '../records/registration-rows.ts';

const ledgers = useLedgers();
let practice: Practice;
beforeEach(async () => {
  practice = await practiceIn(ledgers.worker, {
    accounts: [`51${String(Math.random()).slice(2, 9)}`, `52${String(Math.random()).slice(2, 9)}`],
  });
  await enable(REGISTRATIONS, { account: practice.accounts[0] ?? '' });
});

const enable = (request: EnableRequest, wish: { account?: string; charset?: 'ascii' | 'latin1' } = {}) =>
  enableRegistrations(
    ledgers.worker,
    practice,
    { ...request, receiver: { account: wish.account ?? null, charset: wish.charset ?? null, blankLine: null } },
    'sanne',
  );
const AS_IT_WAS: EnableRequest = { ...REGISTRATIONS, mode: null, authorisedBy: null, authorisedOn: null };
const disable = () => disableRegistrations(ledgers.worker, practice, 'sanne');
/** What the last sweep counted. */
const counted: unknown[] = [];
const meter = { registered: (one: unknown) => void counted.push(one) } as Meter;
const sweep = () => {
  counted.length = 0;
  return settleSwitched({ ledger: ledgers.worker, logger: silentLogger, meter });
};
const make = (...args: Parameters<typeof registrationIn> extends [unknown, unknown, ...infer Rest] ? Rest : never) =>
  registrationIn(ledgers.owner, practice, ...args);
const row = (made: { readonly id: string }) => registrationRow(ledgers.owner, made);
const lease = (id: string, until: string) =>
  ledgers.owner.query(
    `update registration set lease_token = gen_random_uuid(), lease_until = now() + $2::interval where id = $1`,
    [id, until],
  );

describe('disabling registrations', () => {
  it('brings what was not sent before a person, and says how many', async () => {
    const accepted = await make('accepted');
    const queued = await make('queued', { mails: ['queued', 'queued'] });
    expect(await disable()).toEqual({ refusal: null, held: 2 });
    for (const made of [accepted, queued]) {
      expect(await row(made)).toMatchObject({
        state: 'held',
        reason: 'registration.switched-off',
        kept: true,
        settled: true,
      });
      expect(await auditOf(ledgers.owner, made)).toMatchObject([
        { event: 'registration.held', actor: 'sanne', reason: 'registration.switched-off' },
      ]);
    }
    expect(await mailStates(ledgers.owner, queued)).toEqual(['queued', 'queued']);
  });

  it.each([
    'sending',
    'uncertain',
    'sent',
    'delivered',
    'bounced',
    'shadowed',
    'discarded',
  ] as const)('leaves what is %s alone, the sweeper too', async (state) => {
    const made = await make(state, { mails: ['sent'] });
    expect(await disable()).toEqual({ refusal: null, held: 0 });
    await sweep();
    expect(await row(made)).toMatchObject({ state, kept: true });
    expect(await mailStates(ledgers.owner, made)).toEqual(['sent']);
  });

  it('leaves what may have gone to whoever sends: a receipt is looked for first', async () => {
    const made = await make('queued', { mails: ['sent', 'uncertain'] });
    expect(await disable()).toEqual({ refusal: null, held: 0 });
    await sweep();
    expect(await row(made)).toMatchObject({ state: 'queued' });
  });

  it('lets the sweeper find what a worker had in its hands, or what was accepted in that moment', async () => {
    const inHand = await make('queued', { mails: ['queued'] });
    await lease(inHand.id, '30 seconds');
    expect(await disable()).toEqual({ refusal: null, held: 0 });
    const late = await make('accepted');
    await sweep();
    expect(await row(inHand)).toMatchObject({ state: 'queued' });
    expect(await row(late)).toMatchObject({ state: 'held', reason: 'registration.switched-off' });
    expect(counted).toEqual([{ state: 'held', reason: 'registration.switched-off', acceptedMs: null }]);
    await lease(inHand.id, '-1 second');
    await sweep();
    expect(await row(inHand)).toMatchObject({ state: 'held', reason: 'registration.switched-off' });
    expect(await auditOf(ledgers.owner, inHand)).toMatchObject([{ actor: 'worker' }]);
    await sweep();
    expect(await auditOf(ledgers.owner, inHand)).toHaveLength(1);
  });

  it('of one practice touches no other’s, nor what is only paused', async () => {
    const other = await practiceIn(ledgers.worker);
    await enableRegistrations(ledgers.worker, other, REGISTRATIONS, 'sanne');
    const theirs = await registrationIn(ledgers.owner, other, 'queued', { mails: ['queued'] });
    await pauseRegistrations(ledgers.worker, other, 'sanne');
    await disable();
    await sweep();
    expect(await row(theirs)).toMatchObject({ state: 'queued' });
  });

  it('is refused where it is disabled already', async () => {
    await disable();
    expect(await disable()).toEqual({ refusal: 'not-enabled', held: 0 });
  });
});

describe('pausing and resuming', () => {
  it('lets what was parked go on at once, of registrations alone', async () => {
    const parked = await make('queued', { mails: ['queued'] });
    await ledgers.owner.query(
      `update registration set is_parked = true, next_check_at = now() + interval '1 hour' where id = $1`,
      [parked.id],
    );
    expect(await pauseRegistrations(ledgers.worker, practice, 'sanne')).toBeNull();
    expect(await row(parked)).toMatchObject({ state: 'queued', is_parked: true });
    expect(await enable(AS_IT_WAS)).toBeNull();
    expect(await row(parked)).toMatchObject({ state: 'queued', is_parked: false });
    const due = await ledgers.owner.query('select 1 from registration where id = $1 and next_check_at <= now()', [
      parked.id,
    ]);
    expect(due.count).toBe(1);
  });
});

describe('another account or form', () => {
  it('has what was rendered for the former one rendered anew, and leaves what fits', async () => {
    const queued = await make('queued', { mails: ['queued', 'queued'] });
    const accepted = await make('accepted');
    expect(await enable(AS_IT_WAS, { charset: 'latin1' })).toBeNull();
    expect(await row(queued)).toMatchObject({ state: 'accepted', kept: true });
    expect(await mailStates(ledgers.owner, queued)).toEqual(['superseded without bytes', 'superseded without bytes']);
    expect(await row(accepted)).toMatchObject({ state: 'accepted' });
    const after = await make('queued', { mails: ['queued'] });
    await enable(AS_IT_WAS);
    await sweep();
    expect(await row(after)).toMatchObject({ state: 'queued' });
  });

  it('holds what has gone in part: nobody but the practice knows what it has', async () => {
    const partly = await make('queued', { mails: ['sent', 'queued'] });
    await enable(AS_IT_WAS, { account: practice.accounts[1] ?? '' });
    expect(await row(partly)).toMatchObject({ state: 'held', reason: 'registration.receiver-changed' });
    expect(await mailStates(ledgers.owner, partly)).toEqual(['sent', 'queued']);
  });

  it('is found by the sweeper where a worker had it in its hands', async () => {
    const inHand = await make('queued', { mails: ['queued'] });
    await lease(inHand.id, '30 seconds');
    await enable(AS_IT_WAS, { account: practice.accounts[1] ?? '' });
    expect(await row(inHand)).toMatchObject({ state: 'queued' });
    await lease(inHand.id, '-1 second');
    await sweep();
    expect(await row(inHand)).toMatchObject({ state: 'accepted' });
    expect(await mailStates(ledgers.owner, inHand)).toEqual(['superseded without bytes']);
  });
});
