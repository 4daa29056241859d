import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openTestLedger, useLedgers } from './ledgers.ts';

const ledgers = useLedgers();
const CHANNEL = 'a_channel';
const LISTENERS =
  "select pid from pg_stat_activity where application_name = 'zorgkoerier-listen' and datname = current_database()";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What was heard, as a queue that can be awaited. */
function ear() {
  const heard: string[] = [];
  let wake = () => {};
  return {
    heard: (payload: string) => {
      heard.push(payload);
      wake();
    },
    next: async (): Promise<string> => {
      while (heard.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return heard.shift() ?? '';
    },
  };
}

const notify = (payload: string) => ledgers.worker.query('select pg_notify($1, $2)', [CHANNEL, payload]);

async function untilListeners(count: number): Promise<void> {
  while ((await ledgers.owner.query(LISTENERS)).count !== count);
}

describe('listening', () => {
  it('hears every notice on its channel, and none of another', async () => {
    const { heard, next } = ear();
    closing.push(await ledgers.worker.listen(CHANNEL, heard));
    await ledgers.worker.query("select pg_notify('another', 'not ours')");
    await notify('one');
    await notify('two');
    expect([await next(), await next()]).toEqual(['one', 'two']);
  });

  it('hears a notice of a transaction only once that is committed', async () => {
    const { heard, next } = ear();
    closing.push(await ledgers.worker.listen(CHANNEL, heard));
    await ledgers.worker
      .transaction(async (tx) => {
        await tx.query('select pg_notify($1, $2)', [CHANNEL, 'given up']);
        throw new Error('given up');
      })
      .catch(() => {});
    await notify('committed');
    expect(await next()).toBe('committed');
  });

  it('comes back after its connection was cut, says once that something may have been missed, and hears again', async () => {
    const { heard, next } = ear();
    closing.push(await ledgers.worker.listen(CHANNEL, heard));
    await ledgers.owner.query(`select pg_terminate_backend(pid) from (${LISTENERS}) as listeners`);
    expect(await next()).toBe('');
    await notify('again');
    expect(await next()).toBe('again');
    await untilListeners(1);
  });

  it('has let go of its connection once it was released', async () => {
    const release = await ledgers.worker.listen(CHANNEL, () => {});
    await untilListeners(1);
    await release();
    await untilListeners(0);
    expect((await ledgers.owner.query(LISTENERS)).count).toBe(0);
  });

  it('fails when the server cannot be reached, and then asks no more', async () => {
    const door = await countingDoor();
    const ledger = openTestLedger(door.url);
    await expect(ledger.listen(CHANNEL, () => {})).rejects.toMatchObject({ code: 'ledger.unreachable' });
    await ledger.release();
    expect(door.visits()).toBe(1);
  });

  it('knocks once at a time while the server is away: an outage must not become a storm', async () => {
    const door = await countingDoor();
    const { heard, next } = ear();
    const ledger = openTestLedger(door.url);
    closing.push(() => ledger.release());
    door.open();
    closing.push(await ledger.listen(CHANNEL, heard));
    door.shut();
    await door.untilVisits(4);
    door.open();
    expect(await next()).toBe('');
    // One that listened, three in vain, one that came through: were each failure to start a loop of its own, the
    // knocks would double with every second.
    expect(door.visits()).toBe(5);
  });
});

interface Door {
  /** The worker's database, through this door. */
  readonly url: string;
  visits(): number;
  untilVisits(count: number): Promise<void>;
  open(): void;
  /** Cuts what is open; whoever knocks from now on is turned away. */
  shut(): void;
}

/** Stands before the database and counts who comes. */
async function countingDoor(): Promise<Door> {
  const behind = new URL(ledgers.database.workerUrl);
  const sockets = new Set<Socket>();
  let isOpen = false;
  let visits = 0;
  let wake = () => {};
  const server = createServer((socket) => {
    visits += 1;
    wake();
    socket.on('error', () => {});
    if (!isOpen) return void socket.destroy();
    const other = connect(Number(behind.port), behind.hostname);
    other.on('error', () => {});
    for (const end of [socket, other]) {
      sockets.add(end);
      end.on('close', () => {
        socket.destroy();
        other.destroy();
      });
    }
    socket.pipe(other).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const shut = () => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  closing.push(async () => {
    shut();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const url = new URL(behind);
  url.hostname = '127.0.0.1';
  url.port = String(address === null || typeof address === 'string' ? 0 : address.port);
  return {
    url: url.toString(),
    visits: () => visits,
    untilVisits: async (count) => {
      while (visits < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    open: () => {
      isOpen = true;
    },
    shut,
  };
}
