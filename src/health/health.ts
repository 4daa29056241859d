/**
 * The door of health/: whether the courier does its work, for machines that watch it and for the people whom they call.
 *
 * It receives what the steps count (a Meter), a Courier and its worker, and serves /metrics, /healthz and /livez; and it
 * looks, every minute, for silence: whatever should have happened and did not is an alarm, said once when it begins and
 * once when it ends. It promises that no label and no answer ever holds more than the codes of a closed list; that what is
 * true of the whole system is read from the ledger, by whichever worker is asked, at most once in some seconds; and that
 * nothing of it can hold the courier up: a failure of its own is a log line.
 */

export { type CertificateTarget, certificateTargets, expiringTargets } from './certificates.ts';
export { type Finding, healthOf, isAlive, type Watched } from './checks.ts';
export { type Metrics, newMetrics } from './metrics.ts';
export { type HealthServer, serveHealth } from './server.ts';
export { type SilenceLimits, type SilenceWatch, silenceRound, watchSilence } from './silence.ts';
export { type RunningHealth, startHealth } from './start.ts';
export { isUnusuallySilent, sameDaysBefore } from './usual-mail.ts';
