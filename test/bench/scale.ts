/**
 * What one worker needs for how many mailboxes: memory, idle processor time, time to connect, latency. Writes the picture
 * and the table of docs/performance-watching.md.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Bench, type BenchResult, columns, headOf, machineOf } from './command.ts';
import { type Live, measureLive } from './live.ts';
import { requireRoomFor } from './obstacles.ts';
import { scaleChart } from './scale-chart.ts';

const SIZES = [100, 1_000, 3_000, 6_000];
const QUICK_SIZES = [20, 60];
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const BEGIN = '<!-- measured: scale (npm run bench -- scale) -->';
const END = '<!-- end of scale -->';

export const scaleBench: Bench = {
  says: '100, 1,000, 3,000 and 6,000 mailboxes: memory, latency and throughput; writes docs/scale.svg and its table',
  run: async ({ isQuick, progress }): Promise<BenchResult> => {
    const sizes = isQuick ? QUICK_SIZES : SIZES;
    requireRoomFor(Math.max(...sizes));
    const measured: Live[] = [];
    for (const mailboxes of sizes) {
      const options = isQuick
        ? { rates: [20], secondsEach: 3, warmUpSeconds: 2, quietSeconds: 0, idleSeconds: 5 }
        : { rates: [50, 150], secondsEach: 30, warmUpSeconds: 15, quietSeconds: 40, idleSeconds: 20 };
      measured.push(await measureLive({ mailboxes, ...options }, progress));
    }
    // What a short run measures shows that it works, and is not written down.
    if (!isQuick) write(measured);
    return { document: { measured }, table: columns(rowsOf(measured)) };
  },
};

function write(measured: readonly Live[]): void {
  const head = `${headOf(machineOf())}, commit ${commit()}`;
  writeFileSync(`${DOCS}scale.svg`, scaleChart(measured, head));
  const [heading = [], ...rows] = rowsOf(measured).map((row) => `| ${row.join(' | ')} |`);
  const table = [heading, `|${'---|'.repeat((rowsOf(measured)[0] ?? []).length)}`, ...rows].join('\n');
  const page = readFileSync(`${DOCS}performance-watching.md`, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const after = rest.split(END)[1] ?? '';
  const text = `${head}. Worker, mail server, ledger, queue and card share the machine.`;
  writeFileSync(`${DOCS}performance-watching.md`, `${before}${BEGIN}\n\n${text}\n\n${table}\n\n${END}${after}`);
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: DOCS, encoding: 'utf8' }).trim();
}

function rowsOf(measured: readonly Live[]): readonly (readonly string[])[] {
  const rates = Object.keys(measured[0]?.latencyMs ?? {});
  const heading = [
    'mailboxes',
    'connected after, s',
    'logins in a second, at most',
    'resident, MB',
    'idle, % of a processor',
    ...rates.flatMap((rate) => [
      `${rate}/s: copied, ms (half / 99 %)`,
      `${rate}/s: on the card, ms (half / 99 %)`,
      `${rate}/s: on the card while mail came, mails/s`,
    ]),
    'not announced, of mails',
  ];
  return [
    heading,
    ...measured.map((live) => [
      live.mailboxes.toLocaleString('en'),
      String(live.connectSeconds),
      String(live.loginsPerSecondMax),
      String(live.residentMb),
      String(live.idleCpuPercent),
      ...rates.flatMap((rate) => {
        const { copied, delivered, perSecond } = live.latencyMs[rate] ?? {};
        return [...[copied, delivered].map((one) => `${one?.p50} / ${one?.p99}`), String(perSecond)];
      }),
      `${live.unannounced} of ${live.mails}`,
    ]),
  ];
}
