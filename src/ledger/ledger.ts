/**
 * The door of ledger/: PostgreSQL, which owns content, identity, state, outcome and history.
 *
 * It promises: a transaction is all or nothing; a statement that could not be sent fails as `ledger.unreachable`; an
 * error never carries the values that a statement held. It knows no nouns: statements live with the noun they serve.
 */

export type SqlValue =
  | string
  | number
  | boolean
  | Date
  | Buffer
  | null
  | readonly (string | number | boolean | Date | Buffer | null)[];

export interface SqlResult<Row> {
  readonly rows: readonly Row[];
  /** Rows changed or returned. */
  readonly count: number;
}

/** Something that runs a statement: the pool, or a transaction on it. */
export interface Sql {
  query<Row = Record<string, never>>(text: string, values?: readonly SqlValue[]): Promise<SqlResult<Row>>;
}

export interface Ledger extends Sql {
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<Answer>(work: (tx: Sql) => Promise<Answer>): Promise<Answer>;
  /** Calls `heard` for every NOTIFY on the channel, and once after each reconnect, since some may have been missed. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  /** Connections of the pool now, and how many pieces of work wait for one. */
  load(): PoolLoad;
  release(): Promise<void>;
}

export interface PoolLoad {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

export { migrate, requireCurrentSchema, type SchemaAnswer, schemaState } from './migrate.ts';
export { type LedgerOptions, openLedger } from './pool.ts';
export {
  DELIVERY_STATES,
  type DeliveryState,
  isAtRest,
  type MailOutcome,
  OUTCOMES,
  REGISTRATION_STATES,
  type RegistrationState,
} from './states.ts';
