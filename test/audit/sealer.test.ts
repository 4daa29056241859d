import { beforeEach, describe, expect, it } from 'vitest';
import { openTestLedger, useLedgers } from '../ledger/ledgers.ts';
import { append, KEY, sealAll, sealerOf, verify } from './rows.ts';

const ledgers = useLedgers({ isAlone: true });

interface SealRow {
  readonly sequence: number;
  readonly from_id: number;
  readonly to_id: number;
  readonly row_ids: readonly string[];
}
const seals = async () => (await ledgers.owner.query<SealRow>('select * from audit_seal order by sequence')).rows;
const ids = async () =>
  (await ledgers.owner.query<{ id: number }>('select id from audit order by id')).rows.map(({ id }) => id);
const sealedIds = async () => (await seals()).flatMap((seal) => seal.row_ids.map(Number));

beforeEach(async () => {
  await ledgers.owner.query('truncate audit, audit_seal');
});

describe('the sealer', () => {
  it('seals what an earlier round saw, once, and makes no seal of nothing', async () => {
    const sealer = sealerOf(ledgers.worker);
    await append(ledgers.worker, 3);
    expect(await sealer.tick()).toEqual({ seals: 0, rows: 0, isWaiting: false });
    expect(await sealer.tick()).toEqual({ seals: 1, rows: 3, isWaiting: false });
    expect(await sealer.tick()).toEqual({ seals: 0, rows: 0, isWaiting: false });
    expect(await sealedIds()).toEqual(await ids());
    expect(await verify(ledgers)).toMatchObject({ seals: 1, rows: 3, findingCount: 0, unsealed: { count: 0 } });
  });

  it('makes several seals of many rows, each on the one before', async () => {
    await append(ledgers.worker, 25);
    expect(await sealAll(sealerOf(ledgers.worker, 10))).toBe(25);
    const made = await seals();
    expect(made.map((seal) => seal.row_ids.length)).toEqual([10, 10, 5]);
    expect(made.map((seal) => seal.from_id)).toEqual([0, made[0]?.to_id, made[1]?.to_id]);
    expect(await verify(ledgers)).toMatchObject({ seals: 3, rows: 25, findingCount: 0 });
  });

  it('waits for a transaction that has the lower number and commits later, and then has both in order', async () => {
    const sealer = sealerOf(ledgers.worker);
    await ledgers.worker.transaction(async (tx) => {
      await append(tx, 1, 'slow');
      await append(ledgers.worker, 1, 'quick');
      await sealer.tick();
      // The quick one is committed, and may not be sealed: a row before it may still come.
      expect(await sealer.tick()).toEqual({ seals: 0, rows: 0, isWaiting: true });
      await append(ledgers.worker, 1, 'later');
      expect(await sealer.tick()).toMatchObject({ isWaiting: true });
    });
    expect(await sealer.tick()).toMatchObject({ seals: 1, rows: 2, isWaiting: false });
    expect(await sealer.tick()).toMatchObject({ seals: 1, rows: 1 });
    const { rows } = await ledgers.owner.query('select actor from audit order by id');
    expect(rows.map((row) => row['actor'])).toEqual(['slow', 'quick', 'later']);
    expect(await sealedIds()).toEqual(await ids());
    expect(await verify(ledgers)).toMatchObject({ findingCount: 0, unsealed: { count: 0 } });
  });

  it('is not held up by a number that was given out and never used', async () => {
    const sealer = sealerOf(ledgers.worker);
    await expect(
      ledgers.worker.transaction(async (tx) => {
        await append(tx, 5);
        throw new Error('given up');
      }),
    ).rejects.toThrow('given up');
    await append(ledgers.worker, 2);
    expect(await sealAll(sealer)).toBe(2);
    expect(await verify(ledgers)).toMatchObject({ rows: 2, findingCount: 0 });
  });

  it('seals a transaction of a single statement whose transaction had no id before it', async () => {
    // The trigger gives the id before the row gets its number, also where nobody asked for one.
    const { rows } = await ledgers.owner.query(
      `select tgname from pg_trigger where tgrelid = 'audit'::regclass and tgname = 'audit_begins' and tgenabled = 'O'
         and tgtype = 6`,
    );
    expect(rows).toHaveLength(1);
  });

  it('may run in several workers at once, while others append and some give up: no row is missed or sealed twice', async () => {
    const others = [openTestLedger(ledgers.database.workerUrl, 2), openTestLedger(ledgers.database.workerUrl, 2)];
    const sealers = [ledgers.worker, ...others].map((ledger) => sealerOf(ledger, 7));
    const writing = { isDone: false };
    const write = async (turn: number) => {
      const act = ledgers.worker.transaction(async (tx) => {
        await append(tx, 1 + (turn % 3));
        if (turn % 5 === 0) throw new Error('given up');
        await append(tx, 1);
      });
      await act.catch(() => {});
    };
    const sealing = sealers.map(async (sealer) => {
      while (!writing.isDone) await sealer.tick();
    });
    for (let round = 0; round < 30; round += 1)
      await Promise.all(Array.from({ length: 5 }, (_, index) => write(round * 5 + index)));
    writing.isDone = true;
    await Promise.all(sealing);
    // As many rounds as the last rows need: a worker that finds another at it does nothing.
    for (let round = 0; round < 3; round += 1) await sealAll(sealers[0] ?? sealerOf(ledgers.worker));
    expect(await sealedIds()).toEqual(await ids());
    expect((await ids()).length).toBeGreaterThan(200);
    expect(await verify(ledgers)).toMatchObject({ findingCount: 0, unsealed: { count: 0 } });
    await Promise.all(others.map((ledger) => ledger.release()));
  });

  it('goes on where another left off, also after all of them were away', async () => {
    await append(ledgers.worker, 2);
    await sealAll(sealerOf(ledgers.worker));
    await append(ledgers.worker, 2);
    expect(await sealAll(sealerOf(ledgers.worker))).toBe(2);
    expect((await seals()).map((seal) => seal.sequence)).toEqual([1, 2]);
    expect(await verify(ledgers)).toMatchObject({ rows: 4, findingCount: 0 });
  });

  it('leaves alone while another worker is at it', async () => {
    await append(ledgers.worker);
    const sealer = sealerOf(ledgers.worker);
    await sealer.tick();
    await ledgers.owner.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(7046010)');
      expect(await sealer.tick()).toMatchObject({ seals: 0, isWaiting: false });
    });
    expect(await sealAll(sealer)).toBe(1);
  });

  it('fails where the ledger is away', async () => {
    const lost = openTestLedger('postgres://nobody@127.0.0.1:1/nothing', 1);
    await expect(sealerOf(lost).tick()).rejects.toMatchObject({ code: 'ledger.unreachable' });
    await lost.release();
  });
});

describe('a worker’s role', () => {
  it.each(['audit', 'audit_seal'])('is refused every change of %s', async (table) => {
    await append(ledgers.worker);
    await sealAll(sealerOf(ledgers.worker));
    const column = table === 'audit' ? 'event' : 'sequence';
    for (const statement of [
      `update ${table} set ${column} = ${column}`,
      `delete from ${table}`,
      `truncate ${table}`,
      `alter table ${table} disable trigger all`,
      `drop table ${table}`,
    ])
      await expect(ledgers.worker.query(statement)).rejects.toMatchObject({
        code: 'ledger.refused',
        fields: { sqlState: '42501' },
      });
    expect(await verify(ledgers)).toMatchObject({ findingCount: 0, seals: 1 });
  });

  it('cannot say which number or moment its row has', async () => {
    const columns = 'actor, event, outcome, object_kind, object_id';
    const values = "'a', 'report.read', 'success', 'report', 'x'";
    for (const [column, value] of [
      ['id', '5'],
      ['at', "now() - interval '1 year'"],
    ])
      await expect(
        ledgers.worker.query(
          `insert into audit (${columns}, ${column}) overriding system value values (${values}, ${value})`,
        ),
      ).rejects.toMatchObject({ fields: { sqlState: '42501' } });
    await ledgers.worker.query(`insert into audit (${columns}) values (${values})`);
  });

  it('cannot make a seal that is taken for one: it does not have the key', async () => {
    await append(ledgers.worker);
    const forger = sealerOf(ledgers.worker);
    await sealAll(forger);
    expect(await verify(ledgers, null, KEY)).toMatchObject({ findingCount: 0 });
    expect(await verify(ledgers, null, Buffer.alloc(32, 1))).toMatchObject({
      findings: [{ kind: 'seal-forged', sequence: 1 }],
    });
  });
});
