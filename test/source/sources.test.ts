import { generateKeyPairSync, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { asFailure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import {
  addSource,
  findSigningKey,
  forgetAssertions,
  listSources,
  readPublicKey,
  revokeKey,
  revokeSource,
  rotateSource,
  useAssertion,
} from '../../src/source/source.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

let database: FreshDatabase;
let ledger: Ledger;
let owner: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  // With the rights that production's commands and intake have.
  ledger = openLedger({ url: database.workerUrl, connectionsMax: 5, logger: silentLogger });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await ledger.release();
  await database.release();
});

const newKey = () =>
  readPublicKey(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString());
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (thrown) => asFailure(thrown).code,
  );
const add = (name: string, key = newKey()) => ledger.transaction((tx) => addSource(tx, name, key, 'sanne'));
const rotate = (name: string, key = newKey(), days = 7) =>
  ledger.transaction((tx) => rotateSource(tx, name, key, days, 'sanne'));
const statesOf = async (name: string) =>
  (await listSources(ledger)).find((source) => source.name === name)?.keys.map(({ state }) => state);
const isGood = async (kid: string) => (await findSigningKey(ledger, kid)) !== null;
/** As if the moment had come. */
const endOverlap = (kid: string) =>
  owner.query(`update source_key set valid_until = now() - interval '1 second' where id = $1`, [kid]);

describe('a source', () => {
  it('is found by its key, with the key as it was registered', async () => {
    const key = newKey();
    const id = await add('ckis', key);
    expect(await findSigningKey(ledger, key.kid)).toEqual({ sourceId: id, name: 'ckis', jwk: key.jwk });
    expect(await findSigningKey(ledger, newKey().kid)).toBeNull();
    expect(await listSources(ledger)).toMatchObject([
      {
        id,
        name: 'ckis',
        addedBy: 'sanne',
        revokedAt: null,
        keys: [{ kid: key.kid, form: 'Ed25519', state: 'current' }],
      },
    ]);
  });

  it('has a name of its own, and a key that nobody else has or had', async () => {
    const key = newKey();
    await add('first', key);
    expect(await codeOf(add('first'))).toBe('source.exists');
    expect(await codeOf(add('second', key))).toBe('source.key-used');
    expect((await listSources(ledger)).map(({ name }) => name)).not.toContain('second');
    for (const name of ['', 'a', 'Ckis', '1kis', 'a b', `a${'b'.repeat(40)}`]) {
      expect(await codeOf(add(name))).toBe('source.name');
    }
  });

  it('that rotates has two keys until the overlap ends', async () => {
    const [former, next] = [newKey(), newKey()];
    await add('rotating', former);
    const until = await rotate('rotating', next);
    const days = ((until?.getTime() ?? 0) - systemClock.now().getTime()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    expect(await statesOf('rotating')).toEqual(['current', 'retiring']);
    expect([await isGood(former.kid), await isGood(next.kid)]).toEqual([true, true]);
    await endOverlap(former.kid);
    expect(await statesOf('rotating')).toEqual(['current', 'over']);
    expect([await isGood(former.kid), await isGood(next.kid)]).toEqual([false, true]);
    expect(await codeOf(rotate('rotating', former))).toBe('source.key-used');
    expect([await isGood(former.kid), await isGood(next.kid)]).toEqual([false, true]);
  });

  it('that rotates twice keeps no key for longer than it was going to be kept', async () => {
    const [first, second] = [newKey(), newKey()];
    await add('twice', first);
    await rotate('twice', second, 1);
    const until = async (kid: string) =>
      (await listSources(ledger))
        .flatMap(({ keys }) => keys)
        .find((key) => key.kid === kid)
        ?.validUntil?.getTime();
    const before = await until(first.kid);
    await rotate('twice', newKey(), 30);
    expect(await until(first.kid)).toBe(before);
    expect(await until(second.kid)).toBeGreaterThan(before ?? Number.POSITIVE_INFINITY);
  });

  it('that rotates without an overlap has its former key no more', async () => {
    const former = newKey();
    await add('at-once', former);
    await rotate('at-once', newKey(), 0);
    expect(await isGood(former.kid)).toBe(false);
  });

  it('loses a key that is revoked at once, and may get another', async () => {
    const [lost, next] = [newKey(), newKey()];
    await add('careless', lost);
    await ledger.transaction((tx) => revokeKey(tx, 'careless', lost.kid, 'sanne'));
    expect(await isGood(lost.kid)).toBe(false);
    expect(await codeOf(ledger.transaction((tx) => revokeKey(tx, 'careless', lost.kid, 'sanne')))).toBe(
      'source.key-unknown',
    );
    expect(await rotate('careless', next)).toBeNull();
    expect(await isGood(next.kid)).toBe(true);
    expect(await codeOf(rotate('careless', lost))).toBe('source.key-used');
  });

  it('cannot lose the key of another', async () => {
    const key = newKey();
    await add('mine', key);
    await add('yours');
    expect(await codeOf(ledger.transaction((tx) => revokeKey(tx, 'yours', key.kid, 'sanne')))).toBe(
      'source.key-unknown',
    );
    expect(await isGood(key.kid)).toBe(true);
  });

  it('that is revoked as a whole has no good key left, and comes back under no key', async () => {
    const [former, next] = [newKey(), newKey()];
    await add('gone', former);
    await rotate('gone', next);
    await ledger.transaction((tx) => revokeSource(tx, 'gone', 'sanne'));
    expect([await isGood(former.kid), await isGood(next.kid)]).toEqual([false, false]);
    expect(await codeOf(rotate('gone'))).toBe('source.revoked');
    expect(await codeOf(ledger.transaction((tx) => revokeSource(tx, 'gone', 'sanne')))).toBe('source.revoked');
    expect(await codeOf(rotate('never-was'))).toBe('source.unknown');
  });

  it('of two rotations at once gets both keys, one after the other', async () => {
    const [first, ...next] = [newKey(), newKey(), newKey()];
    await add('busy', first);
    await Promise.all(next.map((key) => rotate('busy', key)));
    expect((await statesOf('busy'))?.toSorted()).toEqual(['current', 'retiring', 'retiring']);
  });

  it('has every change in the audit, with who did it and the name of the key', async () => {
    const [former, next] = [newKey(), newKey()];
    const id = await add('audited', former);
    await rotate('audited', next, 3);
    await ledger.transaction((tx) => revokeKey(tx, 'audited', former.kid, 'piet'));
    await ledger.transaction((tx) => revokeSource(tx, 'audited', 'piet'));
    const { rows } = await owner.query('select event, actor, fields from audit where object_id = $1 order by id', [id]);
    expect(rows).toEqual([
      { event: 'source.added', actor: 'sanne', fields: { kid: former.kid } },
      { event: 'source.rotated', actor: 'sanne', fields: { kid: next.kid, overlapDays: 3 } },
      { event: 'source.key-revoked', actor: 'piet', fields: { kid: former.kid } },
      { event: 'source.revoked', actor: 'piet', fields: {} },
    ]);
  });
});

describe('an assertion', () => {
  const inMinutes = (minutes: number) => new Date(systemClock.now().getTime() + minutes * 60_000);

  it('is used once by its source, also where it comes twice at once', async () => {
    const [one, other] = [await add('one'), await add('other')];
    const jti = randomUUID();
    const used = await Promise.all([1, 2, 3].map(() => useAssertion(ledger, one, jti, inMinutes(5))));
    expect(used.filter((first) => first)).toHaveLength(1);
    expect(await useAssertion(ledger, other, jti, inMinutes(5))).toBe(true);
    expect(await useAssertion(ledger, one, `${jti} `, inMinutes(5))).toBe(true);
    const { rows } = await owner.query('select 1 from source_assertion where jti like $1', [`${jti}%`]);
    expect(rows).toEqual([]);
  });

  it('is forgotten an hour after its time, and not before', async () => {
    const source = await add('forgetful');
    const [old, young] = [randomUUID(), randomUUID()];
    await useAssertion(ledger, source, old, inMinutes(-61));
    await useAssertion(ledger, source, young, inMinutes(-59));
    expect(await forgetAssertions(ledger, systemClock.now())).toBe(1);
    expect(await useAssertion(ledger, source, young, inMinutes(5))).toBe(false);
    expect(await useAssertion(ledger, source, old, inMinutes(5))).toBe(true);
  });
});
