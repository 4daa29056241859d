/** The only file that constructs adapters: configuration in, a Courier and one release() out. */

import { type Config, ConfigurationError, masterKeyOf, readEmbedded } from './config/config.ts';
import { openBoard } from './delivery/board/board.ts';
import { openPatientCard } from './delivery/patient-card/patient-card.ts';
import { openKeys } from './keys/keys.ts';
import { loadLaboratoryRegistry } from './lab/lab.ts';
import { type Ledger, openLedger, requireCurrentSchema } from './ledger/ledger.ts';
import { openMailbox } from './mailbox/mailbox.ts';
import type { Courier, Moment } from './pipeline/pipeline.ts';
import { openQueue } from './queue/queue.ts';
import { type Clock, systemClock } from './shared/clock.ts';
import { createLogger, type Logger } from './shared/logger.ts';

const CONNECTIONS_MAX = 20;
const CARD_TIMEOUT_MS = 30_000;
const MAILBOXES_MAX = 10_000;

/** What tests put in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly random?: () => number;
  readonly mark?: (moment: Moment) => void;
}

export interface Composition {
  readonly courier: Courier;
  release(): Promise<void>;
}

/** Where the services are: from the settings, or, embedded, from what `services up` wrote. */
export async function addressesOf(config: Config) {
  const embedded = config.isEmbedded ? await readEmbedded(config.dataDirectory) : null;
  const databaseUrl = config.databaseUrl ?? embedded?.databaseUrl;
  const redisUrl = config.redisUrl ?? embedded?.redisUrl;
  const masterKey = config.masterKey ?? (embedded === null ? null : masterKeyOf(Buffer.from(embedded.masterKey, 'base64')));
  if (databaseUrl === undefined || redisUrl === undefined || masterKey === null) {
    throw new ConfigurationError([{ name: 'ZORGKOERIER_EMBEDDED', problem: 'the embedded services are not up: run `zorgkoerier services up`' }]);
  }
  return { databaseUrl, redisUrl, masterKey };
}

/** Opens the ledger alone, for commands that only look or change settings. */
export async function composeLedger(config: Config, logger = createLogger(config.logLevel)): Promise<{ ledger: Ledger; logger: Logger }> {
  const { databaseUrl } = await addressesOf(config);
  const ledger = openLedger({ url: databaseUrl, connectionsMax: CONNECTIONS_MAX, logger });
  try {
    await requireCurrentSchema(ledger);
    return { ledger, logger };
  } catch (thrown) {
    await ledger.release();
    throw thrown;
  }
}

/** Opens everything a worker needs. Refuses a missing, older or newer schema, and a Redis that may forget. */
export async function compose(config: Config, overrides: Overrides = {}): Promise<Composition> {
  const addresses = await addressesOf(config);
  const clock = overrides.clock ?? systemClock;
  const { ledger, logger } = await composeLedger(config, overrides.logger);
  const keys = openKeys({ sql: ledger, master: addresses.masterKey });
  try {
    const queue = await openQueue({ redisUrl: addresses.redisUrl, logger, clock });
    const digest = await keys.digester('card');
    const target = (peer: Config['ckis']) => ({
      baseUrl: peer?.url ?? 'http://127.0.0.1:9/not-configured',
      token: peer?.token ?? null,
      digest,
      isProduction: !config.isEmbedded,
      timeoutMs: CARD_TIMEOUT_MS,
    });
    const courier: Courier = {
      ledger,
      keys,
      queue,
      registry: loadLaboratoryRegistry(config.laboratoriesPath ?? undefined),
      openMailbox,
      card: openPatientCard(target(config.ckis)),
      board: openBoard(target(config.cboards)),
      clock,
      logger,
      random: overrides.random ?? Math.random,
      limits: { ...config, mailboxesMax: MAILBOXES_MAX },
      mark: overrides.mark ?? (() => {}),
    };
    return { courier, release: async () => void (await Promise.allSettled([queue.release(), ledger.release()])) };
  } catch (thrown) {
    await ledger.release();
    throw thrown;
  }
}
