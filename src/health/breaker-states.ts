/** The breakers one by one. A target has one for reading and one for writing, or, where it is only written to, that one. */

import type { Breakers } from '../pipeline/pipeline.ts';
import type { Breaker } from '../queue/queue.ts';

export interface BreakerState {
  readonly target: string;
  readonly kind: 'read' | 'write';
  readonly isOpen: boolean;
}

type Entry = Breaker | { readonly read: Breaker; readonly write: Breaker };

export function breakerStates(breakers: Breakers): readonly BreakerState[] {
  return Object.entries<Entry>(breakers).flatMap(([target, entry]): BreakerState[] => {
    if ('isOpen' in entry) return [{ target, kind: 'write', isOpen: entry.isOpen() }];
    const { read, write } = entry;
    return [
      { target, kind: 'read', isOpen: read.isOpen() },
      { target, kind: 'write', isOpen: write.isOpen() },
    ];
  });
}
