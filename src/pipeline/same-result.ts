/**
 * Which results of a report are results that were delivered before (lab-report.md, `key` and `lab.key-changed`). Pure.
 *
 * The key says so within one report. Across reports it may lie: a laboratory begins to send codes, a cumulative report
 * puts the newest collection first, one of two equals is left out. So what was delivered under the lab number is compared:
 *
 * - one code at one moment, as often as before: the same, in the order sent; its collection time is a value like others;
 * - one code at several moments: the same where the moment is, else a new one. What is left out stays as it is;
 * - as many equals as never before at one moment: a doubt, since nobody can tell which of them is which;
 * - a code (or sub-id, or order) that is new, for a name, material and moment that were delivered under another one which
 *   this report does not have: a doubt, since both rows together would show one determination twice.
 *
 * A person ends a doubt: `same` puts each in the place of the earlier one, in the order sent, so that there is one row
 * with its history, which later reports find under the old code and the new; `both` gives each a row of its own.
 */

export interface Delivered {
  readonly code: string;
  readonly name: string;
  readonly moment: string;
  readonly day: string;
  readonly ordinal: number;
  readonly identifier: string;
}

export interface Incoming extends Omit<Delivered, 'identifier'> {
  /** What its own key gives, and what it gives with another place among its equals. */
  readonly own: string;
  readonly withOrdinal: (ordinal: number) => string;
  /** Null: the display name is empty, and says nothing about which determination it is. */
  readonly isNamed: boolean;
}

/** What a person decided about a doubt, or null. */
export type SameDecision = 'same' | 'both' | null;

/** The identifier of each incoming result, in its order; null: a person must decide. */
export function identifyResults(
  known: readonly Delivered[],
  incoming: readonly Incoming[],
  decision: SameDecision,
): readonly string[] | null {
  const matches = matchByCode(known, incoming);
  const used = new Set([...matches.pairs.values()].map(({ identifier }) => identifier));
  const byName = matchByName(known, incoming, matches, used);
  if ((matches.doubts.size > 0 || byName.size > 0) && decision === null) return null;
  const same = decision === 'same' ? new Map([...matches.doubts, ...byName]) : new Map<Incoming, Delivered | null>();
  return assign(known, incoming, (one) => matches.pairs.get(one) ?? same.get(one) ?? null);
}

interface Matches {
  readonly pairs: Map<Incoming, Delivered>;
  /** With the earlier one that it would be if the order is the same; null where there is one more than before. */
  readonly doubts: Map<Incoming, Delivered | null>;
  /** No result of this code was delivered before. */
  readonly fresh: readonly Incoming[];
}

function matchByCode(known: readonly Delivered[], incoming: readonly Incoming[]): Matches {
  const before = Map.groupBy(known, ({ code }) => code);
  const matches = { pairs: new Map<Incoming, Delivered>(), doubts: new Map<Incoming, Delivered | null>() };
  const fresh: Incoming[] = [];
  for (const [code, ones] of Map.groupBy(incoming, (one) => one.code)) {
    const earlier = before.get(code) ?? [];
    if (earlier.length === 0) fresh.push(...ones);
    else if (isOneMoment(earlier) && isOneMoment(ones)) pairUp(matches, earlier, ones);
    else for (const equals of byMoment(ones)) pairUp(matches, atMoment(earlier, equals), equals);
  }
  return { ...matches, fresh };
}

function isOneMoment(ones: readonly { readonly moment: string }[]): boolean {
  return new Set(ones.map(({ moment }) => moment)).size <= 1;
}

function byMoment(ones: readonly Incoming[]): readonly (readonly Incoming[])[] {
  return [...Map.groupBy(ones, ({ moment }) => moment).values()];
}

/** What was delivered of this moment; else of a date without a clock time that it falls on. */
function atMoment(earlier: readonly Delivered[], [first]: readonly Incoming[]): readonly Delivered[] {
  const exact = earlier.filter(({ moment }) => moment === first?.moment);
  return exact.length > 0 ? exact : earlier.filter((one) => first !== undefined && isSameMoment(one, first));
}

function isSameMoment(left: Pick<Delivered, 'moment' | 'day'>, right: Pick<Delivered, 'moment' | 'day'>): boolean {
  return left.moment === right.moment || left.moment === right.day || left.day === right.moment;
}

function pairUp(
  { pairs, doubts }: Pick<Matches, 'pairs' | 'doubts'>,
  earlier: readonly Delivered[],
  ones: readonly Incoming[],
): void {
  if (earlier.length === 0) return;
  const [left, right] = [inOrder(earlier), inOrder(ones)];
  const isCertain = left.length === right.length;
  for (const [index, one] of right.entries()) {
    const other = left[index];
    if (isCertain && other !== undefined) pairs.set(one, other);
    else doubts.set(one, other ?? null);
  }
}

function inOrder<One extends { readonly ordinal: number }>(ones: readonly One[]): readonly One[] {
  return ones.toSorted((left, right) => left.ordinal - right.ordinal);
}

/** Results of a new code for a name that stands on the card under a code that this report does not have. */
function matchByName(
  known: readonly Delivered[],
  incoming: readonly Incoming[],
  { fresh }: Matches,
  used: ReadonlySet<string>,
): ReadonlyMap<Incoming, Delivered> {
  const codes = new Set(incoming.map(({ code }) => code));
  const claimed = new Set(used);
  const found = new Map<Incoming, Delivered>();
  for (const one of fresh.filter(({ isNamed }) => isNamed)) {
    const earlier = inOrder(known).find(
      (other) =>
        other.name === one.name && !codes.has(other.code) && !claimed.has(other.identifier) && isSameMoment(other, one),
    );
    if (earlier === undefined) continue;
    claimed.add(earlier.identifier);
    found.set(one, earlier);
  }
  return found;
}

/** Each its own identifier: the earlier one's, else what its key gives, else the first place among its equals that is free. */
function assign(
  known: readonly Delivered[],
  incoming: readonly Incoming[],
  earlierOf: (one: Incoming) => Delivered | null,
): readonly string[] {
  const earlier = incoming.map(earlierOf);
  const taken = new Set([...known, ...earlier.filter((one) => one !== null)].map(({ identifier }) => identifier));
  return incoming.map((one, index) => {
    const identifier = earlier[index]?.identifier ?? freeIdentifier(one, taken);
    taken.add(identifier);
    return identifier;
  });
}

function freeIdentifier({ own, withOrdinal }: Incoming, taken: ReadonlySet<string>): string {
  if (!taken.has(own)) return own;
  // At most one place more than there are taken ones.
  for (let ordinal = 1; ordinal <= taken.size; ordinal += 1) {
    const other = withOrdinal(ordinal);
    if (!taken.has(other)) return other;
  }
  return withOrdinal(taken.size + 1);
}
