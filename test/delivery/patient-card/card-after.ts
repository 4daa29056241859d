/** What a card is after results of one key arrived, as plan-result.ts would have written it, without a server. */

import {
  type CardStatus,
  type Decision,
  type IncomingResult,
  newest,
  type ResultOnCard,
} from '../../../src/delivery/patient-card/newest.ts';

export interface Arrived {
  readonly card: ResultOnCard | null;
  /** In the order of arrival. */
  readonly held: readonly IncomingResult[];
}

/** One after the other, to a card that has nothing yet unless said otherwise. */
export function arrive(results: readonly IncomingResult[], before: ResultOnCard | null = null): Arrived {
  let card = before;
  const held: IncomingResult[] = [];
  for (const result of results) {
    const decision = newest(card, result);
    if (decision.kind === 'held') held.push(result);
    card = after(decision, card, result);
  }
  return { card, held };
}

const CARD_STATUS: Partial<Record<IncomingResult['status'], CardStatus>> = { retracted: 'entered-in-error' };

function after({ kind }: Decision, card: ResultOnCard | null, result: IncomingResult): ResultOnCard | null {
  const { status, version, content } = result;
  switch (kind) {
    case 'create':
    case 'replace': {
      const cardStatus = CARD_STATUS[status] ?? (status as CardStatus);
      return { patientId: 'p', status: cardStatus, version, content, confirmedVersion: null };
    }
    case 'confirm':
      return card === null ? null : { ...card, status: 'final', version, confirmedVersion: card.version };
    case 'replace-confirmed':
      return card === null ? null : { ...card, content, confirmedVersion: version };
    default:
      return card;
  }
}

/** Every order of a few. */
export function ordersOf<One>(ones: readonly One[]): readonly (readonly One[])[] {
  if (ones.length < 2) return [ones];
  return ones.flatMap((one, index) => ordersOf(ones.toSpliced(index, 1)).map((rest) => [one, ...rest]));
}
