/**
 * How many requests a target is sent at once: as many as it takes, and never more than its most.
 *
 * Where it says that it is too much, or answers nobody in time, half of what was under way is the most from then on, once for
 * all that was under way together. While the limit is used to the full and answers are good it grows by one per round. The
 * number that was too many last time is not tried again for a minute, since it costs everybody a pause (the breaker's).
 *
 * Requests go in the order in which they were asked for. What has begun goes before what has not: work of several requests
 * begins only when there is something for it to do, so that a narrow target has some work done, and not all of it half.
 */

import type { Clock } from '../shared/clock.ts';
import { asFailure, type Failure } from '../shared/failure.ts';

export interface AdaptiveLimitOptions {
  /** Never more at once; where it begins. */
  readonly most: number;
  readonly clock: Clock;
  /** What a failure says of how much there is: too much (`refused`), no answer in time (`late`), or nothing. */
  readonly strainOf: (failure: Failure) => 'refused' | 'late' | null;
  readonly onLess?: (limit: number, failure: Failure) => void;
}

export interface AdaptiveLimit {
  readonly most: number;
  /** Asks when it is its turn. Where the target refuses meanwhile, what waits fails as what was refused, and is not asked. */
  run<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
  /** Resolves when a piece of work may begin, with what must be called at its end. null: this process stops. */
  begin(): Promise<(() => void) | null>;
  load(): { readonly limit: number; readonly running: number };
  /** Nothing begins any more; what has begun goes on. */
  close(): void;
}

/** Work that has begun, per request: while one piece is at the ledger another asks. */
const BEGUN_PER_REQUEST = 2;
const REMEMBERED_MS = 60_000;

export function newAdaptiveLimit(options: AdaptiveLimitOptions): AdaptiveLimit {
  return new TargetLimit(options);
}

/** What held when a request began. */
interface Then {
  readonly decreases: number;
  readonly answered: number;
  readonly running: number;
}

class TargetLimit implements AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions;
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  readonly #toBegin: ((mayBegin: boolean) => void)[] = [];
  #limit: number;
  #running = 0;
  #begun = 0;
  #isClosed = false;
  #decreases = 0;
  #answered = 0;
  /** Good answers since it last changed, while it was used to the full. */
  #round = 0;
  #tooMany: { readonly count: number; readonly atMs: number } | null = null;

  constructor(options: AdaptiveLimitOptions) {
    this.#options = options;
    this.#limit = options.most;
  }

  get most(): number {
    return this.#options.most;
  }

  load() {
    return { limit: this.#limit, running: this.#running };
  }

  async run<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    await this.#turn();
    const then: Then = { decreases: this.#decreases, answered: this.#answered, running: this.#running };
    try {
      const answer = await ask();
      this.#wentWell(then);
      return answer;
    } catch (thrown) {
      this.#failed(then, asFailure(thrown));
      throw thrown;
    } finally {
      this.#running -= 1;
      this.#letIn();
    }
  }

  async begin(): Promise<(() => void) | null> {
    const mayBegin = await new Promise<boolean>((resolve) => {
      this.#toBegin.push(resolve);
      this.#letIn();
    });
    if (!mayBegin) return null;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#begun -= 1;
      this.#letIn();
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#letIn();
  }

  #turn(): Promise<void> {
    const mine = Promise.withResolvers<void>();
    this.#waiting.push(mine);
    this.#letIn();
    return mine.promise;
  }

  /** Whoever's turn it is; places are taken here, so that nobody comes in between. */
  #letIn(): void {
    while (this.#running < this.#limit && this.#waiting.length > 0) {
      this.#running += 1;
      this.#waiting.shift()?.resolve();
    }
    while (this.#toBegin.length > 0 && (this.#isClosed || this.#mayBegin())) {
      if (!this.#isClosed) this.#begun += 1;
      this.#toBegin.shift()?.(!this.#isClosed);
    }
  }

  // A target that takes all that it is offered is kept from nothing.
  #mayBegin(): boolean {
    return this.#limit >= this.most || this.#begun < BEGUN_PER_REQUEST * this.#limit;
  }

  #wentWell({ decreases }: Then): void {
    this.#answered += 1;
    // More than nobody wants is not tried: the next crowd would be the first to find out.
    const isFull = this.#running >= this.#limit || this.#toBegin.length > 0;
    if (decreases !== this.#decreases || !isFull || this.#limit >= this.#highest()) return;
    this.#round += 1;
    if (this.#round < this.#limit) return;
    this.#round = 0;
    this.#limit += 1;
  }

  #highest(): number {
    const { clock } = this.#options;
    if (this.#tooMany !== null && clock.elapsedMs() - this.#tooMany.atMs >= REMEMBERED_MS) this.#tooMany = null;
    return Math.min(this.most, (this.#tooMany?.count ?? Number.POSITIVE_INFINITY) - 1);
  }

  // What began before the last decrease met what that one was for.
  #failed(then: Then, failure: Failure): void {
    const strain = this.#options.strainOf(failure);
    if (strain === null || then.decreases !== this.#decreases) return;
    // Others were answered while it waited: it is that request, and not their number.
    if (strain === 'late' && this.#answered !== then.answered) return;
    this.#decrease(Math.min(this.#limit, Math.max(then.running, this.#running)), strain, failure);
  }

  #decrease(count: number, strain: 'refused' | 'late', failure: Failure): void {
    const before = this.#limit;
    this.#decreases += 1;
    this.#round = 0;
    // Fewer than the limit were refused for another reason than their number; of one there are no fewer.
    if (strain === 'refused' && count === before && count > 1)
      this.#tooMany = { count, atMs: this.#options.clock.elapsedMs() };
    this.#limit = Math.max(1, Math.floor(count / 2));
    if (strain === 'refused') for (const { reject } of this.#waiting.splice(0)) reject(failure);
    if (this.#limit < before) this.#options.onLess?.(this.#limit, failure);
  }
}
