/** So many at once, the others in the order in which they came. */

export interface Slots {
  /** Resolves when there is room; the answer gives it back, once. */
  take(): Promise<() => void>;
}

export function newSlots(most: number): Slots {
  let free = most;
  const waiting: (() => void)[] = [];
  const giveBack = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    take: async () => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let isTaken = true;
      return () => {
        if (isTaken) giveBack();
        isTaken = false;
      };
    },
  };
}
