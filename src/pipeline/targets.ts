/**
 * The targets behind their breakers and limits: a target that fails is left alone, and what is for it waits unclaimed; one
 * that takes fewer requests at once than we have for it is sent fewer, and what is for it waits its turn.
 */

import { type ClaimedDelivery, waitsForTarget } from '../records/records.ts';
import type { Courier } from './pipeline.ts';

const TARGETS = ['patient-card', 'board'] as const;
type Target = (typeof TARGETS)[number];

/** Over which those who waited come back: work is under way again well within a minute of an outage's end. */
const SPREAD_MS = 5_000;

/** How long a target is left alone yet, in milliseconds; 0: it may be asked. */
export function waitOf({ breakers }: Pick<Courier, 'breakers'>, target: Target): number {
  return Math.max(breakers[target].read.waitMs(), breakers[target].write.waitMs());
}

/** How long the job of this delivery waits for its target, which is asked nothing meanwhile; 0: it may be claimed. */
export async function waitForTarget(courier: Courier, id: string, generation: number | null): Promise<number> {
  for (const target of TARGETS) {
    const waitMs = waitOf(courier, target);
    if (waitMs === 0) continue;
    // Spread, so that those who waited do not all come in the moment that one of them may ask.
    const delayMs = waitMs + Math.floor(courier.random() * Math.min(waitMs, SPREAD_MS));
    if (await waitsForTarget(courier.ledger, id, generation, { target, delayMs })) return delayMs;
  }
  return 0;
}

/**
 * Has `act` done by the courier with both targets guarded on behalf of one delivery, when there is room for it at its own.
 * null: this worker stops, and nothing was asked. The claim is renewed while it waits (deliver.ts).
 */
export async function inTurn<Answer>(
  courier: Courier,
  { id, target }: Pick<ClaimedDelivery, 'id' | 'target'>,
  act: (courier: Courier) => Promise<Answer>,
): Promise<Answer | null> {
  const end = await courier.turns[target].begin();
  if (end === null) return null;
  try {
    return await act(guarded(courier, id));
  } finally {
    end();
  }
}

function guarded(courier: Courier, deliveryId: string): Courier {
  const { card, board, breakers } = courier;
  const onCard = breakers['patient-card'];
  const onBoard = breakers.board;
  return {
    ...courier,
    card: {
      isSandbox: () => onCard.read.guard(deliveryId, () => card.isSandbox()),
      find: (...asked) => onCard.read.guard(deliveryId, () => card.find(...asked)),
      findById: (...asked) => onCard.read.guard(deliveryId, () => card.findById(...asked)),
      countMissing: (...asked) => onCard.read.guard(deliveryId, () => card.countMissing(...asked)),
      countUnretracted: (...asked) => onCard.read.guard(deliveryId, () => card.countUnretracted(...asked)),
      write: (...written) => onCard.write.guard(deliveryId, () => card.write(...written)),
      retract: (...taken) => onCard.write.guard(deliveryId, () => card.retract(...taken)),
    },
    board: {
      isSandbox: () => onBoard.read.guard(deliveryId, () => board.isSandbox()),
      check: (...asked) => onBoard.read.guard(deliveryId, () => board.check(...asked)),
      countUnretracted: (...asked) => onBoard.read.guard(deliveryId, () => board.countUnretracted(...asked)),
      write: (...written) => onBoard.write.guard(deliveryId, () => board.write(...written)),
      retract: (...taken) => onBoard.write.guard(deliveryId, () => board.retract(...taken)),
    },
  };
}
