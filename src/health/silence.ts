/**
 * Silence is an alarm: every minute each worker looks for what should have happened and did not. An alarm is said once when
 * it begins and once when it is over; of several workers that look at the same moment one says it.
 *
 * It may be repeated at any time. What the ledger cannot be asked is asked a minute later; nothing is concluded from that.
 */

import { type AlarmKind, type AlarmObject, meaningOf, openAlarms, sayDue, settleAlarms } from '../alarms/alarms.ts';
import type { Sql } from '../ledger/ledger.ts';
import type { Courier } from '../pipeline/pipeline.ts';
import { arrivalDays, forgetArrivals } from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import { asFailure } from '../shared/failure.ts';
import type { LogFields, Logger } from '../shared/logger.ts';
import { type CertificateTarget, expiringTargets } from './certificates.ts';
import * as look from './looks.ts';
import { isUnusuallySilent, sameDaysBefore, WEEKS } from './usual-mail.ts';

export interface SilenceLimits {
  readonly polledWithinMs: number;
  readonly backlogWithinMs: number;
  readonly boardWithinMs: number;
  /** null: how old a password may become is nobody's rule. */
  readonly passwordDays: number | null;
}

export interface SilenceWatch {
  /** One round; answers when it is done. Never throws. */
  round(): Promise<void>;
  release(): Promise<void>;
}

type What = Pick<Courier, 'ledger' | 'clock' | 'logger'>;

const ROUND_MS = 60_000;
/** What is asked of many rows, and what is asked of others. */
const USUAL_MAIL_MS = 5 * 60_000;
const CERTIFICATES_MS = 12 * 3_600_000;
const DAY_MS = 86_400_000;

/** Looks at once, and then every minute. */
export function watchSilence(
  courier: What,
  limits: SilenceLimits,
  targets: readonly CertificateTarget[],
): SilenceWatch {
  const due = { usualMail: newTimer(courier, USUAL_MAIL_MS), certificates: newTimer(courier, CERTIFICATES_MS) };
  let running: Promise<void> | null = null;
  let isFailing = false;
  const once = async () => {
    try {
      await silenceRound(courier, limits);
      if (due.usualMail()) await alarmUnusualSilence(courier);
      if (due.certificates()) await alarmCertificates(courier, targets);
      await sayAgain(courier);
      isFailing = false;
    } catch (thrown) {
      if (!isFailing) courier.logger.warn('silence could not be looked for', { code: asFailure(thrown).code });
      isFailing = true;
    }
  };
  const round = () => {
    running ??= once().finally(() => {
      running = null;
    });
    return running;
  };
  const stop = courier.clock.every(ROUND_MS, () => void round());
  void round();
  return {
    round,
    release: async () => {
      stop();
      await running;
    },
  };
}

/** True the first time, and then once in so many milliseconds. */
function newTimer({ clock }: Pick<What, 'clock'>, everyMs: number): () => boolean {
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.elapsedMs() < dueMs) return false;
    dueMs = clock.elapsedMs() + everyMs;
    return true;
  };
}

/** What every round looks at. Throws where the ledger cannot be reached. */
export async function silenceRound(courier: What, limits: SilenceLimits): Promise<void> {
  await settle(courier, 'mailbox.not-polled', (tx) => look.unpolledMailboxes(tx, limits.polledWithinMs));
  await settle(courier, 'mailbox.login-refused', look.refusedMailboxes);
  await settle(courier, 'mailbox.password-old', (tx) => look.oldPasswords(tx, limits.passwordDays));
  await settle(courier, 'backlog.too-old', (tx) => look.lateStages(tx, limits));
  await settle(courier, 'target.login-refused', look.refusingTargets);
  await settle(courier, 'board.not-propagated', look.practicesNotPropagated);
}

/** Mailboxes to which mail has usually come by now. */
export async function alarmUnusualSilence(courier: What): Promise<void> {
  const now = courier.clock.now();
  const today = amsterdamDay(now);
  await forgetArrivals(courier.ledger, amsterdamDay(new Date(now.getTime() - (WEEKS + 1) * 7 * DAY_MS)));
  await settle(courier, 'mailbox.no-mail', async (tx) => {
    const histories = await arrivalDays(tx, today, sameDaysBefore(today));
    const silent = histories.filter((history) => isUnusuallySilent(history, now)).map(({ mailboxId }) => mailboxId);
    // A new day is no mail: who was silent yesterday still is.
    const still = await look.stillSilent(tx);
    return [...new Set([...silent, ...still])].map((objectId) => ({ objectId, practiceId: null }));
  });
}

async function alarmCertificates(courier: What, targets: readonly CertificateTarget[]): Promise<void> {
  const { expiring, unknown } = await expiringTargets(targets, courier.clock);
  await settle(courier, 'target.certificate-expiring', async (tx) => {
    const known = (await openAlarms(tx)).filter(({ kind }) => kind === 'target.certificate-expiring');
    const asBefore = known.filter(({ objectId }) => unknown.includes(objectId)).map(({ objectId }) => objectId);
    return [...expiring, ...asBefore].map((objectId) => ({ objectId, practiceId: null }));
  });
}

/** What opened while it was muted, or was muted since, and still stands when the mute has ended: of every kind. */
async function sayAgain({ ledger, logger }: What): Promise<void> {
  for (const alarm of await sayDue(ledger)) logger[alarm.level]('an alarm', fieldsOf(alarm.kind, alarm));
}

async function settle(
  { ledger, logger }: What,
  kind: AlarmKind,
  objects: (tx: Sql) => Promise<readonly AlarmObject[]>,
): Promise<void> {
  const level = meaningOf(kind)?.level ?? 'error';
  const { opened, closed } = await ledger.transaction((tx) => settleAlarms(tx, kind, level, () => objects(tx)));
  for (const object of opened) sayOpened(logger, kind, level, object);
  for (const object of closed) logger.info('an alarm is over', fieldsOf(kind, object));
}

function sayOpened(logger: Logger, kind: AlarmKind, level: 'warn' | 'error', object: AlarmObject): void {
  logger[level]('an alarm', fieldsOf(kind, object));
}

function fieldsOf(kind: string, { objectId, practiceId }: AlarmObject): LogFields {
  const about = { code: kind, ...(practiceId === null ? {} : { practiceId }) };
  switch (meaningOf(kind)?.object) {
    case 'mailbox':
      return { ...about, mailboxId: objectId };
    case 'practice':
      return { ...about, practiceId: objectId };
    case 'delivery':
      return { ...about, deliveryId: objectId };
    case 'registration':
      return { ...about, registrationId: objectId };
    case 'stage':
    case 'target':
      return { ...about, target: objectId };
    default:
      return about;
  }
}
