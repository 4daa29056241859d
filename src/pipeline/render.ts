/**
 * Step 2 of the way back, render: an accepted registration becomes mails, kept as the bytes that every try will send.
 *
 * It may be repeated: references, mails, state and audit row are one transaction under a lock on the registration, so either
 * all of it is there or nothing, and a control reference that was not used goes with it. Nothing is sent here.
 */

import { appendAudit } from '../audit/audit.ts';
import { renderMail } from '../delivery/zorgmail/zorgmail.ts';
import type { Sql } from '../ledger/ledger.ts';
import { findPractice, type RegistrationReceiver, registrationReceiver } from '../practice/practice.ts';
import { decide } from '../queue/queue.ts';
import {
  allocateReferences,
  type EarlierRegistration,
  earlierRegistration,
  insertOutward,
  lockRegistrationChoice,
  lockUnrendered,
  type NewOutwardMail,
  type OpenRegistration,
  postponeAccepted,
  settleAccepted,
} from '../records/records.ts';
import { type MedvriPlan, type PostedRegistration, planMedvri, writeMedvri } from '../registration/registration.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { newId, type OutwardMailId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';
import { isTestPerson, openPosted, registrationOf, sealOutward } from './registration-content.ts';

export type Rendered =
  /** Its mails are there, by whomever. */
  | { readonly kind: 'ready' }
  /** At rest, or parked until the practice resumes. */
  | { readonly kind: 'done' }
  /** An older one of the patient goes first. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'later'; readonly delayMs: number };

/** Renders what `unrenderedRegistration` gave. What cannot be rendered is held; what may be later waits. */
export async function renderRegistration(courier: Courier, row: OpenRegistration): Promise<Rendered> {
  try {
    const from = ourAddress(courier);
    const posted = await open(courier, row);
    const end = await courier.ledger.transaction((tx) => renderLocked(courier, tx, row, posted, from));
    if (typeof end === 'object') return counted(courier, end);
    if (end === 'queued') courier.mark('registration-rendered');
    if (end === 'queued' || end === 'shadowed')
      courier.meter.registered({ state: end, reason: null, acceptedMs: null });
    return RENDERED[end];
  } catch (thrown) {
    return afterFailure(courier, row, asFailure(thrown));
  }
}

/** `held`: under which reason; null: it was not `accepted` any more. */
interface Held {
  readonly held: ReasonCode | null;
}

type End = 'queued' | 'shadowed' | 'parked' | 'busy' | 'gone';
const RENDERED: Readonly<Record<End, Rendered>> = {
  queued: { kind: 'ready' },
  gone: { kind: 'ready' },
  shadowed: { kind: 'done' },
  parked: { kind: 'done' },
  busy: { kind: 'busy' },
};

function counted({ meter }: Courier, { held }: Held): Rendered {
  if (held !== null) meter.registered({ state: 'held', reason: held, acceptedMs: null });
  return { kind: 'done' };
}

interface Ours {
  readonly address: string;
  readonly account: string;
  readonly domain: string;
}

// What is missing is ours to set, and nobody's registration pays for it.
function ourAddress({ smtpFrom }: Courier): Ours {
  const [, account, domain] = /^(\d{8,10})@(.+)$/.exec(smtpFrom ?? '') ?? [];
  if (smtpFrom === null || account === undefined || domain === undefined) throw notConfigured();
  return { address: smtpFrom, account, domain };
}

export function notConfigured(): Failure {
  return new Failure('zorgmail.not-configured', { kind: 'transient', scope: 'peer' });
}

async function open({ keys }: Courier, { id, practiceId, content }: OpenRegistration): Promise<PostedRegistration> {
  if (content === null) throw new Failure('pipeline.content-erased', { kind: 'defect', fields: { registration: id } });
  return openPosted(keys, id, practiceId, content);
}

async function renderLocked(
  courier: Courier,
  tx: Sql,
  row: OpenRegistration,
  posted: PostedRegistration,
  from: Ours,
): Promise<End | Held> {
  const choice = await lockRegistrationChoice(tx, row.practiceId);
  const receiver = await registrationReceiver(tx, row.practiceId, true);
  const locked = await lockUnrendered(tx, row.id);
  if (locked !== 'locked') return locked;
  if (choice?.state === 'paused') {
    await postponeAccepted(tx, row.id, { delayMs: 0, isParked: true, isAttemptSpent: false, reason: null });
    return 'parked';
  }
  if (choice === null || choice.state === 'disabled' || receiver === null)
    return hold(tx, row, 'registration.switched-off', null);
  if (courier.isProduction && isTestPerson(posted)) return hold(tx, row, 'registration.test-person', null);
  const earlier = row.earlierId === null ? null : await earlierRegistration(tx, row.earlierId);
  if (row.earlierId !== null && !wasRendered(earlier, choice.mode))
    return hold(tx, row, 'registration.earlier-not-sent', earlier?.state ?? null);
  const plan = await planFor(tx, row, posted, receiver, earlier);
  if (plan.kind === 'refused') {
    const [problem] = plan.problems;
    return hold(
      tx,
      row,
      'registration.not-writable',
      `${problem?.field} ${problem?.place?.codePoint ?? problem?.code}`,
    );
  }
  const mails = await mailsOf(courier, tx, row, plan, from);
  await courier.keys.guardSealed(
    tx,
    mails.map(({ content }) => content),
  );
  await insertOutward(tx, row.id, mails);
  const state = choice.mode === 'shadow' ? 'shadowed' : 'queued';
  await settleAccepted(tx, row.id, { state, reason: null, detail: null });
  await appendAudit(tx, [
    { ...about(row), event: 'registration.rendered', fields: { parts: plan.parts.length, state } },
  ]);
  return state;
}

// What nobody at the practice ever saw, or what came back, must not be corrected there: sent again it would come after. In shadow nobody sees either of the two.
function wasRendered(earlier: EarlierRegistration | null, mode: 'shadow' | 'live'): boolean {
  if (earlier === null || earlier.references.length === 0) return false;
  const { state } = earlier;
  return ['sent', 'delivered'].includes(state) || (state === 'shadowed' && mode === 'shadow');
}

async function planFor(
  tx: Sql,
  { practiceId }: OpenRegistration,
  posted: PostedRegistration,
  receiver: RegistrationReceiver,
  earlier: EarlierRegistration | null,
) {
  const practice = await findPractice(tx, practiceId);
  if (practice === null) throw new Failure('pipeline.practice-unknown', { kind: 'defect' });
  return planMedvri(registrationOf(posted, practice.name, receiver, earlier), receiver);
}

async function mailsOf(
  { keys, clock }: Courier,
  tx: Sql,
  { practiceId }: OpenRegistration,
  plan: MedvriPlan,
  from: Ours,
): Promise<readonly NewOutwardMail[]> {
  const sentAt = clock.now();
  const references = await allocateReferences(tx, from.account, plan.parts.length);
  const recipient = `${plan.registration.practice.account}@${from.domain}`;
  return Promise.all(
    writeMedvri(plan, { from: from.account, sentAt, references }).map(async ({ reference, part, bytes }) => {
      const id = newId<OutwardMailId>();
      const names = { envelopeId: `zk-${id}`, messageId: `<${id}@${from.domain}>` };
      const subject = `Registratie ${reference}`;
      const mail = renderMail({ ...names, date: sentAt, from: from.address, to: recipient, subject, edifact: bytes });
      const content = await sealOutward(keys, id, practiceId, mail);
      return { id, part, sender: from.account, recipient, controlReference: reference, ...names, content };
    }),
  );
}

async function hold(tx: Sql, row: OpenRegistration, code: ReasonCode, detail: string | null): Promise<Held> {
  if (!(await settleAccepted(tx, row.id, { state: 'held', reason: code, detail }))) return { held: null };
  await appendAudit(tx, [{ ...about(row), event: 'registration.held', reason: code }]);
  return { held: code };
}

async function afterFailure(courier: Courier, row: OpenRegistration, failure: Failure): Promise<Rendered> {
  const { ledger, logger, random } = courier;
  const decision = decide(failure, row.attempts + 1, random, 'registration.attempts-exhausted');
  const fields = { registrationId: row.id, code: failure.code, state: decision.kind };
  if (decision.kind === 'hold') {
    logger.error('registration cannot be rendered', fields, failure);
    return counted(courier, await ledger.transaction((tx) => hold(tx, row, decision.code, failure.code)));
  }
  logger.warn('registration is rendered later', fields);
  const { delayMs } = decision;
  const isAttemptSpent = decision.kind === 'retry';
  await postponeAccepted(ledger, row.id, { delayMs, isParked: false, isAttemptSpent, reason: failure.code });
  return { kind: 'later', delayMs };
}

/** What every audit row about it says. */
export function about({ id, practiceId, patientKey, sourceId, earlierId }: OpenRegistration) {
  const participants = { source: sourceId, target: 'zorgmail', ...(earlierId === null ? {} : { earlier: earlierId }) };
  return { actor: 'worker', objectKind: 'registration', objectId: id, practiceId, patientKey, participants } as const;
}
