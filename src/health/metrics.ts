/**
 * The registry, and what this process counts: the Meter of the steps, logins and requests of monitoring. Every worker has
 * its own; Prometheus adds them up. What is true of the whole system stands in gauges.ts.
 */

import { Counter, Histogram, Registry } from 'prom-client';
import type { MailboxOpener } from '../mailbox/mailbox.ts';
import type { Meter } from '../pipeline/pipeline.ts';
import { asFailure } from '../shared/failure.ts';
import { type Label, labelled, labelValue } from './labels.ts';

export interface Metrics extends Meter {
  readonly registry: Registry;
  /** Counts logins by how they ended. */
  metered(open: MailboxOpener): MailboxOpener;
}

// From a hint that comes at once to an outage of half a day. Seconds, since that is Prometheus' unit.
const LATENCY_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 43_200];

export function newMetrics(): Metrics {
  const registry = new Registry();
  const count = counters(registry);
  const copiedAfter = latency(
    registry,
    'zorgkoerier_arrival_to_copied_seconds',
    'INTERNALDATE until the commit of the copy',
  );
  const deliveredAfter = latency(
    registry,
    'zorgkoerier_arrival_to_delivered_seconds',
    'INTERNALDATE until the target has it (forwarded), by target; without what waited for a person',
    ['target'],
  );
  const registeredAfter = latency(
    registry,
    'zorgkoerier_registration_seconds',
    'From a registration’s being accepted until the relay has it (sent) and until a receipt says that it arrived (delivered); without what a person had sent again',
    ['outcome'],
  );
  return {
    registry,
    copied: ({ count: copied, vanished, arrivedMs }) => {
      count.copied.inc(copied);
      count.vanished.inc(vanished);
      for (const ms of arrivedMs) copiedAfter.observe(secondsOf(ms));
    },
    read: ({ verdict, reports }) => {
      count.read.inc({ outcome: labelValue(verdict ?? 'reports') });
      for (const { kind, state, reason } of reports) count.reports.inc(labelled({ kind, outcome: state, reason }));
    },
    failed: ({ target, outcome, reason }) => count.failed.inc(labelled({ target, outcome, reason })),
    settled: ({ target, state, reason, arrivedMs }) => {
      count.settled.inc(labelled({ target, outcome: state, reason }));
      if (state === 'forwarded' && arrivedMs !== null)
        deliveredAfter.observe(labelled({ target }), secondsOf(arrivedMs));
    },
    registered: ({ state, reason, acceptedMs }) => {
      count.registered.inc(labelled({ outcome: state, reason }));
      if ((state === 'sent' || state === 'delivered') && acceptedMs !== null)
        registeredAfter.observe(labelled({ outcome: state }), secondsOf(acceptedMs));
    },
    metered: (open) => async (account, signal, silenceMs) => {
      try {
        const connection = await open(account, signal, silenceMs);
        count.logins.inc({ outcome: 'success', reason: 'none' });
        return connection;
      } catch (thrown) {
        count.logins.inc(labelled({ outcome: 'failed', reason: asFailure(thrown).code }));
        throw thrown;
      }
    },
  };
}

function counters(registry: Registry) {
  const counter = <Name extends Label>(name: string, help: string, labelNames: readonly Name[] = []) =>
    new Counter<Name>({ name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    copied: counter('zorgkoerier_mails_copied_total', 'Mails copied into the ledger'),
    vanished: counter('zorgkoerier_mails_vanished_total', 'Mails that were deleted before we saw them'),
    read: counter('zorgkoerier_mails_read_total', 'Mails read, by verdict; reports: it had any', ['outcome']),
    reports: counter('zorgkoerier_reports_total', 'Reports and payloads read, by the state that they begin in', [
      'kind',
      'outcome',
      'reason',
    ]),
    settled: counter('zorgkoerier_deliveries_total', 'Deliveries that came to rest at or for a target', [
      'target',
      'outcome',
      'reason',
    ]),
    failed: counter('zorgkoerier_delivery_failures_total', 'Attempts that failed, by what became of them', [
      'target',
      'outcome',
      'reason',
    ]),
    registered: counter(
      'zorgkoerier_registrations_total',
      'Registrations that were rendered (queued), sent, or came to rest, by state',
      ['outcome', 'reason'],
    ),
    logins: counter('zorgkoerier_mailbox_logins_total', 'Connections to mailboxes, by how they began', [
      'outcome',
      'reason',
    ]),
  };
}

function latency(registry: Registry, name: string, help: string, labelNames: readonly Label[] = []): Histogram<Label> {
  return new Histogram<Label>({
    name,
    help,
    labelNames: [...labelNames],
    buckets: LATENCY_SECONDS,
    registers: [registry],
  });
}

// INTERNALDATE has whole seconds and the mail server's clock: a mail may seem to arrive a moment after we have it.
function secondsOf(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
