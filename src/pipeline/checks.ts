/** Reasons to hold a report for a followed patient that the report and the ledger know, before anything is written. */

import type { Card, NamedCard } from '../delivery/patient-card/patient-card.ts';
import type { DigestKeys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  type CardsInDoubt,
  type ClaimedDelivery,
  cardsAmong,
  factsOfNumbers,
  lockContents,
  type NumberFacts,
  objectionsTo,
  type RememberedNumber,
  type RememberedReport,
  remember,
  rememberedNumbers,
} from '../records/records.ts';
import { isReasonCode, type ReasonCode } from '../shared/reasons.ts';
import {
  contentDigests,
  type LabNumbers,
  labNumberDigests,
  numberOwner,
  referenceNameDigests,
  storedReferenceDigests,
} from './digests.ts';
import { type Identified, identifyReport } from './identify.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import type { SameDecision } from './same-result.ts';
import { perLedger, TOGETHER_MOST, together } from './together.ts';

export interface LedgerHold {
  readonly code: ReasonCode;
  readonly detail: string | null;
  /** Where two cards are in doubt: the one it would go to, and those that had the number before. */
  readonly cards?: CardsInDoubt;
}

/** The card that a person named for this delivery, and the doubts that they passed over; null: it is to be looked for. */
export function namedCard({ overrideCard, acknowledged }: ClaimedDelivery): NamedCard | null {
  return overrideCard === null ? null : { patientId: overrideCard, overridden: acknowledged.filter(isReasonCode) };
}

/** A target, asked only whether it is a sandbox. */
interface Target {
  isSandbox(): Promise<boolean>;
}

/**
 * Whether nothing may be written to this target: the practice is in shadow, or it is a replayed file and the target does
 * not say of itself that it is a sandbox.
 */
export async function isShadowed({ claim, integration }: OpenDelivery, target: Target): Promise<boolean> {
  if (integration.mode === 'shadow') return true;
  return claim.source === 'replay' && claim.mailboxId === null && !(await target.isSandbox());
}

export interface LedgerCheck {
  /** The first reason to hold that the report, its laboratory and its references give, or null. */
  readonly hold: LedgerHold | null;
  /** The laboratory used a reference again, at another moment (a message of its own): to be told with a report that is not held. */
  readonly isReused: boolean;
}

export async function ledgerCheck(courier: Courier, delivery: OpenDelivery): Promise<LedgerCheck> {
  const { claim, content, whole } = delivery;
  const stated = content.report.holds.find(({ code }) => !claim.acknowledged.includes(code));
  if (stated !== undefined) {
    const { position } = stated;
    return held(stated.code, position === null ? null : `${position.tag} ${position.segment}`);
  }
  if (claim.laboratory === null && (claim.sender ?? '') === '') return held('lab.unknown-sender');
  const { isAccepted, isConflicting, isReused } = await objections(courier)({ claim, whole });
  if (!isAccepted) return held('lab.unknown-sender');
  return isConflicting ? held('lab.reference-conflict') : { hold: null, isReused };
}

function held(code: ReasonCode, detail: string | null = null): LedgerCheck {
  return { hold: { code, detail }, isReused: false };
}

/** Warnings that only the ledger can give, of a report that nothing holds. */
export function ledgerWarnings(courier: Courier, delivery: OpenDelivery, { isReused }: LedgerCheck): readonly string[] {
  if (!isReused) return [];
  const { claim, practice } = delivery;
  const code = 'edifact.reference-reused';
  courier.logger.warn('the laboratory used a reference again', { deliveryId: claim.id, practiceId: practice.id, code });
  return [code];
}

interface Objected {
  /** The registry knows its laboratory, or a person accepted its sender. */
  readonly isAccepted: boolean;
  readonly isConflicting: boolean;
  readonly isReused: boolean;
}

const objections = perLedger(({ ledger, keys }) =>
  together(
    async (asked: readonly Pick<OpenDelivery, 'claim' | 'whole'>[]): Promise<readonly Objected[]> => {
      const digestKeys = await keys.digestKeys();
      const found = await objectionsTo(
        ledger,
        asked.map((one) => questionsOf(digestKeys, one)),
      );
      if (found.newestKey !== undefined) keys.checkDigests(found.newestKey, digestKeys);
      return asked.map(({ claim: { reportId, laboratory, sender } }) => ({
        isAccepted: laboratory !== null || found.accepted.has(sender ?? ''),
        isConflicting: found.conflicting.has(reportId),
        isReused: found.reused.has(reportId),
      }));
    },
    { most: TOGETHER_MOST },
  ),
);

function questionsOf(digestKeys: DigestKeys, { claim, whole }: Pick<OpenDelivery, 'claim' | 'whole'>) {
  const isPassedOver = claim.isCorrected || claim.acknowledged.includes('lab.reference-conflict');
  return {
    reportId: claim.reportId,
    practiceId: claim.practiceId,
    referenceDigests: storedReferenceDigests(digestKeys, whole, claim),
    contentDigests: isPassedOver ? [] : contentDigests(digestKeys, whole, claim.version),
    referenceNameDigests: referenceNameDigests(digestKeys, whole, claim.format),
    sender: claim.laboratory === null ? claim.sender : null,
  };
}

/** What a person decided about a result that came back under another key. */
export function sameDecision({ choices, acknowledged }: ClaimedDelivery): SameDecision {
  if (choices.includes('same-determination')) return 'same';
  return acknowledged.includes('lab.key-changed') ? 'both' : null;
}

type ClaimedNumbers = Pick<Identified, 'identifiers'> | LedgerHold;

/** A report whose numbers are to be claimed for its patient's card. */
interface NumbersWish extends Pick<OpenDelivery, 'claim' | 'content' | 'practice'>, Pick<LabNumbers, 'own' | 'other'> {
  readonly cardId: string;
  readonly patientKey: Buffer;
  readonly courier: Pick<Courier, 'keys' | 'registry'>;
  /** All of `own` and `other`. */
  readonly numbers: readonly Buffer[];
}

/**
 * Whose the lab numbers are, and what the results are called on the card; or the reason to hold. Both are remembered here,
 * in one transaction and before anything is written, so that of two patients, or of two reports, the second waits. A
 * delivery that was here before keeps its answer.
 */
export async function claimNumbers(
  courier: Courier,
  { claim, content, practice }: OpenDelivery,
  { patientId }: Card,
): Promise<ClaimedNumbers> {
  const { keys, registry } = courier;
  const { own, other, all: numbers } = await labNumberDigests(keys, content.report, registry);
  const patientKey = await numberOwner(courier.keys, claim.patientKey, patientId);
  const wish = {
    claim,
    content,
    practice,
    courier: { keys, registry },
    cardId: patientId,
    patientKey,
    numbers,
    own,
    other,
  };
  return numberClaims(courier)(wish);
}

// Of two reports with a number in common, under whichever name of the laboratory, the second must find what the first
// remembered: it is in the next round.
const numberClaims = perLedger(({ ledger }) =>
  together((wishes: readonly NumbersWish[]) => ledger.transaction((tx) => claimAllNumbers(tx, wishes)), {
    most: TOGETHER_MOST,
    fits: (wish, chosen) => !chosen.some((other) => hasCommonNumber(wish, other)),
  }),
);

function hasCommonNumber(one: NumbersWish, other: NumbersWish): boolean {
  return one.numbers.some((number) => other.numbers.some((same) => same.equals(number)));
}

// Locked first, in a statement of its own: what is asked after it sees what was remembered by whoever had the lock before.
async function claimAllNumbers(tx: Sql, wishes: readonly NumbersWish[]): Promise<readonly ClaimedNumbers[]> {
  await lockContents(
    tx,
    wishes.flatMap(({ numbers }) => numbers),
  );
  const facts = await factsOfNumbers(tx, wishes);
  const claims = await Promise.all(wishes.map((wish, place) => claimOf(wish, facts[place] ?? [])));
  await remember(tx, {
    numbers: claims.flatMap(({ numbers }) => numbers),
    reports: claims.flatMap(({ report }) => report ?? []),
  });
  return claims.map(({ answer }) => answer);
}

/** The answer to one wish, and what is to be remembered: its numbers where they are its patient's, its results where it goes on. */
interface NumbersClaim {
  readonly answer: ClaimedNumbers;
  readonly numbers: readonly RememberedNumber[];
  readonly report: RememberedReport | null;
}

async function claimOf(wish: NumbersWish, facts: readonly NumberFacts[]): Promise<NumbersClaim> {
  const { claim, content, patientKey, courier } = wish;
  const hold = heldForNumbers(wish, facts);
  if (hold !== null) return { answer: hold, numbers: [], report: null };
  const numbers = numbersOf(wish, facts);
  if (claim.identifiers !== null) return { answer: { identifiers: claim.identifiers }, numbers, report: null };
  const known = { facts, deliveryId: claim.id };
  const identified = await identifyReport(courier, content.report, known, sameDecision(claim));
  // A doubt that a person must end.
  if (identified === null) return { answer: { code: 'lab.key-changed', detail: null }, numbers, report: null };
  return { answer: identified, numbers, report: { patientKey, reportId: claim.reportId, ...identified } };
}

function heldForNumbers({ claim, cardId, practice }: NumbersWish, facts: readonly NumberFacts[]): LedgerHold | null {
  if (claim.choices.includes('number-reused') || isOverridden(claim)) return null;
  const first = cardsAmong(facts);
  if (first.length === 0 && !facts.some(({ isTakenBack }) => isTakenBack)) return null;
  const cards = { reported: { card: cardId, practiceAgb: practice.agb }, first };
  return { code: 'lab.number-other-patient', detail: null, cards };
}

// Under the report's own name for the laboratory, and under the other where the number is known by it.
function numbersOf(wish: NumbersWish, facts: readonly NumberFacts[]): readonly RememberedNumber[] {
  const { patientKey, cardId, claim } = wish;
  const own = new Set(wish.own.map((number) => number.toString('hex')));
  return rememberedNumbers(
    facts.filter(({ number, isKnown }) => isKnown || own.has(number)),
    { patientKey, cardId, deliveryId: claim.id },
  );
}

// A person who named the card knowing this says that the laboratory uses the number anew.
function isOverridden({ acknowledged, choices, overrideCard }: ClaimedDelivery): boolean {
  return (
    overrideCard !== null && acknowledged.includes('lab.number-other-patient') && !choices.includes('retract-first')
  );
}
