import { createHash, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Keys, type MacPurpose, type MasterKey, openKeys, type SealedPlace } from '../../src/keys/keys.ts';
import { useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();
const MASTER = masterKey();
const PLAIN = Buffer.from('UNB+UNOA:1 999990019 Jansen');

function masterKey(): MasterKey {
  const bytes = randomBytes(32);
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

/** Keys as a process of its own has them: nothing remembered yet. */
const freshKeys = (master = MASTER): Keys => openKeys({ sql: ledgers.worker, master });

function place(changes: Partial<SealedPlace> = {}): SealedPlace {
  return { table: 'mail', rowId: randomUUID(), owner: { purpose: 'mailbox', id: randomUUID() }, ...changes };
}

const keyIdIn = (sealed: Buffer) => {
  const hex = sealed.subarray(1, 17).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

const CANNOT_OPEN = { name: 'Failure', code: 'keys.cannot-open', kind: 'permanent', scope: 'item' };

describe('sealing', () => {
  it('gives back any bytes, in this process and in another', async () => {
    const keys = freshKeys();
    const where = place();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4_000 }), async (bytes) => {
        const sealed = await keys.seal(where, Buffer.from(bytes));
        expect(await keys.open(where, sealed)).toEqual(Buffer.from(bytes));
        expect(await freshKeys().open(where, sealed)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 30 },
    );
  });

  it.each(['mailbox', 'practice', 'replay'] as const)('works under the key of a %s', async (purpose) => {
    const where = place({ owner: purpose === 'replay' ? { purpose, id: null } : { purpose, id: randomUUID() } });
    expect(await freshKeys().open(where, await freshKeys().seal(where, PLAIN))).toEqual(PLAIN);
  });

  it('writes version, key id, iv, ciphertext and tag, and nothing of the plaintext', async () => {
    const where = place();
    const sealed = await freshKeys().seal(where, PLAIN);
    expect(sealed).toHaveLength(1 + 16 + 12 + PLAIN.length + 16);
    expect(sealed[0]).toBe(1);
    const { rows } = await ledgers.owner.query('select purpose, owner_id, master_key_id from data_key where id = $1', [
      keyIdIn(sealed),
    ]);
    expect(rows).toEqual([{ purpose: 'mailbox', owner_id: where.owner.id, master_key_id: MASTER.id }]);
    for (let at = 0; at + 4 <= PLAIN.length; at += 1) expect(sealed.includes(PLAIN.subarray(at, at + 4))).toBe(false);
  });

  it('never uses an iv twice, so that the same bytes look different every time', async () => {
    const keys = freshKeys();
    const where = place();
    const sealed = await Promise.all(Array.from({ length: 200 }, () => keys.seal(where, PLAIN)));
    expect(new Set(sealed.map((each) => each.subarray(17, 29).toString('hex'))).size).toBe(200);
    expect(new Set(sealed.map((each) => each.subarray(29).toString('hex'))).size).toBe(200);
  });

  it('gives every owner a key of its own, and keeps no key in the clear', async () => {
    const keys = freshKeys();
    const ids = await Promise.all([place(), place()].map(async (where) => keyIdIn(await keys.seal(where, PLAIN))));
    expect(new Set(ids).size).toBe(2);
    const { rows } = await ledgers.owner.query<{ wrapped: Buffer }>('select wrapped from data_key where id = any($1)', [
      ids,
    ]);
    for (const { wrapped } of rows) {
      expect(wrapped).toHaveLength(1 + 16 + 12 + 32 + 16);
      expect(wrapped.includes(MASTER.bytes)).toBe(false);
    }
  });
});

describe('opening fails closed', () => {
  it.each([
    { where: 'in another row', moved: { rowId: randomUUID() } },
    { where: 'in another table', moved: { table: 'report' as const } },
    { where: 'under another owner', moved: { owner: { purpose: 'mailbox' as const, id: randomUUID() } } },
    { where: 'as another kind of owner', moved: { owner: { purpose: 'replay' as const, id: null } } },
  ])('$where', async ({ moved }) => {
    const from = place();
    const sealed = await freshKeys().seal(from, PLAIN);
    await expect(freshKeys().open({ ...from, ...moved }, sealed)).rejects.toMatchObject({
      ...CANNOT_OPEN,
      fields: { why: 'changed-or-moved' },
    });
  });

  it('when any bit of it is another', async () => {
    const keys = freshKeys();
    const where = place();
    const sealed = await keys.seal(where, PLAIN);
    const bits = fc.record({ at: fc.nat(sealed.length - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(bits, async ({ at, bit }) => {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await expect(keys.open(where, changed)).rejects.toMatchObject(CANNOT_OPEN);
      }),
      { numRuns: 200 },
    );
  });

  it('at every position, whichever byte is another', async () => {
    const keys = freshKeys();
    const where = place();
    const sealed = await keys.seal(where, PLAIN);
    for (const [at, byte] of sealed.entries()) {
      const changed = Buffer.from(sealed);
      changed[at] = byte ^ 0xff;
      await expect(keys.open(where, changed), `byte ${at}`).rejects.toMatchObject(CANNOT_OPEN);
    }
  });

  it('when bytes are missing or added', async () => {
    const keys = freshKeys();
    const where = place();
    const sealed = await keys.seal(where, PLAIN);
    for (let length = 0; length < sealed.length; length += 1) {
      await expect(keys.open(where, sealed.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(CANNOT_OPEN);
    }
    await expect(keys.open(where, Buffer.concat([sealed, Buffer.of(0)]))).rejects.toMatchObject(CANNOT_OPEN);
  });

  it('when it is no ciphertext of ours, and repeats nothing of it', async () => {
    const thrown = await freshKeys()
      .open(place(), PLAIN)
      .catch((reason: Error) => reason);
    expect(thrown).toMatchObject({ ...CANNOT_OPEN, fields: { why: 'no-ciphertext' } });
    expect(String(thrown)).not.toMatch(/999990019|Jansen/);
  });

  it('when its key is unknown', async () => {
    const where = place();
    const sealed = await freshKeys().seal(where, PLAIN);
    randomBytes(16).copy(sealed, 1);
    await expect(freshKeys().open(where, sealed)).rejects.toMatchObject({
      ...CANNOT_OPEN,
      fields: { why: 'unknown-key' },
    });
  });

  it('when its key was destroyed, whatever else is known', async () => {
    const where = place();
    const sealed = await freshKeys().seal(where, PLAIN);
    await ledgers.owner.query(
      'update data_key set wrapped = null, destroyed_at = now(), retired_at = now() where id = $1',
      [keyIdIn(sealed)],
    );
    const keys = freshKeys();
    await expect(keys.open(where, sealed)).rejects.toMatchObject({ ...CANNOT_OPEN, fields: { why: 'destroyed' } });
    const next = await keys.seal(where, PLAIN);
    expect(keyIdIn(next)).not.toBe(keyIdIn(sealed));
    expect(await keys.open(where, next)).toEqual(PLAIN);
  });

  it('under another master key, and says so for everything behind it', async () => {
    const where = place();
    const sealed = await freshKeys().seal(where, PLAIN);
    const failure = { code: 'keys.other-master-key', kind: 'permanent', scope: 'peer' };
    await expect(freshKeys(masterKey()).open(where, sealed)).rejects.toMatchObject(failure);
    await expect(freshKeys(masterKey()).seal(where, PLAIN)).rejects.toMatchObject(failure);
    // Also where it claims the same id.
    const alike = { id: MASTER.id, bytes: randomBytes(32) };
    await expect(freshKeys(alike).open(where, sealed)).rejects.toMatchObject({
      ...CANNOT_OPEN,
      fields: { why: 'wrapped-key-changed' },
    });
  });

  it('when a wrapped key was moved to the row of another', async () => {
    const keys = freshKeys();
    const [one, other] = [place(), place()];
    const sealed = await keys.seal(one, PLAIN);
    const otherId = keyIdIn(await keys.seal(other, PLAIN));
    await ledgers.owner.query(
      'update data_key set wrapped = (select wrapped from data_key where id = $2) where id = $1',
      [keyIdIn(sealed), otherId],
    );
    await expect(freshKeys().open(one, sealed)).rejects.toMatchObject({
      ...CANNOT_OPEN,
      fields: { why: 'wrapped-key-changed' },
    });
  });
});

describe('keys of several processes', () => {
  it('that seal for one owner at the same moment make one key', async () => {
    for (let round = 0; round < 10; round += 1) {
      const where = place();
      const sealed = await Promise.all(Array.from({ length: 6 }, () => freshKeys().seal(where, PLAIN)));
      expect(new Set(sealed.map(keyIdIn)).size).toBe(1);
      for (const each of sealed) expect(await freshKeys().open(where, each)).toEqual(PLAIN);
    }
  });

  it('ask again after the database was away', async () => {
    let isAway = true;
    const keys = openKeys({
      sql: {
        query: (text, values) => (isAway ? Promise.reject(new Error('away')) : ledgers.worker.query(text, values)),
      },
      master: MASTER,
    });
    const where = place();
    await expect(keys.seal(where, PLAIN)).rejects.toThrow('away');
    isAway = false;
    expect(await keys.open(where, await keys.seal(where, PLAIN))).toEqual(PLAIN);
  });
});

describe('digests', () => {
  const PURPOSES: readonly MacPurpose[] = ['bsn', 'digest', 'patient', 'card'];

  it('are the same in every process, 32 bytes, and another for each purpose and text', async () => {
    const macs = await Promise.all(PURPOSES.map((purpose) => freshKeys().mac(purpose, '999990019')));
    const again = await Promise.all(PURPOSES.map((purpose) => freshKeys().mac(purpose, Buffer.from('999990019'))));
    expect(macs).toEqual(again);
    expect(macs.map((mac) => mac.length)).toEqual([32, 32, 32, 32]);
    expect(new Set(macs.map((mac) => mac.toString('hex'))).size).toBe(PURPOSES.length);
    expect(await freshKeys().mac('bsn', '999911120')).not.toEqual(macs[0]);
  });

  it('are keyed: whoever has the ledger but no master key cannot try all BSNs', async () => {
    const mac = await freshKeys().mac('bsn', '999990019');
    expect(mac).not.toEqual(createHash('sha256').update('999990019').digest());
    await expect(freshKeys(masterKey()).mac('bsn', '999990019')).rejects.toMatchObject({
      code: 'keys.other-master-key',
    });
  });

  it('come as hex from the digester, the same ones', async () => {
    const keys = freshKeys();
    const digest = await keys.digester('card');
    expect(digest('a key')).toBe((await keys.mac('card', 'a key')).toString('hex'));
  });
});
