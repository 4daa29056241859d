/**
 * What a kind of fault is. A new one is a file in faults/ with one of these, and its name in faults/all.ts.
 *
 * `strike` begins the fault, sees with its own eyes that it struck, ends it, and resolves; whatever it started is over
 * then. It throws where it could not strike: a fault that hit nothing proves nothing, and is not counted.
 */

import type { Random } from '../../src/sandbox/generator/random.ts';
import type { World } from '../../src/sandbox/world.ts';
import type { PrivateRedis } from '../support/private-redis.ts';
import type { Intake } from './intake.ts';
import type { OwnPostgres } from './own-postgres.ts';
import type { Source } from './source.ts';
import type { Traffic } from './traffic.ts';
import type { Workers } from './workers.ts';

/** Faults of one lane follow each other; those of different lanes may overlap. */
export type Lane =
  | 'copying'
  | 'delivering'
  | 'frozen'
  | 'clock'
  | 'redis'
  | 'postgres'
  | 'imap'
  | 'ckis'
  | 'mail'
  | 'relay'
  | 'intake';

export interface FaultKind {
  readonly name: string;
  readonly lane: Lane;
  /** Why it cannot be done on this machine; null where it can. */
  readonly obstacle?: (stage: Stage) => string | null;
  readonly strike: (stage: Stage) => Promise<void>;
}

/** What faults may do things to. */
export interface Stage {
  readonly world: World;
  readonly redis: PrivateRedis;
  readonly postgres: OwnPostgres;
  readonly workers: Workers;
  readonly traffic: Traffic;
  /** Where registrations come in. */
  readonly intake: Intake;
  /** Who posts them. */
  readonly source: Source;
  readonly random: Random;
  /** Real time: how long a thing is away, or mail goes on. */
  wait(ms: number): Promise<void>;
  /** As the ledger's owner. */
  sql<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** How long a fault waits for the moment to strike: other faults may be in its way. */
export const STRIKE_WITHIN_MS = 90_000;
