/** From the LMTP 250 of a mail to the commits that say what became of it: read from the ledger afterwards, at no cost while it runs. */

import { accountingOf, totalOf } from '../../src/records/records.ts';
import type { Sent } from './lmtp-sender.ts';
import type { WatchStage } from './watch-stage.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Latency {
  /** Its row is committed. */
  readonly copied: Percentiles;
  /** The card has answered and the delivery is settled, committed. Letters have no delivery. */
  readonly delivered: Percentiles;
}

interface Moments {
  readonly account: string;
  readonly uid: string;
  readonly copied_ms: number;
  readonly settled_ms: number | null;
}

// Audit rows are written in the transaction of a copy and never changed, so theirs is the moment of its commit; a
// delivery that is at rest is not changed any more either.
const MOMENTS = `select b.name as account, m.uid,
    extract(epoch from pg_xact_commit_timestamp(a.xmin))::float8 * 1000 as copied_ms,
    extract(epoch from pg_xact_commit_timestamp(d.xmin))::float8 * 1000 as settled_ms
  from mail m join mailbox b on b.id = m.mailbox_id
  join audit a on a.event = 'mails.copied' and a.object_id = m.read_batch_id::text
  left join report r on r.mail_id = m.id
  left join delivery d on d.report_id = r.id and d.target = 'patient-card' and d.state in ('forwarded', 'no-card')`;

/** Throws where a mail that was sent is not in the ledger. */
export async function latencyOf(stage: WatchStage, sent: readonly Sent[]): Promise<Latency> {
  const moments = new Map((await stage.sql<Moments>(MOMENTS)).map((row) => [`${row.account} ${row.uid}`, row]));
  const copied: number[] = [];
  const delivered: number[] = [];
  for (const { account, number, atMs } of sent) {
    const row = moments.get(`${account} ${number}`);
    if (row === undefined) throw new Error('a mail that was sent was not copied');
    copied.push(row.copied_ms - atMs);
    if (row.settled_ms !== null) delivered.push(row.settled_ms - atMs);
  }
  return { copied: percentilesOf(copied), delivered: percentilesOf(delivered) };
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
