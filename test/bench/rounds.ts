/**
 * Taking turns: within a round every contender gets short slices of time, one after the other and in changing order, so
 * that whatever else the machine does meets all of them alike. What is compared is compared within a round.
 *
 * Seconds are those of processor time that this process used, its garbage collection included: waiting for a processor
 * that others have is not counted. On an idle machine they are seconds on the clock.
 */

export interface Turns {
  readonly rounds: number;
  /** Slices per contender and round. */
  readonly slices: number;
  readonly sliceMs: number;
}

/** Median, lowest and highest over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Runs every contender (each `run` is one pass of `perRun` items), and gives items per second of processor time, a number a round. */
export function takeTurns(
  runs: readonly (() => void)[],
  perRun: number,
  { rounds, slices, sliceMs }: Turns,
): readonly (readonly number[])[] {
  for (const run of runs) timed(run, sliceMs * 2);
  const rates: number[][] = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const totals = runs.map(() => ({ count: 0, ms: 0 }));
    for (let slice = 0; slice < slices; slice++) {
      runs.forEach((_, position) => {
        const turn = (position + slice + round) % runs.length;
        const { count, ms } = timed(runs[turn] as () => void, sliceMs);
        const total = totals[turn] as { count: number; ms: number };
        total.count += count;
        total.ms += ms;
      });
    }
    totals.forEach(({ count, ms }, turn) => {
      rates[turn]?.push((count * perRun * 1000) / ms);
    });
  }
  return rates;
}

/** Median, lowest and highest of some numbers; at least one. */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

// At least one run, so that a contender that needs longer than its slice is measured too.
function timed(run: () => void, ms: number): { readonly count: number; readonly ms: number } {
  const start = process.cpuUsage();
  let count = 0;
  let passed = 0;
  do {
    run();
    count++;
    const { user, system } = process.cpuUsage(start);
    passed = (user + system) / 1000;
  } while (passed < ms);
  return { count, ms: passed };
}
