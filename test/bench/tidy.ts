/**
 * What a benchmark started ends with it, also where it is interrupted: PostgreSQL, Dovecot and workers outlive whoever
 * started them. (Nothing can be done where it is killed with SIGKILL.)
 */

type Step = () => Promise<unknown>;

export interface Tidy {
  /** To be done at the end, the last first; at once where the end has been. */
  push(step: Step): void;
  /** Whatever one step meets, the others go on. Who asks again waits for the same end. */
  release(): Promise<void>;
}

const INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const open = new Set<Tidy>();

function interrupted(): void {
  void Promise.all([...open].map((tidy) => tidy.release())).finally(() => process.exit(INTERRUPTED));
}

export function newTidy(): Tidy {
  const steps: Step[] = [];
  let ending: Promise<void> | null = null;
  const end = async () => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) await step().catch(() => {});
    open.delete(tidy);
    if (open.size === 0) for (const signal of SIGNALS) process.off(signal, interrupted);
  };
  const tidy: Tidy = {
    push: (step) => {
      if (ending === null || open.has(tidy)) steps.push(step);
      else void step().catch(() => {});
    },
    release: () => {
      ending ??= end();
      return ending;
    },
  };
  if (open.size === 0) for (const signal of SIGNALS) process.on(signal, interrupted);
  open.add(tidy);
  return tidy;
}
