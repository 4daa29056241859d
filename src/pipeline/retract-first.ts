/**
 * A person decided that a lab number was never the first patient's: what was delivered under it is taken back from that
 * card and board, and only then is the report delivered to the right one.
 *
 * Remember (from then on nothing more goes to the first card under these numbers), act, acknowledge, under the lease of
 * the delivery that waits. It may be repeated at any moment: what is retracted already is left alone, and until all of it
 * is, the report is not delivered.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Retraction, WriteAnswer } from '../delivery/patient-card/patient-card.ts';
import { integrationOf, listPractices, type Practice } from '../practice/practice.ts';
import {
  arePatientsBusy,
  beginRetraction,
  deliveredUnder,
  endRetraction,
  lockContents,
  type NumberHolder,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { isShadowed, type LedgerHold } from './checks.ts';
import { labNumberDigests } from './digests.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';

/** done: nothing was to be taken back, or all of it is. later: something of the first patient is under way. */
export type RetractAnswer = 'done' | 'later' | LedgerHold;

/** How long to wait for what is under way, and between two looks at a board that cKIS fills. */
export const RETRACT_LATER_MS = 1_000;

export async function retractFirst(courier: Courier, delivery: OpenDelivery): Promise<RetractAnswer> {
  const { claim, content } = delivery;
  const cardId = claim.retractFrom;
  if (cardId === null) return 'done';
  // Where nothing may be written, nothing can be taken back: the report waits again for the number's sake.
  if (await isShadowed(delivery, courier.card)) return 'done';
  const { all: numbers } = await labNumberDigests(courier.keys, content.report, courier.registry);
  const holders = await courier.ledger.transaction(async (tx) => {
    await lockContents(tx, numbers);
    return beginRetraction(tx, numbers, cardId, claim.id);
  });
  const [first] = holders;
  if (first === undefined) return 'done';
  const patientKeys = holders.map(({ patientKey }) => patientKey);
  if (await arePatientsBusy(courier.ledger, patientKeys)) return 'later';
  const practice = (await listPractices(courier.ledger)).find(({ id }) => id === first.practiceId);
  if (practice === undefined || (await isInShadow(courier, practice))) return held('the first practice is in shadow');
  const retraction: Retraction = {
    ...(await deliveredUnder(courier.ledger, numbers, patientKeys)),
    version: first.since.toISOString(),
    deliveryId: claim.id,
  };
  // Delivered before zorgkoerier remembered results: nobody but cKIS knows what to take back.
  if (retraction.results.length === 0) return held('nothing known under the number');
  const onCard = await courier.card.retract({ patientId: cardId }, retraction);
  if (onCard.kind === 'held') return { code: onCard.code, detail: onCard.detail };
  courier.mark('retracted');
  const onBoard = await retractFromBoard(courier, delivery, practice, retraction, first);
  if (onBoard === 'later') return 'later';
  if (onBoard.kind === 'held') return { code: onBoard.code, detail: onBoard.detail };
  await acknowledge(courier, delivery, { numbers, cardId, first, practice, retraction });
  return 'done';
}

function held(detail: string): LedgerHold {
  return { code: 'lab.number-other-patient', detail };
}

async function isInShadow(courier: Courier, { id }: Practice): Promise<boolean> {
  return (await integrationOf(courier.ledger, id, 'forwarding'))?.mode !== 'live';
}

const NOTHING: WriteAnswer = { kind: 'written', resources: [] };

async function retractFromBoard(
  courier: Courier,
  delivery: OpenDelivery,
  { boards }: Practice,
  retraction: Retraction,
  { since }: NumberHolder,
): Promise<WriteAnswer | 'later'> {
  if (boards === 'none') return NOTHING;
  if (boards === 'by-us')
    return (await isShadowed(delivery, courier.board)) ? NOTHING : courier.board.retract(retraction);
  // cKIS carries it over. The right patient's result does not wait for that for ever.
  const inSight = await courier.board.countUnretracted(retraction).catch((thrown) => asFailure(thrown));
  if (inSight === 0) return NOTHING;
  if (courier.clock.now().getTime() - since.getTime() < courier.limits.boardWithinMs) return 'later';
  const code = typeof inSight === 'number' ? 'board.not-propagated' : inSight.code;
  courier.logger.error('retraction did not reach the board', { deliveryId: delivery.claim.id, code });
  return NOTHING;
}

interface Done {
  readonly numbers: readonly Buffer[];
  readonly cardId: string;
  readonly first: NumberHolder;
  readonly practice: Practice;
  readonly retraction: Retraction;
}

async function acknowledge(courier: Courier, { claim }: OpenDelivery, done: Done): Promise<void> {
  const { numbers, cardId, first, practice, retraction } = done;
  await courier.ledger.transaction(async (tx) => {
    if (!(await endRetraction(tx, numbers, cardId, claim.id))) return;
    await appendAudit(tx, [
      {
        event: 'report.retracted',
        actor: 'worker',
        objectKind: 'delivery',
        objectId: claim.id,
        practiceId: practice.id,
        patientKey: first.patientKey,
        fields: { card: cardId, results: retraction.results.length, reports: retraction.reports.length },
      },
    ]);
  });
}
