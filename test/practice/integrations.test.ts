import { describe, expect, it } from 'vitest';
import {
  addMailbox,
  addPractice,
  CHANGES,
  changeIntegration,
  type EnableRequest,
  enableIntegration,
  integrationOf,
  type Practice,
} from '../../src/practice/practice.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { mailboxIn, newMailbox, newPractice, practiceIn, SHADOW, testKeys } from './places.ts';

const ledgers = useLedgers();
const LIVE: EnableRequest = {
  ...SHADOW,
  mode: 'live',
  authorisedBy: 'dr. A. de Proef',
  authorisedOn: '2026-10-25',
  determinations: ['1918', 'HBA1C'],
};

const enable = (practice: Practice, request: EnableRequest) =>
  ledgers.worker.transaction((tx) => enableIntegration(tx, practice, request, 'a person'));
const change = (practice: Practice, state: 'paused' | 'disabled') =>
  ledgers.worker.transaction((tx) => changeIntegration(tx, practice, 'forwarding', state, 'a person'));
const stored = (practice: Practice) => integrationOf(ledgers.worker, practice.id, 'forwarding');

const eventsOf = async (practice: Practice) =>
  (
    await ledgers.owner.query<{ event: string }>(
      "select event from audit where object_id = $1 and event like 'integration.%' order by id",
      [practice.id],
    )
  ).rows.map((row) => row.event);

async function practiceWithMailbox(): Promise<Practice> {
  const practice = await practiceIn(ledgers.worker);
  await mailboxIn(ledgers.worker, [practice]);
  return practice;
}

describe('enabling forwarding', () => {
  it('is refused for a practice that has only cBoards', async () => {
    const practice = await practiceIn(ledgers.worker, { products: ['cBoards'], boards: 'none' });
    await mailboxIn(ledgers.worker, [practice]);
    expect(await enable(practice, SHADOW)).toBe('only-cboards');
    expect(await stored(practice)).toBeNull();
  });

  it('is refused for a practice without a mailbox', async () => {
    expect(await enable(await practiceIn(ledgers.worker), SHADOW)).toBe('no-mailbox');
  });

  it.each([
    { missing: 'who authorised it', request: { ...LIVE, authorisedBy: null }, refusal: 'no-authorisation' },
    { missing: 'when that was', request: { ...LIVE, authorisedOn: null }, refusal: 'no-authorisation' },
    { missing: 'the determinations', request: { ...LIVE, determinations: null }, refusal: 'no-determinations' },
  ])('live is refused without $missing, and leaves no trace', async ({ request, refusal }) => {
    const practice = await practiceWithMailbox();
    expect(await enable(practice, request)).toBe(refusal);
    expect(await stored(practice)).toBeNull();
    expect(await eventsOf(practice)).toEqual([]);
  });

  it('in shadow needs neither authorisation nor determinations', async () => {
    const practice = await practiceWithMailbox();
    expect(await enable(practice, SHADOW)).toBeNull();
    expect(await stored(practice)).toEqual({
      name: 'forwarding',
      state: 'enabled',
      mode: 'shadow',
      authorisedBy: null,
      authorisedOn: null,
      determinations: null,
      since: SHADOW.since,
      disabledAt: null,
    });
  });

  it('live keeps the authorisation, its day and the choice as they were given', async () => {
    const practice = await practiceWithMailbox();
    expect(await enable(practice, LIVE)).toBeNull();
    expect(await stored(practice)).toMatchObject({
      mode: 'live',
      authorisedBy: 'dr. A. de Proef',
      authorisedOn: '2026-10-25',
      determinations: ['1918', 'HBA1C'],
    });
    expect(await enable(practice, { ...LIVE, determinations: 'all' })).toBeNull();
    expect(await stored(practice)).toMatchObject({ determinations: 'all' });
  });

  it('anew keeps nothing of the earlier choice', async () => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    await change(practice, 'disabled');
    const since = new Date('2026-12-01T00:00:00Z');
    expect(await enable(practice, { ...SHADOW, since })).toBeNull();
    expect(await stored(practice)).toMatchObject({
      state: 'enabled',
      mode: 'shadow',
      authorisedBy: null,
      authorisedOn: null,
      determinations: null,
      since,
      disabledAt: null,
    });
  });
});

describe('enabling without saying everything again', () => {
  const AS_IT_WAS: EnableRequest = {
    name: 'forwarding',
    mode: null,
    authorisedBy: null,
    authorisedOn: null,
    determinations: null,
    since: null,
  };

  it('is shadow the first time, from now on', async () => {
    const practice = await practiceWithMailbox();
    expect(await enable(practice, AS_IT_WAS)).toBeNull();
    expect(await stored(practice)).toMatchObject({ state: 'enabled', mode: 'shadow', since: expect.any(Date) });
  });

  it.each(['paused', 'enabled'] as const)('keeps a live practice that is %s live, as it was', async (state) => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    const before = await stored(practice);
    if (state === 'paused') await change(practice, state);
    expect(await enable(practice, AS_IT_WAS)).toBeNull();
    expect(await stored(practice)).toEqual({ ...before, state: 'enabled', mode: 'live' });
  });

  it('goes back to shadow only where that is said, and keeps what was authorised', async () => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    await change(practice, 'paused');
    expect(await enable(practice, { ...AS_IT_WAS, mode: 'shadow' })).toBeNull();
    expect(await stored(practice)).toMatchObject({
      mode: 'shadow',
      authorisedBy: LIVE.authorisedBy,
      since: LIVE.since,
    });
    expect(await enable(practice, { ...AS_IT_WAS, mode: 'live' })).toBeNull();
    expect(await stored(practice)).toMatchObject({ mode: 'live', determinations: LIVE.determinations });
  });

  it('changes what is given, and takes no new name under the day of the former one', async () => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    const since = new Date('2026-12-24T00:00:00Z');
    expect(await enable(practice, { ...AS_IT_WAS, determinations: 'all', since })).toBeNull();
    expect(await stored(practice)).toMatchObject({ mode: 'live', determinations: 'all', since });
    expect(await enable(practice, { ...AS_IT_WAS, authorisedBy: 'another' })).toBe('no-authorisation');
    expect(await stored(practice)).toMatchObject({ authorisedBy: LIVE.authorisedBy, determinations: 'all' });
  });

  it('begins anew, in shadow, after it was disabled', async () => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    await change(practice, 'disabled');
    expect(await enable(practice, AS_IT_WAS)).toBeNull();
    expect(await stored(practice)).toMatchObject({ mode: 'shadow', authorisedBy: null, determinations: null });
  });
});

describe('pausing and disabling', () => {
  it('is refused for what was never enabled, or is disabled already', async () => {
    const practice = await practiceWithMailbox();
    expect(await change(practice, 'paused')).toBe('not-enabled');
    expect(await change(practice, 'disabled')).toBe('not-enabled');
    await enable(practice, SHADOW);
    await change(practice, 'disabled');
    expect(await change(practice, 'disabled')).toBe('not-enabled');
    expect(await change(practice, 'paused')).toBe('not-enabled');
  });

  it('says so, and remembers since when it is disabled', async () => {
    const practice = await practiceWithMailbox();
    await enable(practice, LIVE);
    expect(await change(practice, 'paused')).toBeNull();
    expect(await stored(practice)).toMatchObject({ state: 'paused', mode: 'live', disabledAt: null });
    expect(await change(practice, 'disabled')).toBeNull();
    expect(await stored(practice)).toMatchObject({ state: 'disabled', disabledAt: expect.any(Date) });
    expect(await eventsOf(practice)).toEqual(['integration.enabled', 'integration.paused', 'integration.disabled']);
  });
});

describe('a change', () => {
  it('is announced once it is committed, and only then, with nothing but the id of the practice', async () => {
    const practice = await practiceWithMailbox();
    const heard: string[] = [];
    let isAllHeard = () => {};
    const allHeard = new Promise<void>((resolve) => {
      isAllHeard = resolve;
    });
    const release = await ledgers.worker.listen(CHANGES, (payload) => {
      heard.push(payload);
      if (payload === 'the last') isAllHeard();
    });
    await ledgers.worker
      .transaction(async (tx) => {
        await enableIntegration(tx, practice, SHADOW, 'a person');
        throw new Error('given up');
      })
      .catch(() => {});
    await enable(practice, SHADOW);
    await change(practice, 'paused');
    await change(practice, 'disabled');
    await mailboxIn(ledgers.worker, [practice]);
    const added = await ledgers.worker.transaction((tx) => addPractice(tx, newPractice(), 'a person'));
    await ledgers.worker.query('select pg_notify($1, $2)', [CHANGES, 'the last']);
    await allHeard;
    expect(heard).toEqual([practice.id, practice.id, practice.id, practice.id, added, 'the last']);
    await release();
  });

  it('and its audit row are kept or given up together', async () => {
    const practice = await practiceWithMailbox();
    await expect(
      ledgers.worker.transaction(async (tx) => {
        await enableIntegration(tx, practice, SHADOW, 'a person');
        await changeIntegration(tx, practice, 'forwarding', 'paused', 'a person');
        await addMailbox(tx, testKeys(ledgers.worker), newMailbox({ name: 'given up' }), [practice.id], 'a person');
        throw new Error('given up');
      }),
    ).rejects.toThrow('given up');
    expect(await eventsOf(practice)).toEqual([]);
    expect(await stored(practice)).toBeNull();
    expect((await ledgers.owner.query("select 1 from mailbox where name = 'given up'")).count).toBe(0);
  });
});
