/** The ledger is restarted, crashes, loses all its connections, or has no disk left. */

import { until } from '../../support/until.ts';
import type { FaultKind } from '../fault.ts';
import { STRIKE_WITHIN_MS } from '../fault.ts';

const AWAY_MS = 1_000;
const FULL_MS = 6_000;
const CUTS = 3;
const DISK_FULL = '53100';

export const POSTGRES: readonly FaultKind[] = [
  {
    name: 'postgres-restarted',
    lane: 'postgres',
    strike: async ({ postgres, wait }) => {
      await postgres.stop('fast');
      await wait(AWAY_MS);
      await postgres.start();
    },
  },
  {
    name: 'postgres-crashed',
    lane: 'postgres',
    strike: async ({ postgres }) => {
      await postgres.stop('crash');
      await postgres.start();
    },
  },
  {
    name: 'postgres-connections-cut',
    lane: 'postgres',
    strike: async ({ sql }) => {
      const cut = async () =>
        (await sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zorgkoerier_worker'`))
          .length;
      for (let times = 0; times < CUTS; times += 1)
        await until('a connection to cut', cut, (ended) => ended > 0, STRIKE_WITHIN_MS);
    },
  },
  {
    name: 'disk-full',
    lane: 'postgres',
    obstacle: ({ postgres }) => postgres.diskObstacle,
    strike: async ({ postgres, wait }) => {
      await postgres.fillDisk();
      try {
        await until(
          'the disk is full',
          () => refusal(postgres.sql),
          (code) => code === DISK_FULL || code === 'away',
          STRIKE_WITHIN_MS,
        );
        await wait(FULL_MS);
      } finally {
        await postgres.freeDisk();
        await postgres.sql('drop table if exists chaos_filler');
      }
    },
  },
];

// Without room for its log the server may give up, which is what a full disk does too.
async function refusal(sql: (text: string) => Promise<unknown>): Promise<string> {
  return sql(
    `create table if not exists chaos_filler as select repeat('x', 500) as x from generate_series(1, 20000)`,
  ).then(
    () => 'it fits',
    (thrown: { readonly code?: string }) => (/^\d/.test(thrown.code ?? '') ? (thrown.code ?? '') : 'away'),
  );
}
