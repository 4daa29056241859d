/**
 * Calls that come while an earlier one is under way are answered together by the next: one statement or transaction for
 * many deliveries instead of one each. A call that comes alone is answered at once, so nobody waits for company.
 *
 * What is done for several is done for each as if it were alone: where the ledger refuses something of one of them, each is
 * tried by itself, so that one delivery's trouble stays its own.
 */

import { asFailure } from '../shared/failure.ts';
import type { Courier } from './pipeline.ts';

/** Deliveries in one statement or transaction. */
export const TOGETHER_MOST = 50;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly answered: PromiseWithResolvers<Answer>;
}

export interface TogetherOptions<Item> {
  /** At most so many at once: what one statement is given, and one transaction holds. */
  readonly most: number;
  /** Rounds under way at once; one unless given. */
  readonly lanes?: number;
  /** Whether an item may go along with those that were chosen already; one that may not is in the next round. */
  readonly fits?: (item: Item, chosen: readonly Item[]) => boolean;
}

/** `act` answers every item in its place, and may be repeated where it threw. */
export function together<Item, Answer>(
  act: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { most, lanes = 1, fits = () => true }: TogetherOptions<Item>,
): (item: Item) => Promise<Answer> {
  let waiting: Waiting<Item, Answer>[] = [];
  let running = 0;
  const next = (): readonly Waiting<Item, Answer>[] => {
    const chosen: Waiting<Item, Answer>[] = [];
    const left: Waiting<Item, Answer>[] = [];
    for (const one of waiting) {
      const isNext =
        chosen.length < most &&
        fits(
          one.item,
          chosen.map(({ item }) => item),
        );
      (isNext ? chosen : left).push(one);
    }
    waiting = left;
    return chosen;
  };
  const run = async () => {
    running += 1;
    // Who calls in this very turn goes along.
    await Promise.resolve();
    while (waiting.length > 0) await answerAll(act, next());
    running -= 1;
  };
  return (item) => {
    const answered = Promise.withResolvers<Answer>();
    waiting.push({ item, answered });
    if (running < lanes) void run();
    return answered.promise;
  };
}

async function answerAll<Item, Answer>(
  act: (items: readonly Item[]) => Promise<readonly Answer[]>,
  all: readonly Waiting<Item, Answer>[],
): Promise<void> {
  try {
    const answers = await act(all.map(({ item }) => item));
    for (const [index, { answered }] of all.entries()) answered.resolve(answers[index] as Answer);
  } catch (thrown) {
    const isEverybodys = asFailure(thrown).scope === 'peer';
    if (all.length === 1 || isEverybodys) for (const { answered } of all) answered.reject(thrown);
    else for (const one of all) await answerAll(act, [one]);
  }
}

/** What a ledger and its keys are worked with by: two couriers of one ledger share nothing else. */
type LedgerAndKeys = Pick<Courier, 'ledger' | 'keys'>;

/** One of what `make` makes for each ledger that this process works with: deliveries of one ledger go together. */
export function perLedger<What>(make: (of: LedgerAndKeys) => What): (of: LedgerAndKeys) => What {
  const made = new WeakMap<Courier['ledger'], WeakMap<Courier['keys'], What>>();
  return ({ ledger, keys }) => {
    const ofLedger = made.get(ledger) ?? new WeakMap<Courier['keys'], What>();
    made.set(ledger, ofLedger);
    const known = ofLedger.get(keys);
    if (known !== undefined) return known;
    const what = make({ ledger, keys });
    ofLedger.set(keys, what);
    return what;
  };
}
