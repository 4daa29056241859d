/**
 * Retention: content leaves the ledger when its time has come; digests, outcomes, accounting and audit stay.
 *
 * It may be repeated and may run in several workers: each run is one transaction over a bounded number of rows, by the
 * database's time, with one audit row; rows that somebody else has in hand are left for the next. It has a timer of its
 * own, beside the work and never before it.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type Pruned, pruneBatch, type Retention } from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import type { Courier } from './pipeline.ts';

/** Rows of each kind in one run: short enough that nobody waits for its locks. */
const ROWS_MOST = 500;
/** Runs in one round of a worker: what is left is taken by the next round. */
const RUNS_MOST = 400;
/** A worker's first round comes within this, so that workers that start together do not prune together. */
const FIRST_WITHIN_MS = 60_000;

const NOTHING: Pruned = {
  reports: 0,
  mails: 0,
  registrations: 0,
  outwardMails: 0,
  bytes: 0,
  digests: 0,
  labNumbers: 0,
  assertions: 0,
};

/** One run. Where nothing went, nothing is audited. */
export async function prune(ledger: Ledger, retention: Retention, actor: string, most = ROWS_MOST): Promise<Pruned> {
  return ledger.transaction(async (tx) => {
    const pruned = await pruneBatch(tx, retention, most);
    if (isSomething(pruned)) {
      const { keepDays, dedupeDays } = retention;
      const fields = { ...pruned, keepDays, dedupeDays };
      await appendAudit(tx, [{ event: 'content.pruned', actor, objectKind: 'ledger', objectId: 'content', fields }]);
    }
    return pruned;
  });
}

/** Runs until nothing is due any more, or `isEnding`. Answers what went in all. */
export async function pruneBatches(
  ledger: Ledger,
  retention: Retention,
  actor: string,
  isEnding: () => boolean = () => false,
): Promise<Pruned & { readonly runs: number }> {
  let sum = NOTHING;
  for (let runs = 0; ; runs += 1) {
    const pruned = runs < RUNS_MOST && !isEnding() ? await prune(ledger, retention, actor) : NOTHING;
    if (!isSomething(pruned)) return { ...sum, runs };
    sum = added(sum, pruned);
  }
}

function isSomething({ bytes, ...counts }: Pruned): boolean {
  return Object.values(counts).some((count) => count > 0);
}

function added(one: Pruned, other: Pruned): Pruned {
  return {
    reports: one.reports + other.reports,
    mails: one.mails + other.mails,
    registrations: one.registrations + other.registrations,
    outwardMails: one.outwardMails + other.outwardMails,
    bytes: one.bytes + other.bytes,
    digests: one.digests + other.digests,
    labNumbers: one.labNumbers + other.labNumbers,
    assertions: one.assertions + other.assertions,
  };
}

/** Prunes soon after the start, then at every interval, more or less a tenth. Answers how to stop it. */
export function pruneByTimer(courier: Courier): () => Promise<void> {
  const { pruneIntervalMs, keepForwardedDays, dedupeDays } = courier.limits;
  const ending = new AbortController();
  const round = async () => {
    const isEnding = () => ending.signal.aborted;
    const retention = { keepDays: keepForwardedDays, dedupeDays };
    const { runs, reports, mails, registrations } = await pruneBatches(courier.ledger, retention, 'worker', isEnding);
    if (runs > 0) courier.logger.info('content pruned', { count: reports + mails + registrations });
  };
  const rounds = async () => {
    await courier.clock.wait(courier.random() * Math.min(FIRST_WITHIN_MS, pruneIntervalMs), ending.signal);
    while (!ending.signal.aborted) {
      await round().catch((thrown) => courier.logger.warn('pruning failed', { code: asFailure(thrown).code }));
      await courier.clock.wait(pruneIntervalMs * (0.9 + courier.random() / 5), ending.signal);
    }
  };
  const running = rounds();
  return async () => {
    ending.abort();
    await running;
  };
}
