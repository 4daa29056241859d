/** Whoever may write to the ledger changes something: as the owner of the tables, who may change everything. */

import { beforeEach, describe, expect, it } from 'vitest';
import { openSealer } from '../../src/audit/audit.ts';
import { AUDIT_COLUMNS, sealHash } from '../../src/audit/canonical.ts';
import { lineOf, sealMac, sealsAfter } from '../../src/audit/seals.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { append, KEY, sealAll, sealerOf, verify } from './rows.ts';

const ledgers = useLedgers({ isAlone: true });
/** The numbers of the rows: five seals of four. */
let ids: number[] = [];

beforeEach(async () => {
  await ledgers.owner.query('truncate audit, audit_seal restart identity');
  await append(ledgers.worker, 20);
  await sealAll(sealerOf(ledgers.worker, 4));
  ids = (await ledgers.owner.query<{ id: number }>('select id from audit order by id')).rows.map(({ id }) => id);
});

const tamper = (text: string, values: readonly (number | string | Buffer)[] = []) => ledgers.owner.query(text, values);
const idAt = (place: number) => ids[place] ?? 0;
const lines = async () => (await sealsAfter(ledgers.owner, 0, 100)).map(lineOf);
const findings = async (file: readonly string[] | null = null) => (await verify(ledgers, file)).findings;

describe('an audit that nobody changed', () => {
  it('is whole, with and without the file', async () => {
    expect(await verify(ledgers)).toEqual({
      seals: 5,
      rows: 20,
      findings: [],
      findingCount: 0,
      unsealed: { count: 0, since: null, isOverdue: false },
      file: null,
    });
    expect(await verify(ledgers, await lines())).toMatchObject({ findingCount: 0, file: { lines: 5, behind: 0 } });
  });

  it('is whole without a single row too', async () => {
    await tamper('truncate audit, audit_seal');
    expect(await verify(ledgers, [])).toMatchObject({ seals: 0, rows: 0, findingCount: 0, file: { lines: 0 } });
  });

  it('says what is not sealed yet, and whether that is too long ago', async () => {
    await append(ledgers.worker, 3);
    expect((await verify(ledgers)).unsealed).toMatchObject({ count: 3, isOverdue: false });
    await tamper(`update audit set at = now() - interval '61 seconds' where id > $1`, [idAt(19)]);
    expect(await verify(ledgers)).toMatchObject({ findingCount: 0, unsealed: { count: 3, isOverdue: true } });
  });

  it('with a file that is behind, or whose last line was cut off, is whole up to there', async () => {
    const [first = '', second = '', third = ''] = await lines();
    expect(await verify(ledgers, [first, second])).toMatchObject({ findingCount: 0, file: { lines: 2, behind: 3 } });
    expect(await verify(ledgers, [first, second, third.slice(0, 50)])).toMatchObject({
      findingCount: 0,
      file: { lines: 2, behind: 3 },
    });
  });
});

describe('a row', () => {
  it('has no column that is not sealed', async () => {
    const { rows } = await ledgers.owner.query<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = 'audit' order by ordinal_position`,
    );
    expect(AUDIT_COLUMNS.map(([name]) => name)).toEqual(rows.map(({ name }) => name));
  });

  it.each([
    ['at', `at + interval '1 microsecond'`],
    ['actor', `'somebody else'`],
    ['on_behalf_of', `''`],
    ['event', `'report.shown'`],
    ['outcome', `'refused'`],
    ['object_kind', `'mail'`],
    ['object_id', `object_id || ' '`],
    ['practice_id', `'00000000-0000-7000-8000-000000000000'`],
    ['patient_key', `'\\x00'`],
    ['reason', `'because'`],
    ['fields', `'{"a": 1}'`],
    ['action', `'R'`],
    ['event_type', 'null'],
    ['role', `'staff'`],
    ['is_requestor', 'true'],
    ['purpose', `'HCOMPL'`],
    ['access_point', 'null'],
    ['source', `''`],
    ['participants', `'{"card": "x"}'`],
  ])('that was changed in %s is found, and which it is', async (column, value) => {
    await tamper(`update audit set ${column} = ${value} where id = $1`, [idAt(9)]);
    expect(await findings()).toEqual([{ kind: 'row-changed', sequence: 3, rows: [idAt(9)] }]);
  });

  it('that was changed and changed back is whole', async () => {
    await tamper(`update audit set reason = 'because' where id = $1`, [idAt(9)]);
    await tamper('update audit set reason = null where id = $1', [idAt(9)]);
    expect(await findings()).toEqual([]);
  });

  it.each([
    ['first', 0, 1],
    ['last', 19, 5],
    ['only one of a seal but one', 6, 2],
  ])('that was deleted is found: the %s', async (_, place, sequence) => {
    await tamper('delete from audit where id = $1', [idAt(place)]);
    expect(await findings()).toEqual([{ kind: 'row-deleted', sequence, rows: [idAt(place)] }]);
  });

  it('that was put in afterwards is found, in a gap or before the first', async () => {
    await tamper('update audit set id = default where id = $1', [idAt(6)]);
    const moved = idAt(6);
    expect(await verify(ledgers)).toMatchObject({
      findings: [{ kind: 'row-deleted', sequence: 2, rows: [moved] }],
      unsealed: { count: 1 },
    });
    await tamper(
      `insert into audit (id, actor, event, outcome, object_kind, object_id) overriding system value
       values (-3, 'x', 'report.read', 'success', 'report', 'x')`,
    );
    expect(await findings()).toContainEqual({ kind: 'row-inserted', sequence: 1, rows: [-3] });
  });

  it('that was put into the range of a seal, where a number was never used, is found', async () => {
    await expect(
      ledgers.worker.transaction(async (tx) => {
        await append(tx, 1);
        throw new Error('given up');
      }),
    ).rejects.toThrow('given up');
    await append(ledgers.worker, 1);
    await sealAll(sealerOf(ledgers.worker));
    expect(await findings()).toEqual([]);
    const gap = idAt(19) + 1;
    await tamper(
      `insert into audit (id, actor, event, outcome, object_kind, object_id) overriding system value
       values ($1, 'x', 'report.read', 'success', 'report', 'x')`,
      [gap],
    );
    expect(await findings()).toEqual([{ kind: 'row-inserted', sequence: 6, rows: [gap] }]);
  });

  it('that changed places with another is found: both', async () => {
    await tamper('update audit set object_id = id::text');
    await tamper('truncate audit_seal');
    await sealAll(sealerOf(ledgers.worker, 4));
    expect(await findings()).toEqual([]);
    const swap = (from: number, to: number) =>
      tamper('update audit set id = $2 where id = $1', [from, to]).catch(() => {
        throw new Error('not swapped');
      });
    await ledgers.owner.query('alter table audit alter id set generated by default');
    await swap(idAt(1), -1);
    await swap(idAt(2), idAt(1));
    await swap(-1, idAt(2));
    await ledgers.owner.query('alter table audit alter id set generated always');
    expect(await findings()).toEqual([{ kind: 'row-changed', sequence: 1, rows: [idAt(1), idAt(2)] }]);
  });
});

describe('a seal', () => {
  it('that was removed is found', async () => {
    await tamper('delete from audit_seal where sequence = 2');
    expect(await findings()).toEqual([{ kind: 'seal-missing', sequence: 2, rows: [] }]);
    await tamper('delete from audit_seal where sequence = 1');
    expect(await findings()).toMatchObject([{ kind: 'seal-missing', sequence: 1 }]);
  });

  it.each([
    ['sealed_at', `sealed_at + interval '1 second'`],
    ['row_ids', 'array_append(row_ids[1:3], row_ids[4] + 1)'],
    ['row_hashes', `set_byte(row_hashes, 5, get_byte(row_hashes, 5) # 1)`],
    ['hash', `sha256(hash)`],
    ['version', '2'],
  ])('that was changed in %s is found', async (column, value) => {
    await tamper(`update audit_seal set ${column} = ${value} where sequence = 3`);
    expect(await findings()).toContainEqual({ kind: 'seal-changed', sequence: 3, rows: [] });
  });

  it.each([
    ['from_id', 'from_id - 1'],
    ['previous_hash', 'sha256(previous_hash)'],
  ])('that was changed in %s is found, and follows on nothing', async (column, value) => {
    await tamper(`update audit_seal set ${column} = ${value} where sequence = 3`);
    const kinds = (await findings()).filter(({ sequence }) => sequence === 3).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['seal-unlinked', 'seal-changed']));
  });

  it('that changed places with another is found', async () => {
    await tamper('update audit_seal set sequence = 99 where sequence = 2');
    await tamper('update audit_seal set sequence = 2 where sequence = 3');
    await tamper('update audit_seal set sequence = 3 where sequence = 99');
    const kinds = (await findings()).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'seal-changed')).toHaveLength(2);
    expect(kinds).toContain('seal-unlinked');
  });

  it('with a sequence far away ends the checking no later', async () => {
    await tamper(`update audit_seal set sequence = 9007199254740991 where sequence = 5`);
    expect(await findings()).toMatchObject([
      { kind: 'seal-missing', sequence: 5 },
      { kind: 'seal-changed', sequence: 9007199254740991 },
    ]);
  });
});

/** A row is changed, and every seal from its own on is made anew, as the program makes them. */
async function rewriteHistory(key: Buffer): Promise<void> {
  await tamper(`update audit set actor = 'nobody' where id = $1`, [idAt(9)]);
  await tamper('delete from audit_seal where sequence >= 3');
  await sealAll(openSealer({ ledger: ledgers.owner, key, rowsMost: 4 }));
}

describe('a history that was written anew, with hashes that are right', () => {
  it('by somebody without the key is found: the seals are not ours', async () => {
    await rewriteHistory(Buffer.alloc(32, 1));
    expect(await findings()).toEqual([3, 4, 5].map((sequence) => ({ kind: 'seal-forged', sequence, rows: [] })));
  });

  it('by somebody who copies the mac of the seal that was there is found', async () => {
    const [, , third] = await sealsAfter(ledgers.owner, 0, 3);
    await rewriteHistory(Buffer.alloc(32, 1));
    await tamper('update audit_seal set mac = $1 where sequence = 3', [third?.mac ?? KEY]);
    expect(await findings()).toContainEqual({ kind: 'seal-forged', sequence: 3, rows: [] });
  });

  it('by somebody who has the key is found with the file that was kept elsewhere, and only with that', async () => {
    const file = await lines();
    await rewriteHistory(KEY);
    expect(await findings()).toEqual([]);
    expect(await findings(file)).toEqual([3, 4, 5].map((sequence) => ({ kind: 'file-differs', sequence, rows: [] })));
  });

  it('that ends earlier than it did is found with the file', async () => {
    const file = await lines();
    await tamper('delete from audit where id > $1', [idAt(11)]);
    await tamper('delete from audit_seal where sequence > 3');
    expect(await findings()).toEqual([]);
    expect(await findings(file)).toEqual([4, 5].map((sequence) => ({ kind: 'chain-truncated', sequence, rows: [] })));
    await tamper('truncate audit, audit_seal');
    expect(await findings(file)).toHaveLength(5);
  });
});

describe('the file', () => {
  it('in which a line was changed, removed, doubled or moved differs there', async () => {
    const file = await lines();
    const [first = '', second = '', ...rest] = file;
    const changes: readonly (readonly string[])[] = [
      [first.replace('"rows":4', '"rows":5'), second, ...rest],
      [second, ...rest],
      [first, 'not a line of it', ...rest],
      [second, first, ...rest],
      [first.slice(0, 40), second, ...rest],
    ];
    for (const changed of changes) {
      const found = await findings(changed);
      expect(found.length).toBeGreaterThan(0);
      expect(found[0]?.kind).toBe('file-differs');
      expect([1, 2]).toContain(found[0]?.sequence);
    }
    expect(await findings([...file, file[4] ?? ''])).toMatchObject([{ kind: 'chain-truncated' }]);
  });

  it('has equal lines for equal seals only', async () => {
    const seals = await sealsAfter(ledgers.owner, 0, 100);
    expect(new Set(seals.map(lineOf)).size).toBe(5);
    for (const seal of seals) {
      expect(sealHash(seal)).toEqual(seal.hash);
      expect(sealMac(KEY, seal.hash)).toEqual(seal.mac);
    }
  });
});

describe('values', () => {
  it('that run into each other when put side by side have different hashes', async () => {
    await tamper('truncate audit, audit_seal');
    await append(ledgers.worker, 2);
    await tamper(`update audit set reason = 'ab', on_behalf_of = 'c'`);
    await sealAll(sealerOf(ledgers.worker));
    await tamper(`update audit set reason = 'a', on_behalf_of = 'bc'`);
    expect(await findings()).toMatchObject([{ kind: 'row-changed', sequence: 1 }]);
    await tamper(`update audit set reason = '-', on_behalf_of = null`);
    expect(await findings()).toMatchObject([{ kind: 'row-changed' }]);
  });
});
