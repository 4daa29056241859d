import { type AddressInfo, connect, createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openLedger, type Sql } from '../../src/ledger/ledger.ts';
import { Failure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { openTestLedger, untilBlocked, useLedgers } from './ledgers.ts';

const ledgers = useLedgers();

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const thrown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof Failure)) throw new Error('a Failure was expected');
  return thrown;
}

async function table(name: string): Promise<string> {
  await ledgers.owner.query(`create table ${name} (number int primary key, text text)`);
  await ledgers.owner.query(`grant all on ${name} to public`);
  return name;
}

const numbersIn = async (name: string) =>
  (await ledgers.owner.query<{ number: number }>(`select number from ${name} order by number`)).rows.map(
    (row) => row.number,
  );

const BACKEND = 'select pg_backend_pid() as pid';

async function cut(on: Sql): Promise<void> {
  const { rows } = await on.query<{ pid: number }>(BACKEND);
  await ledgers.owner.query('select pg_terminate_backend($1)', [rows[0]?.pid ?? 0]);
}

describe('a statement', () => {
  it('answers rows, the count, whole numbers for int8 and text for a date', async () => {
    const answer = await ledgers.worker.query("select 4294967295::bigint as uid, '2026-10-25'::date as day");
    expect(answer).toEqual({ rows: [{ uid: 4294967295, day: '2026-10-25' }], count: 1 });
  });

  it('fails as unreachable, to be tried again, when the server refuses the connection', async () => {
    const ledger = openTestLedger(`postgres://nobody@127.0.0.1:${await closedPort()}/nothing`);
    const failure = await failureOf(ledger.query('select 1'));
    expect(failure).toMatchObject({ code: 'ledger.unreachable', kind: 'transient', scope: 'peer' });
    expect(await failureOf(ledger.transaction((tx) => tx.query('select 1')))).toMatchObject({
      code: 'ledger.unreachable',
    });
    await ledger.release();
  });

  it.each([
    { when: 'the password is wrong', part: 'password', value: 'wrong' },
    { when: 'there is no such database', part: 'pathname', value: '/no_such_database' },
  ] as const)('fails as unreachable when $when: nothing was sent', async ({ part, value }) => {
    const url = new URL(ledgers.database.workerUrl);
    url[part] = value;
    const ledger = openTestLedger(url.toString());
    const failure = await failureOf(ledger.query('select 1'));
    expect(failure).toMatchObject({ code: 'ledger.unreachable', scope: 'peer' });
    await ledger.release();
  });

  it('on a connection that has gone silent fails as unreachable, and the next one gets another connection', async () => {
    const silent = await startSilencer(ledgers.database.workerUrl);
    const ledger = openLedger({ url: silent.url, connectionsMax: 1, logger: silentLogger, answerWithinMs: 200 });
    await ledger.query('select 1');
    for (const ask of [() => ledger.query('select 1'), () => ledger.transaction((tx) => tx.query('select 1'))]) {
      silent.hush();
      expect(await failureOf(ask())).toMatchObject({ code: 'ledger.unreachable', kind: 'transient', scope: 'peer' });
      silent.speak();
      expect((await ledger.query('select 1')).count).toBe(1);
    }
    await ledger.release();
    await silent.release();
  });

  it('that is refused says the SQLSTATE and the constraint, and nothing of the values', async () => {
    const name = await table('persons');
    // Nobody's: what is searched for after the tests must not be written down by one of them.
    await ledgers.worker.query(`insert into ${name} values (1, '999990123')`);
    const again = await failureOf(ledgers.worker.query(`insert into ${name} values ($1, $2)`, [1, '999990123']));
    expect(again).toMatchObject({ code: 'ledger.refused', kind: 'defect', scope: 'item' });
    expect(again.fields).toEqual({ sqlState: '23505', constraint: 'persons_pkey' });
    const wrong = await failureOf(ledgers.worker.query(`select $1::int`, ['999990123 Jansen']));
    expect(wrong.fields).toEqual({ sqlState: '22P02', constraint: null });
    for (const failure of [again, wrong]) {
      expect(failure.message).not.toMatch(/999990123|Jansen|\(number\)=\(1\)/);
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(/999990123|Jansen|\(number\)=\(1\)/);
    }
  });

  it('that took too long did not happen, and may be tried again', async () => {
    const failure = await failureOf(
      ledgers.worker.transaction(async (tx) => {
        await tx.query("set local statement_timeout = '20ms'");
        await tx.query('select pg_sleep(30)');
      }),
    );
    expect(failure).toMatchObject({ kind: 'transient', fields: { sqlState: '57014' } });
  });
});

describe('a statement that a connection knows by name', () => {
  it('is planned at every use: a plan from when a table was empty would go through all of it', async () => {
    const name = await table('grows');
    const ledger = openTestLedger(ledgers.database.workerUrl, 1);
    for (let use = 0; use < 10; use += 1)
      await ledger.query(`select 1 from ${name} where number = any($1::int[])`, [[7]]);
    const { rows } = await ledger.query<{ custom: number; generic: number }>(
      `select custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements where statement like $1`,
      [`select 1 from ${name}%`],
    );
    expect(rows).toEqual([{ custom: 10, generic: 0 }]);
    await ledger.release();
  });

  it('and whose columns were changed under it fails as unreachable once, and the next connection goes on', async () => {
    const name = await table('changes');
    const ledger = openTestLedger(ledgers.database.workerUrl, 1);
    const ask = (on: Sql) => on.query(`select * from ${name} where number > $1`, [0]);
    await ask(ledger);
    await ledgers.owner.query(`alter table ${name} add column more text`);
    expect((await failureOf(ask(ledger))).code).toBe('ledger.unreachable');
    expect((await ask(ledger)).count).toBe(0);
    await ledgers.owner.query(`alter table ${name} add column still_more text`);
    expect((await failureOf(ledger.transaction(ask))).code).toBe('ledger.unreachable');
    expect((await ledger.transaction(ask)).count).toBe(0);
    await ledger.release();
  });
});

describe('a transaction', () => {
  it('does what it is sent together in that order, and nothing of it where one is refused', async () => {
    const name = await table('together');
    const insert = (tx: Sql, number: number) => tx.query(`insert into ${name} (number) values ($1)`, [number]);
    await ledgers.worker.transaction((tx) =>
      Promise.all([insert(tx, 1), tx.query(`update ${name} set number = number + 1`), insert(tx, 1)]),
    );
    expect(await numbersIn(name)).toEqual([1, 2]);
    const refused = ledgers.worker.transaction((tx) => Promise.all([insert(tx, 3), insert(tx, 2), insert(tx, 4)]));
    expect((await failureOf(refused)).fields).toMatchObject({ sqlState: '23505' });
    expect(await numbersIn(name)).toEqual([1, 2]);
  });

  it('is committed when its work resolves, and rolled back when it throws', async () => {
    const name = await table('all_or_nothing');
    const answer = await ledgers.worker.transaction(async (tx) => {
      await tx.query(`insert into ${name} values (1)`);
      return 'done';
    });
    const thrown = new Error('given up');
    const givenUp = ledgers.worker.transaction(async (tx) => {
      await tx.query(`insert into ${name} values (2)`);
      throw thrown;
    });
    await expect(givenUp).rejects.toBe(thrown);
    expect(answer).toBe('done');
    expect(await numbersIn(name)).toEqual([1]);
  });

  it('never says that it was committed when a refused statement was swallowed', async () => {
    const name = await table('swallowed');
    const failure = await failureOf(
      ledgers.worker.transaction(async (tx) => {
        await tx.query(`insert into ${name} values (1)`);
        await tx.query(`insert into ${name} values (1)`).catch(() => {});
      }),
    );
    expect(failure).toMatchObject({ code: 'ledger.rolled-back', kind: 'defect' });
    expect(await numbersIn(name)).toEqual([]);
  });

  it('whose connection breaks fails as unreachable, keeps nothing, and the next one gets another connection', async () => {
    const name = await table('broken');
    const ledger = openTestLedger(ledgers.database.workerUrl, 1);
    const failure = await failureOf(
      ledger.transaction(async (tx) => {
        await tx.query(`insert into ${name} values (1)`);
        await cut(tx);
        await tx.query(`insert into ${name} values (2)`);
      }),
    );
    expect(failure).toMatchObject({ code: 'ledger.unreachable', kind: 'transient', scope: 'peer' });
    expect(await numbersIn(name)).toEqual([]);
    await ledger.transaction((tx) => tx.query(`insert into ${name} values (3)`));
    expect(await numbersIn(name)).toEqual([3]);
    await ledger.release();
  });

  it('gives its connection back, whatever became of it', async () => {
    const ledger = openTestLedger(ledgers.database.workerUrl, 1);
    for (let round = 0; round < 3; round += 1) {
      await failureOf(ledger.transaction((tx) => tx.query('select no_such_column')));
    }
    expect((await ledger.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await ledger.release();
  });

  it('that waits crosswise for another fails as a collision, which is tried again', async () => {
    const name = await table('crosswise');
    await ledgers.owner.query(`insert into ${name} values (1), (2)`);
    const lock = (tx: Sql, number: number) => tx.query(`update ${name} set text = '' where number = $1`, [number]);
    let isFirstLocked = () => {};
    let isSecondLocked = () => {};
    const first = new Promise<void>((resolve) => {
      isFirstLocked = resolve;
    });
    const second = new Promise<void>((resolve) => {
      isSecondLocked = resolve;
    });
    const answers = await Promise.allSettled([
      ledgers.worker.transaction(async (tx) => {
        await lock(tx, 1);
        isFirstLocked();
        await second;
        await lock(tx, 2);
      }),
      ledgers.worker.transaction(async (tx) => {
        await lock(tx, 2);
        isSecondLocked();
        await first;
        await lock(tx, 1);
      }),
    ]);
    const failed = answers.filter((answer) => answer.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({ code: 'ledger.collision', kind: 'transient', scope: 'item' });
  });
});

describe('an idle connection that breaks', () => {
  it('ends no process: the next statement gets a new one', async () => {
    const ledger = openTestLedger(ledgers.database.workerUrl, 1);
    const { rows } = await ledger.query<{ pid: number }>(BACKEND);
    await ledgers.owner.query('select pg_terminate_backend($1)', [rows[0]?.pid ?? 0]);
    const next = await ledger.query<{ pid: number }>(BACKEND).catch(() => ledger.query<{ pid: number }>(BACKEND));
    expect(next.rows[0]?.pid).not.toBe(rows[0]?.pid);
    await ledger.release();
  });
});

describe('the signal that two transactions met', () => {
  it('comes when one waits for the lock of another', async () => {
    const name = await table('met');
    await ledgers.owner.query(`insert into ${name} values (1)`);
    const update = (tx: Sql) => tx.query(`update ${name} set text = ''`);
    await ledgers.worker.transaction(async (tx) => {
      await update(tx);
      const other = ledgers.worker.transaction(update);
      await untilBlocked(ledgers.owner);
      await tx.query('select 1');
      void other;
    });
    expect(await numbersIn(name)).toEqual([1]);
  });
});

/** A port on which nobody listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address === null || typeof address === 'string' ? 1 : address.port;
}

/** Stands before the server; between `hush` and `speak` connections stay open and no answer comes through. */
async function startSilencer(databaseUrl: string) {
  const target = new URL(databaseUrl);
  let isHushed = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (!isHushed) client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    hush: () => {
      isHushed = true;
    },
    speak: () => {
      isHushed = false;
    },
    release: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
