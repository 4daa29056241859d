/** Reasons to hold a report for a followed patient that the report and the ledger know, before anything is written. */

import type { Card, NamedCard } from '../delivery/patient-card/patient-card.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  type CardsInDoubt,
  type ClaimedDelivery,
  isSenderAccepted,
  knownNumbers,
  knownResultsOf,
  lockContents,
  otherCardsOf,
  referenceConflicts,
  rememberNumbersOf,
  rememberResultsOf,
  reusedReferences,
  scopesOfAll,
  takenBack,
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
import { type Identified, identifyWith } from './identify.ts';
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

/** The first reason to hold that the report, its laboratory and its references give, or null. */
export async function ledgerHold(courier: Courier, delivery: OpenDelivery): Promise<LedgerHold | null> {
  const { claim, content } = delivery;
  const stated = content.report.holds.find(({ code }) => !claim.acknowledged.includes(code));
  if (stated !== undefined) {
    const { position } = stated;
    return { code: stated.code, detail: position === null ? null : `${position.tag} ${position.segment}` };
  }
  const sender = claim.sender ?? '';
  if (claim.laboratory === null && !(sender !== '' && (await isSenderAccepted(courier.ledger, sender)))) {
    return { code: 'lab.unknown-sender', detail: null };
  }
  return (await isConflicting(courier, delivery)) ? { code: 'lab.reference-conflict', detail: null } : null;
}

async function isConflicting(courier: Courier, { claim, whole }: OpenDelivery): Promise<boolean> {
  if (claim.isCorrected || claim.acknowledged.includes('lab.reference-conflict')) return false;
  return conflicts(courier)({ claim, whole });
}

const conflicts = perLedger(({ ledger, keys }) =>
  together(
    async (asked: readonly Pick<OpenDelivery, 'claim' | 'whole'>[]): Promise<readonly boolean[]> => {
      const digestKeys = await keys.digestKeys();
      const found = await ledger.transaction(async (tx) => {
        await keys.guardDigests(tx, digestKeys);
        return referenceConflicts(
          tx,
          asked.map(({ claim, whole }) => ({
            reportId: claim.reportId,
            practiceId: claim.practiceId,
            referenceDigests: storedReferenceDigests(digestKeys, whole, claim),
            contentDigests: contentDigests(digestKeys, whole, claim.version),
          })),
        );
      });
      return asked.map(({ claim }) => found.has(claim.reportId));
    },
    { most: TOGETHER_MOST },
  ),
);

/** Warnings that only the ledger can give: the laboratory used a reference again, at another moment (a message of its own). */
export async function ledgerWarnings(courier: Courier, delivery: OpenDelivery): Promise<readonly string[]> {
  const { claim, whole, practice } = delivery;
  if (!(await reuses(courier)({ claim, whole }))) return [];
  const code = 'edifact.reference-reused';
  courier.logger.warn('the laboratory used a reference again', { deliveryId: claim.id, practiceId: practice.id, code });
  return [code];
}

const reuses = perLedger(({ ledger, keys }) =>
  together(
    async (asked: readonly Pick<OpenDelivery, 'claim' | 'whole'>[]): Promise<readonly boolean[]> => {
      const digestKeys = await keys.digestKeys();
      const found = await ledger.transaction(async (tx) => {
        await keys.guardDigests(tx, digestKeys);
        return reusedReferences(
          tx,
          asked.map(({ claim, whole }) => ({
            reportId: claim.reportId,
            practiceId: claim.practiceId,
            referenceNameDigests: referenceNameDigests(digestKeys, whole, claim.format),
            referenceDigests: storedReferenceDigests(digestKeys, whole, claim),
          })),
        );
      });
      return asked.map(({ claim }) => found.has(claim.reportId));
    },
    { most: TOGETHER_MOST },
  ),
);

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

async function claimAllNumbers(tx: Sql, wishes: readonly NumbersWish[]): Promise<readonly ClaimedNumbers[]> {
  await lockContents(
    tx,
    wishes.flatMap(({ numbers }) => numbers),
  );
  const held = await heldForNumbers(tx, wishes);
  const going = wishes.filter((wish) => !held.has(wish));
  await rememberAll(tx, going);
  const fresh = going.filter(({ claim }) => claim.identifiers === null);
  const identified = await identifyAll(tx, fresh);
  return wishes.map((wish): ClaimedNumbers => {
    const hold = held.get(wish);
    if (hold !== undefined) return hold;
    if (wish.claim.identifiers !== null) return { identifiers: wish.claim.identifiers };
    return identified.get(wish) ?? { code: 'lab.key-changed', detail: null };
  });
}

async function heldForNumbers(tx: Sql, wishes: readonly NumbersWish[]): Promise<ReadonlyMap<NumbersWish, LedgerHold>> {
  const asked = wishes.filter(({ claim }) => !(claim.choices.includes('number-reused') || isOverridden(claim)));
  const others = await otherCardsOf(tx, asked);
  const back = await takenBack(tx, asked);
  return new Map(
    asked.flatMap((wish, place) => {
      const first = others[place] ?? [];
      if (first.length === 0 && !back.has(place)) return [];
      const cards = { reported: { card: wish.cardId, practiceAgb: wish.practice.agb }, first };
      return [[wish, { code: 'lab.number-other-patient', detail: null, cards }] as const];
    }),
  );
}

// Under the report's own name for the laboratory, and under the other where the number is known by it.
async function rememberAll(tx: Sql, wishes: readonly NumbersWish[]): Promise<void> {
  const others = wishes.flatMap(({ other }) => other);
  const known = await knownNumbers(tx, others);
  const isKnown = new Set(known.map((number) => number.toString('hex')));
  await rememberNumbersOf(
    tx,
    wishes.map(({ claim, patientKey, cardId, own, other }) => ({
      numbers: different([...own, ...other.filter((number) => isKnown.has(number.toString('hex')))]),
      patientKey,
      cardId,
      deliveryId: claim.id,
    })),
  );
}

// A laboratory may be called the same by both names.
function different(numbers: readonly Buffer[]): readonly Buffer[] {
  return [...new Map(numbers.map((number) => [number.toString('hex'), number])).values()];
}

/** What is not in the answer is a doubt that a person must end. */
async function identifyAll(tx: Sql, wishes: readonly NumbersWish[]): Promise<ReadonlyMap<NumbersWish, Identified>> {
  const scopes = await scopesOfAll(tx, wishes);
  const known = await knownResultsOf(tx, wishes);
  const identified = new Map<NumbersWish, Identified>();
  for (const [place, wish] of wishes.entries()) {
    const before = { scopes: scopes[place] ?? new Map(), known: known[place] ?? [] };
    const answer = await identifyWith(wish.courier, wish.content.report, before, sameDecision(wish.claim));
    if (answer !== null) identified.set(wish, answer);
  }
  await rememberResultsOf(
    tx,
    [...identified].map(([{ patientKey, claim }, { results, identifiers }]) => ({
      patientKey,
      reportId: claim.reportId,
      results,
      identifiers,
    })),
  );
  return identified;
}

// A person who named the card knowing this says that the laboratory uses the number anew.
function isOverridden({ acknowledged, choices, overrideCard }: ClaimedDelivery): boolean {
  return (
    overrideCard !== null && acknowledged.includes('lab.number-other-patient') && !choices.includes('retract-first')
  );
}
