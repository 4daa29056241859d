/** Where content could be written down: each place can be looked through, and a mark planted in it to see that looking works. */

import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child } from '../support/child.ts';
import type { Journey } from '../support/world.ts';
import type { Hit, Searcher } from './search.ts';

export interface Place {
  readonly name: string;
  plant(mark: string): Promise<void>;
  search(searcher: Searcher): Promise<readonly Hit[]>;
}

export interface Watched {
  readonly journey: Journey;
  /** PostgreSQL's data directory. */
  readonly dataDirectory: string;
  /** A worker in a process of its own. */
  readonly worker: Child;
  /** Everything that reached Redis, and what the commands of Customer Care printed. */
  readonly redisTraffic: string[];
  readonly commandOutput: string[];
  /** Titles of our processes, taken while they worked. */
  readonly titles: string[];
  /** What the worker answered to those who watch it. */
  readonly healthAnswers: string[];
}

export function placesOf(watched: Watched): readonly Place[] {
  const { journey, dataDirectory, worker, redisTraffic, commandOutput, titles, healthAnswers } = watched;
  const said = (name: string, lines: string[]): Place => ({
    name,
    plant: async (mark) => void lines.push(mark),
    search: (searcher) => searcher.inBytes(name, Buffer.from(lines.join('\n'))),
  });
  const workerOutput: string[] = [];
  return [
    {
      name: 'tables',
      plant: (mark) => plantInTables(journey, mark),
      search: async (searcher) =>
        (await Promise.all((await tables(journey)).map((table) => searchTable(journey, table, searcher)))).flat(),
    },
    {
      name: 'data files',
      plant: (mark) => plantInTables(journey, mark),
      search: async (searcher) => {
        await journey.sql('checkpoint');
        return (await searcher.inFiles(dataDirectory)).filter(({ where }) => !where.includes('/pg_wal/'));
      },
    },
    {
      name: 'write-ahead log',
      plant: (mark) => plantInTables(journey, mark),
      search: (searcher) => searcher.inFiles(join(dataDirectory, 'pg_wal')),
    },
    {
      name: 'Redis files',
      plant: async (mark) => void (await journey.redis.command(`SET planted ${hexed(mark)}`)),
      search: async (searcher) => {
        const answer = await journey.redis.command('SAVE');
        if (answer !== '+OK') throw new Error(`Redis did not save: ${answer}`);
        return searcher.inFiles(journey.redis.directory);
      },
    },
    {
      name: 'job data',
      plant: (mark) => journey.courier.queue.add([{ kind: 'read', id: hexed(mark), generation: 1 }]),
      search: (searcher) => searcher.inBytes('redis commands', Buffer.from(redisTraffic.join('\n'))),
    },
    {
      name: 'log',
      plant: (mark) => appendFile(journey.logFile, mark),
      search: (searcher) => searcher.inBytes('log', Buffer.from(journey.log())),
    },
    {
      name: 'output of a worker',
      plant: async (mark) => void workerOutput.push(mark),
      search: (searcher) =>
        searcher.inBytes(
          'worker',
          Buffer.from([worker.said().stdout, worker.said().stderr, ...workerOutput].join('\n')),
        ),
    },
    said('output of commands', commandOutput),
    said('process titles', titles),
    said('metrics and health', healthAnswers),
    {
      name: 'addresses of requests',
      plant: async (mark) => void (await fetch(`${journey.world.ckis.url}/planted/${mark.replaceAll(' ', '%20')}`)),
      search: (searcher) => {
        const urls = [...journey.world.ckis.requests, ...journey.world.cboards.requests].map(({ url }) => url);
        return searcher.inBytes('urls', Buffer.from([...urls, ...urls.map(decodeURIComponent)].join('\n')));
      },
    },
  ];
}

const hexed = (mark: string) => Buffer.from(mark).toString('hex');

// A text column, a document and bytes: in each of the three it must be found.
async function plantInTables(journey: Journey, mark: string): Promise<void> {
  await journey.sql(
    `insert into audit (actor, event, outcome, object_kind, object_id, fields, patient_key)
     values ('canary', 'planted', 'success', 'canary', 'canary', jsonb_build_object('planted', $1::text), convert_to($1, 'UTF8'))`,
    [mark],
  );
}

export async function tables(journey: Journey): Promise<readonly string[]> {
  const rows = await journey.sql<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  return rows.map(({ name }) => name);
}

/** Every value of every row: bytes as they are, all else as text. */
async function searchTable(journey: Journey, table: string, searcher: Searcher): Promise<readonly Hit[]> {
  const rows = await journey.sql<Record<string, unknown>>(`select * from ${table}`);
  const values = rows.flatMap((row) => Object.values(row));
  const bytes = values.map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value ?? null))));
  return searcher.inBytes(`table ${table}`, Buffer.concat(bytes.flatMap((value) => [value, Buffer.from('\n')])));
}

/** Command lines and environments of this process's children, as anybody on the machine can see the former. */
export async function titlesOf(pid: number | undefined): Promise<readonly string[]> {
  if (pid === undefined) return [];
  const threads = await readdir(`/proc/${pid}/task`);
  const names = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/comm`, 'utf8')));
  return [await readFile(`/proc/${pid}/cmdline`, 'utf8'), ...names];
}
