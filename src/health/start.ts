/** Everything of health that runs beside a worker: the gauges, the server where one is wanted, and the watch for silence. */

import type { Courier } from '../pipeline/pipeline.ts';
import type { JobKind } from '../queue/queue.ts';
import { breakerStates } from './breaker-states.ts';
import type { CertificateTarget } from './certificates.ts';
import { type HealthLimits, healthOf, isAlive, type Watched } from './checks.ts';
import { type Figures, readFigures } from './figures.ts';
import { newGauges } from './gauges.ts';
import type { Metrics } from './metrics.ts';
import { type HealthServer, serveHealth } from './server.ts';
import { type SilenceLimits, watchSilence } from './silence.ts';

export interface RunningHealth {
  /** null: nobody asked for a server. */
  readonly port: number | null;
  /** From now on /healthz says that this worker stops. */
  stopping(): void;
  release(): Promise<void>;
}

export interface HealthOptions {
  readonly courier: Courier;
  readonly metrics: Metrics;
  readonly workerId: string;
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly limits: HealthLimits & SilenceLimits;
  readonly certificates: readonly CertificateTarget[];
}

type Measured = Pick<Courier, 'ledger' | 'queue' | 'breakers' | 'turns' | 'clock' | 'limits'>;

/** How old an answer of the ledger may be: several who scrape, or one that hurries, cost it no more than this. */
const FIGURES_FOR_MS = 5_000;
/** How often it is noticed that a target is left alone. */
const NOTICE_MS = 1_000;
// By name, so that a kind that is added is missed here by the compiler.
const JOB_KINDS: Readonly<Record<JobKind, true>> = { read: true, deliver: true, send: true };

/** Throws `health.cannot-listen`. */
export async function startHealth(options: HealthOptions): Promise<RunningHealth> {
  const { courier, metrics, workerId, limits } = options;
  let isStopping = false;
  const up = watchTargets(courier);
  const watched: Watched = { courier, workerId, limits, upForMs: up.forMs, isStopping: () => isStopping };
  const scrape = scraper(courier, metrics, limits.polledWithinMs);
  const answers = { metrics: scrape.answer, health: () => healthOf(watched), isAlive: () => isAlive(watched) };
  let server: HealthServer | null = null;
  try {
    server = options.listen === null ? null : await serveHealth(options.listen, answers, courier.logger);
  } catch (thrown) {
    up.release();
    scrape.release();
    throw thrown;
  }
  const silence = watchSilence(courier, limits, options.certificates);
  return {
    port: server?.port ?? null,
    stopping: () => {
      isStopping = true;
    },
    release: async () => {
      await server?.release();
      await silence.release();
      up.release();
      scrape.release();
    },
  };
}

/** Since when each target has not been left alone by this worker. */
function watchTargets({ breakers, clock }: Measured) {
  const upSince = new Map(Object.keys(breakers).map((target) => [target, clock.elapsedMs()]));
  const notice = () => {
    for (const { target, isOpen } of breakerStates(breakers)) if (isOpen) upSince.set(target, clock.elapsedMs());
  };
  const stop = clock.every(NOTICE_MS, notice);
  return {
    forMs: (target: string) => {
      notice();
      const since = upSince.get(target);
      return since === undefined ? null : clock.elapsedMs() - since;
    },
    release: stop,
  };
}

/** Answers /metrics: what is counted here, and the figures of the whole system, at most so old. */
function scraper(courier: Measured, { registry }: Metrics, polledWithinMs: number) {
  const gauges = newGauges(registry, courier.clock);
  const figures = kept(courier, () =>
    courier.ledger
      .transaction((tx) => readFigures(tx, { polledWithinMs, unansweredMs: courier.limits.receiptWithinMs }))
      .catch((): Figures | null => null),
  );
  const depths = kept(courier, () =>
    Promise.all(
      (Object.keys(JOB_KINDS) as JobKind[]).map(async (kind) => ({
        kind,
        depth: await courier.queue.counts(kind).catch(() => null),
      })),
    ),
  );
  return {
    answer: async () => {
      const [seen, queues] = await Promise.all([figures(), depths()]);
      gauges.setFigures(seen);
      for (const { kind, depth } of queues) gauges.setQueue(kind, depth);
      gauges.setProcess(courier);
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
    release: gauges.release,
  };
}

/** Asked once in a while, however often the answer is wanted. */
function kept<Answer>({ clock }: Measured, ask: () => Promise<Answer>): () => Promise<Answer> {
  let askedMs = Number.NEGATIVE_INFINITY;
  let answer: Promise<Answer> | null = null;
  return () => {
    if (answer === null || clock.elapsedMs() - askedMs >= FIGURES_FOR_MS) {
      askedMs = clock.elapsedMs();
      answer = ask();
    }
    return answer;
  };
}
