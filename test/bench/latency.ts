/** From the LMTP 250 of a mail to the commits that say what became of it: read from the ledger afterwards, at no cost while it runs. */

import { accountingOf, totalOf } from '../../src/records/records.ts';
import type { Sent } from './lmtp-sender.ts';
import type { WatchStage } from './watch-stage.ts';
import type { Hint } from './watch-worker.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Latency {
  /** The server announced it to the worker: the server's own part. Of those that it announced before they were copied. */
  readonly announced: Percentiles;
  /** Copied without that: a look found them. */
  readonly unannounced: number;
  /** Its row is committed. */
  readonly copied: Percentiles;
  /** The transaction that recorded what it was read as began. */
  readonly read: Percentiles;
  /** The card has answered and the delivery is settled, committed. Letters have no delivery. */
  readonly delivered: Percentiles;
  /** Mails a second that came to rest (on their cards, or as what they are) while mail was sent. */
  readonly perSecond: number;
}

interface Moments {
  readonly account: string;
  readonly uid: string;
  readonly copied_ms: number;
  readonly read_ms: number;
  readonly settled_ms: number | null;
}

// Audit rows are written in the transaction of a copy and never changed, so theirs is the moment of its commit; a
// delivery that is at rest is not changed any more either.
const MOMENTS = `select b.name as account, m.uid,
    extract(epoch from pg_xact_commit_timestamp(a.xmin))::float8 * 1000 as copied_ms,
    extract(epoch from m.read_at)::float8 * 1000 as read_ms,
    extract(epoch from pg_xact_commit_timestamp(d.xmin))::float8 * 1000 as settled_ms
  from mail m join mailbox b on b.id = m.mailbox_id
  join audit a on a.event = 'mails.copied' and a.object_id = m.read_batch_id::text
  left join report r on r.mail_id = m.id
  left join delivery d on d.report_id = r.id and d.target = 'patient-card' and d.state in ('forwarded', 'no-card')`;

const EARLY_MS = 50;

/** Throws where a mail that was sent is not in the ledger. */
export async function latencyOf(stage: WatchStage, sent: readonly Sent[], hints: readonly Hint[]): Promise<Latency> {
  const moments = new Map((await stage.sql<Moments>(MOMENTS)).map((row) => [`${row.account} ${row.uid}`, row]));
  const copied: number[] = [];
  const read: number[] = [];
  const delivered: number[] = [];
  const announced: number[] = [];
  const hintsOf = Map.groupBy(hints, ({ username }) => username);
  for (const { account, number, atMs } of sent) {
    const row = moments.get(`${account} ${number}`);
    if (row === undefined) throw new Error('a mail that was sent was not copied');
    copied.push(row.copied_ms - atMs);
    read.push(row.read_ms - atMs);
    // A server may announce a mail before its 250 has arrived.
    const hint = (hintsOf.get(account) ?? []).findLast((one) => one.atMs <= row.copied_ms)?.atMs ?? 0;
    if (hint >= atMs - EARLY_MS) announced.push(Math.max(0, hint - atMs));
    if (row.settled_ms !== null) delivered.push(row.settled_ms - atMs);
  }
  const [firstMs, lastMs] = [Math.min(...sent.map(({ atMs }) => atMs)), Math.max(...sent.map(({ atMs }) => atMs))];
  const ended = sent.filter(({ account, number }) => {
    const row = moments.get(`${account} ${number}`);
    return row !== undefined && (row.settled_ms ?? row.read_ms) <= lastMs;
  });
  return {
    perSecond: Math.round((10_000 * ended.length) / (lastMs - firstMs)) / 10,
    announced: percentilesOf(announced),
    unannounced: sent.length - announced.length,
    copied: percentilesOf(copied),
    read: percentilesOf(read),
    delivered: percentilesOf(delivered),
  };
}

/** Throws unless every mail came to rest as what it is, each once, and the accounting closes. */
export async function requireAllDelivered(
  stage: WatchStage,
  expected: { readonly mails: number; readonly letters: number },
): Promise<void> {
  const sql = {
    query: async <Row>(text: string, values: readonly unknown[] = []) => rowsOf(await stage.sql<Row>(text, values)),
  };
  const sum = totalOf(await accountingOf(sql as Parameters<typeof accountingOf>[0]));
  const { mails, letters } = expected;
  const found = {
    assigned: sum.assigned,
    forwarded: sum.forwarded,
    notLab: sum.notLab,
    waiting: sum.waiting,
    difference: sum.difference,
  };
  const wanted = { assigned: mails, forwarded: mails - letters, notLab: letters, waiting: 0, difference: 0 };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`not every mail was delivered: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
}

function rowsOf<Row>(rows: readonly Row[]) {
  return { rows, count: rows.length };
}

function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
