import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  beginAnew,
  destroyKeys,
  isShredded,
  KEY_CHANGES,
  KEY_MAX_AGE_MS,
  type Keys,
  keyInventory,
  type MasterKey,
  NEWEST_DIGEST_KEY,
  openKeys,
  ROTATING,
  rewrapKeys,
  rotateKeys,
  type SealedPlace,
} from '../../src/keys/keys.ts';
import { type Clock, systemClock } from '../../src/shared/clock.ts';
import { openTestLedger, untilBlocked, useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();
const PLAIN = Buffer.from('UNB+UNOA:1 999990019 Jansen');
const MASTER = masterKey();

function masterKey(): MasterKey {
  const bytes = randomBytes(32);
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

/** Keys as a process of its own has them; `clock` is the only time it knows. */
const freshKeys = (options: { readonly master?: MasterKey; readonly clock?: Clock } = {}): Keys =>
  openKeys({ sql: ledgers.worker, master: MASTER, dedupeDays: 400, ...options });

function handClock(): Clock & { pass(ms: number): void } {
  let at = Date.UTC(2026, 10, 22);
  const pass = (ms: number) => {
    at += ms;
  };
  return { ...systemClock, now: () => new Date(at), pass };
}

type Owner = Extract<SealedPlace['owner'], { id: string }>;
const owner = (): Owner => ({ purpose: 'practice', id: randomUUID() });
const placeOf = (whose: Owner): SealedPlace => ({ table: 'report', rowId: randomUUID(), owner: whose });
const keyIdIn = (sealed: Buffer) => sealed.subarray(1, 17).toString('hex');

const rotate = (whose: Owner) =>
  ledgers.worker.transaction((tx) => rotateKeys(tx, MASTER, { purposes: [whose.purpose], ownerId: whose.id }));
const rotateDigests = () =>
  ledgers.worker.transaction((tx) => rotateKeys(tx, MASTER, { purposes: ['mac-digest'], ownerId: null }));
const shred = (whose: Owner) => ledgers.worker.transaction((tx) => destroyKeys(tx, whose));

describe('a data key that is rotated', () => {
  it('is written with no more, and opens what stands under it, in every process', async () => {
    const whose = owner();
    const place = placeOf(whose);
    const before = await freshKeys().seal(place, PLAIN);
    expect(await rotate(whose)).toMatchObject([{ purpose: 'practice', ownerId: whose.id }]);
    const after = await freshKeys().seal(place, PLAIN);
    expect(keyIdIn(after)).not.toBe(keyIdIn(before));
    for (const sealed of [before, after]) expect(await freshKeys().open(place, sealed)).toEqual(PLAIN);
  });

  it('is out of a running process once that hears of it, and without a word after 30 seconds', async () => {
    const clock = handClock();
    const [deaf, hearing] = [freshKeys({ clock }), freshKeys({ clock })];
    const whose = owner();
    const place = placeOf(whose);
    const before = keyIdIn(await deaf.seal(place, PLAIN));
    expect(keyIdIn(await hearing.seal(place, PLAIN))).toBe(before);
    await rotate(whose);
    hearing.forget();
    expect(keyIdIn(await hearing.seal(place, PLAIN))).not.toBe(before);
    expect(KEY_MAX_AGE_MS).toBe(30_000);
    clock.pass(29_999);
    expect(keyIdIn(await deaf.seal(place, PLAIN))).toBe(before);
    clock.pass(1);
    expect(keyIdIn(await deaf.seal(place, PLAIN))).not.toBe(before);
  });

  it('is announced to whoever listens, once it is committed', async () => {
    let heard = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = await ledgers.worker.listen(KEY_CHANGES, () => {
      heard += 1;
      resolve();
    });
    await ledgers.worker.transaction((tx) => rotateKeys(tx, MASTER, { purposes: ['practice'], ownerId: randomUUID() }));
    await promise;
    await stop();
    expect(heard).toBe(1);
  });

  it('by two at the same moment has one successor, and one only is current', async () => {
    const whose = owner();
    await freshKeys().seal(placeOf(whose), PLAIN);
    await Promise.all([rotate(whose), rotate(whose), rotate(whose)]);
    const { rows } = await ledgers.owner.query(
      'select count(*) filter (where retired_at is null) as current, count(*) as all from data_key where owner_id = $1',
      [whose.id],
    );
    expect(rows).toEqual([{ current: 1, all: 4 }]);
  });

  it('of an owner who never had one is none: the first is made at the first sealing', async () => {
    expect(await rotate(owner())).toEqual([]);
  });

  it('of another owner, or another purpose, stays as it is', async () => {
    const [whose, other] = [owner(), owner()];
    const place = placeOf(other);
    await freshKeys().seal(placeOf(whose), PLAIN);
    const before = keyIdIn(await freshKeys().seal(place, PLAIN));
    const card = await freshKeys().mac('card', 'a result');
    await rotate(whose);
    expect(keyIdIn(await freshKeys().seal(place, PLAIN))).toBe(before);
    await ledgers.worker.transaction((tx) => rotateKeys(tx, MASTER, { purposes: [...ROTATING], ownerId: null }));
    expect(keyIdIn(await freshKeys().seal(place, PLAIN))).not.toBe(before);
    expect(await freshKeys().mac('card', 'a result')).toEqual(card);
  });
});

describe('digest keys', () => {
  it('are all looked up, the newest first, and written with the newest', async () => {
    const [before] = (await freshKeys().digestKeys()).of('a mail');
    await rotateDigests();
    const keys = freshKeys();
    const [newest, ...older] = (await keys.digestKeys()).of('a mail');
    expect(older[0]).toEqual(before);
    expect(newest).not.toEqual(before);
    expect(await keys.mac('digest', 'a mail')).toEqual(newest);
  });

  it('are looked up until a day after the dedupe horizon, and no longer', async () => {
    const [before = Buffer.alloc(0)] = (await freshKeys().digestKeys()).of('a mail');
    const [rotated] = await rotateDigests();
    const age = (interval: string) =>
      ledgers.owner.query(`update data_key set retired_at = now() - $2::interval where id = $1`, [
        rotated?.retiredId ?? '',
        interval,
      ]);
    const isFound = async () => (await freshKeys().digestKeys()).of('a mail').some((digest) => digest.equals(before));
    await age('400 days 23:59:00');
    expect(await isFound()).toBe(true);
    await age('401 days 00:01:00');
    expect(await isFound()).toBe(false);
  });

  it('are all or none: where an older one cannot be opened nothing is looked up, and no report is blamed', async () => {
    const [rotated] = await rotateDigests();
    const wrapped = (change: string) =>
      ledgers.owner.query(`update data_key set wrapped = ${change} where id = $1`, [rotated?.retiredId ?? '']);
    await wrapped('set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))');
    await expect(freshKeys().digestKeys()).rejects.toMatchObject({ code: 'keys.cannot-open', scope: 'peer' });
    await wrapped('set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))');
    expect((await freshKeys().digestKeys()).newestId).toBe(rotated?.newId);
  });

  it('that a process asked for before a rotation are refused where it writes, and not a second time', async () => {
    const keys = freshKeys();
    const stale = await keys.digestKeys();
    await rotateDigests();
    expect((await keys.digestKeys()).newestId).toBe(stale.newestId);
    const write = async () => {
      const used = await keys.digestKeys();
      await ledgers.worker.transaction((tx) => keys.guardDigests(tx, used));
    };
    await expect(write()).rejects.toMatchObject({ code: 'keys.rotated-meanwhile', kind: 'transient', scope: 'peer' });
    await write();
  });

  it('do not rotate while somebody writes with them', async () => {
    const keys = freshKeys();
    const used = await keys.digestKeys();
    let rotation: Promise<unknown> = Promise.resolve();
    await ledgers.worker.transaction(async (tx) => {
      await keys.guardDigests(tx, used);
      rotation = rotateDigests();
      await untilBlocked(ledgers.owner);
      const { rows } = await tx.query<{ id: string }>(
        `select id from data_key where purpose = 'mac-digest' and retired_at is null`,
      );
      expect(rows).toEqual([{ id: used.newestId }]);
    });
    await rotation;
    expect((await freshKeys().digestKeys()).newestId).not.toBe(used.newestId);
  });

  it('are waited for where they rotate at this moment, and then refused; also on a connection that asked often before', async () => {
    const one = openTestLedger(ledgers.database.workerUrl, 1);
    const keys = freshKeys();
    const used = await keys.digestKeys();
    const write = () => one.transaction((tx) => keys.guardDigests(tx, used));
    for (let round = 0; round < 8; round += 1) await write();
    let late: Promise<unknown> = Promise.resolve();
    await ledgers.worker.transaction(async (tx) => {
      await rotateKeys(tx, MASTER, { purposes: ['mac-digest'], ownerId: null });
      late = write();
      late.catch(() => {});
      await untilBlocked(ledgers.owner);
    });
    await expect(late).rejects.toMatchObject({ code: 'keys.rotated-meanwhile', scope: 'peer' });
    await one.release();
  });

  it('that were rotated are refused where somebody only looks up, by what that statement saw, and not a second time', async () => {
    const keys = freshKeys();
    const look = async () => {
      const used = await keys.digestKeys();
      const { rows } = await ledgers.worker.query<{ newest: string | null }>(`select ${NEWEST_DIGEST_KEY} as newest`);
      keys.checkDigests(rows[0]?.newest ?? null, used);
    };
    await look();
    await rotateDigests();
    const refused = { code: 'keys.rotated-meanwhile', kind: 'transient', scope: 'peer' };
    await expect(look()).rejects.toMatchObject(refused);
    await look();
  });
});

describe('a key that is destroyed', () => {
  it('opens nothing in a process that had it unwrapped: at once where it hears, after 30 seconds where it does not', async () => {
    const clock = handClock();
    const [deaf, hearing] = [freshKeys({ clock }), freshKeys({ clock })];
    const whose = owner();
    const place = placeOf(whose);
    const sealed = await deaf.seal(place, PLAIN);
    await Promise.all([deaf.open(place, sealed), hearing.open(place, sealed)]);
    expect(await shred(whose)).toBe(1);
    const destroyed = { code: 'keys.cannot-open', kind: 'permanent', fields: { why: 'destroyed' } };
    hearing.forget();
    await expect(hearing.open(place, sealed)).rejects.toMatchObject(destroyed);
    clock.pass(KEY_MAX_AGE_MS);
    await expect(deaf.open(place, sealed)).rejects.toMatchObject(destroyed);
  });

  it('has no successor until a person begins anew, and what was under it stays gone', async () => {
    const whose = owner();
    const place = placeOf(whose);
    const keys = freshKeys();
    const sealed = await keys.seal(place, PLAIN);
    await rotate(whose);
    const later = await freshKeys().seal(place, PLAIN);
    expect(await shred(whose)).toBe(2);
    const refused = { code: 'keys.owner-shredded', kind: 'permanent', scope: 'item' };
    await expect(freshKeys().seal(place, PLAIN)).rejects.toMatchObject(refused);
    expect(await isShredded(ledgers.worker, whose)).toBe(true);
    expect(await rotate(whose)).toEqual([]);
    await expect(freshKeys().seal(place, PLAIN)).rejects.toMatchObject(refused);

    await ledgers.worker.transaction((tx) => beginAnew(tx, whose));
    expect(await isShredded(ledgers.worker, whose)).toBe(false);
    expect(await freshKeys().open(place, await freshKeys().seal(place, PLAIN))).toEqual(PLAIN);
    for (const gone of [sealed, later])
      await expect(freshKeys().open(place, gone)).rejects.toMatchObject({ fields: { why: 'destroyed' } });
  });

  it('need not have been there: an owner who never had one gets none either', async () => {
    const whose = owner();
    expect(await shred(whose)).toBe(0);
    await expect(freshKeys().seal(placeOf(whose), PLAIN)).rejects.toMatchObject({ code: 'keys.owner-shredded' });
  });

  it('while another makes the owner’s first: whoever comes second finds what the first left', async () => {
    for (let round = 0; round < 10; round += 1) {
      const whose = owner();
      const place = placeOf(whose);
      const [sealed] = await Promise.all([
        freshKeys()
          .seal(place, PLAIN)
          .catch(() => null),
        shred(whose),
      ]);
      if (sealed !== null)
        await expect(freshKeys().open(place, sealed)).rejects.toMatchObject({ code: 'keys.cannot-open' });
      await expect(freshKeys().seal(place, PLAIN)).rejects.toMatchObject({ code: 'keys.owner-shredded' });
    }
  });
});

// Last: from here on nothing in this ledger is under MASTER.
describe('the master key', () => {
  const next = masterKey();
  const other = { code: 'keys.other-master-key', kind: 'permanent', scope: 'peer' };

  it('is rotated with everything still readable; whoever has the former one gets nothing, and makes nothing', async () => {
    const [whose, newcomer] = [owner(), owner()];
    const place = placeOf(whose);
    const running = freshKeys();
    const sealed = await running.seal(place, PLAIN);
    const digests = (await running.digestKeys()).of('a mail');
    let late: Promise<unknown> = Promise.resolve();
    const wrapped = await ledgers.worker.transaction(async (tx) => {
      const count = await rewrapKeys(tx, MASTER, next);
      // In this very moment a worker that knows nothing of it seals for the first time for somebody.
      late = freshKeys().seal(placeOf(newcomer), PLAIN);
      late.catch(() => {});
      await untilBlocked(ledgers.owner);
      return count;
    });
    expect(wrapped).toBeGreaterThan(5);
    await expect(late).rejects.toMatchObject(other);
    running.forget();
    await expect(running.open(place, sealed)).rejects.toMatchObject(other);
    await expect(running.seal(place, PLAIN)).rejects.toMatchObject(other);
    await expect(running.digestKeys()).rejects.toMatchObject(other);
    await expect(running.seal(placeOf(newcomer), PLAIN)).rejects.toMatchObject(other);
    await expect(rotate(whose)).rejects.toMatchObject(other);

    const after = freshKeys({ master: next });
    expect(await after.open(place, sealed)).toEqual(PLAIN);
    expect((await after.digestKeys()).of('a mail')).toEqual(digests);
    expect(await after.open(place, await after.seal(place, PLAIN))).toEqual(PLAIN);
  });

  it('may be rotated again, with nothing left to do; a third one is refused', async () => {
    expect(await ledgers.worker.transaction((tx) => rewrapKeys(tx, MASTER, next))).toBe(0);
    const wrong = ledgers.worker.transaction((tx) => rewrapKeys(tx, MASTER, masterKey()));
    await expect(wrong).rejects.toMatchObject(other);
    expect(await keyInventory(ledgers.worker)).toSatisfy((keys: Awaited<ReturnType<typeof keyInventory>>) =>
      keys.every((key) => key.state === 'destroyed' || key.masterKeyId === next.id),
    );
  });
});
