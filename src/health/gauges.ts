/** The gauges: what holds now, set when /metrics is asked. Of the whole system from the ledger and Redis; of this process from itself. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import type { Courier } from '../pipeline/pipeline.ts';
import type { JobKind } from '../queue/queue.ts';
import type { Clock } from '../shared/clock.ts';
import { breakerStates } from './breaker-states.ts';
import type { Figures } from './figures.ts';
import { type Label, labelled } from './labels.ts';

export interface Gauges {
  /** null: the ledger did not answer; its gauges are then absent, and ledger_up is 0. */
  setFigures(figures: Figures | null): void;
  setQueue(
    kind: JobKind,
    depth: { readonly waiting: number; readonly delayed: number; readonly active: number } | null,
  ): void;
  setProcess(courier: Pick<Courier, 'ledger' | 'breakers' | 'turns'>): void;
  release(): void;
}

const NS_PER_SECOND = 1e9;
const RESOLUTION_MS = 10;
const WINDOW_MS = 30_000;

export function newGauges(registry: Registry, clock: Clock): Gauges {
  const system = systemGauges(registry);
  const own = processGauges(registry);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // By the clock and not by the scrape: of two who ask, one would else see what the other left.
  let before = { median: 0, worst: 0 };
  const stop = clock.every(WINDOW_MS, () => {
    before = delaysOf(delay);
    delay.reset();
  });
  return {
    setFigures: (figures) => {
      own.ledgerUp.set(figures === null ? 0 : 1);
      for (const gauge of Object.values(system)) gauge.reset();
      if (figures !== null) setSystem(system, figures);
      // What reset left as 0 would be taken for an answer.
      else for (const gauge of Object.values(system)) gauge.remove({});
    },
    setQueue: (kind, depth) => {
      if (depth === null) return own.queue.reset();
      for (const [outcome, count] of Object.entries(depth)) own.queue.set({ kind, outcome }, count);
    },
    setProcess: ({ ledger, breakers, turns }) => {
      for (const { target, kind, isOpen } of breakerStates(breakers)) own.breaker.set({ target, kind }, isOpen ? 1 : 0);
      for (const [target, of] of Object.entries(turns)) {
        const { limit, running } = of.load();
        own.limit.set({ target }, limit);
        own.requests.set({ target }, running);
      }
      for (const [kind, count] of Object.entries(ledger.load())) own.pool.set({ kind }, count);
      own.resident.set(process.memoryUsage.rss());
      const now = delaysOf(delay);
      own.loop.set({ kind: 'median' }, Math.max(now.median, before.median));
      own.loop.set({ kind: 'worst' }, Math.max(now.worst, before.worst));
    },
    release: () => {
      stop();
      delay.disable();
    },
  };
}

// The histogram has the whole time between two ticks of its timer; what is over the timer's own is the delay.
function delaysOf(delay: ReturnType<typeof monitorEventLoopDelay>) {
  const secondsOver = (ns: number) => Math.max(0, ns / NS_PER_SECOND - RESOLUTION_MS / 1_000);
  return { median: secondsOver(delay.percentile(50)), worst: secondsOver(delay.max) };
}

function gaugesOn(registry: Registry) {
  return (name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
}

function processGauges(registry: Registry) {
  const gauge = gaugesOn(registry);
  return {
    ledgerUp: gauge('zorgkoerier_ledger_up', '1: the ledger answers this worker'),
    queue: gauge('zorgkoerier_queue_jobs', 'Jobs in Redis: waiting, delayed, active', ['kind', 'outcome']),
    breaker: gauge('zorgkoerier_breaker_open', '1: this worker leaves the target alone, for reading or for writing', [
      'target',
      'kind',
    ]),
    limit: gauge(
      'zorgkoerier_target_requests_limit',
      'Requests that this worker sends the target at once at most, now',
      ['target'],
    ),
    requests: gauge('zorgkoerier_target_requests', 'Requests of this worker that are under way at the target', [
      'target',
    ]),
    pool: gauge('zorgkoerier_ledger_connections', 'Connections of this worker to the ledger, and what waits for one', [
      'kind',
    ]),
    resident: gauge('zorgkoerier_resident_memory_bytes', 'Resident memory of this worker'),
    loop: gauge(
      'zorgkoerier_event_loop_delay_seconds',
      'Delay of this worker’s event loop in the last half to whole minute',
      ['kind'],
    ),
  };
}

function systemGauges(registry: Registry) {
  const gauge = gaugesOn(registry);
  return {
    deliveries: gauge('zorgkoerier_deliveries_open', 'Deliveries not at rest', ['target', 'outcome']),
    holds: gauge('zorgkoerier_holds', 'What waits for a person, by reason and age: day, week, older', [
      'reason',
      'outcome',
      'kind',
    ]),
    backlog: gauge('zorgkoerier_backlog', 'What waits before a stage and could go on', ['stage', 'target']),
    oldest: gauge(
      'zorgkoerier_backlog_oldest_seconds',
      'Age of the oldest of it; copy: since the mailbox longest not looked at',
      ['stage', 'target'],
    ),
    mailboxes: gauge('zorgkoerier_mailboxes', 'Mailboxes: watched, trouble, unpolled, unowned', ['kind']),
    troubles: gauge('zorgkoerier_mailboxes_in_trouble', 'Watched mailboxes whose last visit failed, by code', [
      'reason',
    ]),
    registrations: gauge('zorgkoerier_registrations', 'Registrations not delivered, by state', ['outcome']),
    unanswered: gauge('zorgkoerier_registrations_unanswered', 'Sent longer ago than the bound, and no receipt'),
    alarms: gauge('zorgkoerier_alarms_open', 'Alarms that are open, by kind; outcome: said or muted', [
      'kind',
      'outcome',
    ]),
    unsealed: gauge('zorgkoerier_audit_unsealed_seconds', 'Age of the oldest audit row without a seal'),
    workers: gauge('zorgkoerier_workers_alive', 'Workers that renewed their row in time'),
  };
}

function setSystem(gauges: ReturnType<typeof systemGauges>, figures: Figures): void {
  const { mailboxes } = figures;
  for (const { target, state, isParked, count } of figures.deliveries)
    gauges.deliveries.inc(labelled({ target, outcome: isParked ? 'parked' : state }), count);
  for (const { reason, state, age, count } of figures.holds)
    gauges.holds.inc(labelled({ reason, outcome: state, kind: age }), count);
  for (const { stage, target, count, oldestSeconds } of figures.waiting) {
    gauges.backlog.set(labelled({ stage, target }), count);
    gauges.oldest.set(labelled({ stage, target }), oldestSeconds);
  }
  gauges.backlog.set(labelled({ stage: 'copy', target: null }), mailboxes.uncopied);
  gauges.oldest.set(labelled({ stage: 'copy', target: null }), mailboxes.oldestPollSeconds);
  for (const kind of ['watched', 'trouble', 'unpolled', 'unowned'] as const)
    gauges.mailboxes.set({ kind }, mailboxes[kind]);
  for (const { reason, count } of figures.troubles) gauges.troubles.inc(labelled({ reason }), count);
  for (const { state, count } of figures.registrations) gauges.registrations.set(labelled({ outcome: state }), count);
  gauges.unanswered.set(figures.unansweredCount);
  for (const { kind, isMuted, count } of figures.alarms)
    gauges.alarms.set(labelled({ kind, outcome: isMuted ? 'muted' : 'said' }), count);
  gauges.unsealed.set(figures.unsealedSeconds);
  gauges.workers.set(figures.workers);
}
