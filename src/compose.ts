/** The only file that constructs adapters: configuration in, a Courier and one release() out. */

import type { Api } from './api/api.ts';
import { type Config, ConfigurationError, masterKeyOf, type Peer, readEmbedded } from './config/config.ts';
import { type Board, openBoard } from './delivery/board/board.ts';
import { openPatientCard, strainOf } from './delivery/patient-card/patient-card.ts';
import { openZorgmail } from './delivery/zorgmail/zorgmail.ts';
import { type Metrics, newMetrics } from './health/health.ts';
import { type Keys, openKeys } from './keys/keys.ts';
import { type LaboratoryRegistry, loadLaboratoryRegistry } from './lab/lab.ts';
import { type Ledger, openLedger, requireCurrentSchema } from './ledger/ledger.ts';
import { type MailboxOpener, openMailbox } from './mailbox/mailbox.ts';
import type { Breakers, Courier, Moment } from './pipeline/pipeline.ts';
import { newAdaptiveLimit, newBreaker, openQueue, openQueueLate } from './queue/queue.ts';
import { openReadingThreads, type ReadingThreads } from './reading/reading.ts';
import { type Clock, systemClock } from './shared/clock.ts';
import { Failure } from './shared/failure.ts';
import { createLogger, type Logger } from './shared/logger.ts';

const CONNECTIONS_MAX = 20;
const TARGET_TIMEOUT_MS = 30_000;

/** What tests put in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly random?: () => number;
  readonly mark?: (moment: Moment) => void;
  readonly targetTimeoutMs?: number;
  /** What runs in the reading threads. */
  readonly readingModule?: URL;
}

export interface Composition {
  readonly courier: Courier;
  /** What the courier counts. */
  readonly metrics: Metrics;
  release(): Promise<void>;
}

/** Where the services are: from the settings, or, embedded, from what `services up` wrote. */
export async function addressesOf(config: Config) {
  const embedded = config.isEmbedded ? await readEmbedded(config.dataDirectory) : null;
  const databaseUrl = config.databaseUrl ?? embedded?.databaseUrl;
  const redisUrl = config.redisUrl ?? embedded?.redisUrl;
  const masterKey =
    config.masterKey ?? (embedded === null ? null : masterKeyOf(Buffer.from(embedded.masterKey, 'base64')));
  if (databaseUrl === undefined || redisUrl === undefined || masterKey === null) {
    throw new ConfigurationError([
      { name: 'ZORGKOERIER_EMBEDDED', problem: 'the embedded services are not up: run `zorgkoerier services up`' },
    ]);
  }
  return { databaseUrl, redisUrl, masterKey };
}

/** What commands need that switch, look or decide, but do not deliver. */
export interface Office {
  readonly ledger: Ledger;
  readonly keys: Keys;
  readonly openMailbox: MailboxOpener;
  readonly logger: Logger;
  readonly registry: LaboratoryRegistry;
  readonly reading: ReadingThreads;
  release(): Promise<void>;
}

/** Opens the ledger and the keys. Refuses a missing, older or newer schema. */
export async function composeOffice(config: Config, overrides: Overrides = {}): Promise<Office> {
  const { logger = createLogger(config.logLevel), clock = systemClock, readingModule } = overrides;
  const { databaseUrl, masterKey } = await addressesOf(config);
  const ledger = openLedger({ url: databaseUrl, connectionsMax: CONNECTIONS_MAX, logger });
  try {
    await requireCurrentSchema(ledger);
    const registry = loadLaboratoryRegistry(config.laboratoriesPath ?? undefined, config.determinationsPath);
    const keys = openKeys({ sql: ledger, master: masterKey, clock, dedupeDays: config.dedupeDays });
    const reading = openReadingThreads({
      registry,
      clock,
      logger,
      threadsMax: config.readConcurrency,
      withinMs: config.readWithinMs,
      ...(readingModule === undefined ? {} : { module: readingModule }),
    });
    const release = async () => {
      await reading.release();
      await ledger.release();
    };
    return { ledger, keys, openMailbox, logger, registry, reading, release };
  } catch (thrown) {
    await ledger.release();
    throw thrown;
  }
}

/** Opens everything a worker needs. Refuses also a missing cKIS, and a Redis that may forget. */
export async function compose(config: Config, overrides: Overrides = {}): Promise<Composition> {
  if (config.ckis === null) throw new ConfigurationError([{ name: 'ZORGKOERIER_CKIS_URL', problem: 'is missing' }]);
  const clock = overrides.clock ?? systemClock;
  const { redisUrl } = await addressesOf(config);
  const office = await composeOffice(config, overrides);
  // Also when a later part cannot be opened: a connection that stays open would keep the process from ending.
  const opened: { release(): Promise<void> }[] = [office];
  // The ledger last: a dialogue with the relay that is ended here is written down there.
  const release = async () => {
    const [ledger, ...others] = opened;
    await Promise.allSettled(others.map((part) => part.release()));
    await ledger?.release();
  };
  try {
    const queue = kept(opened, await openQueue({ redisUrl, logger: office.logger, clock }));
    const digest = await office.keys.digester('card');
    const isProduction = !config.isEmbedded;
    const turns = turnsOf(office.logger, clock, config.targetRequests);
    const target = (peer: Peer, name: keyof Courier['turns']) => ({
      turns: turns[name],
      baseUrl: peer.url,
      token: peer.token,
      digest,
      isProduction,
      timeoutMs: overrides.targetTimeoutMs ?? TARGET_TIMEOUT_MS,
    });
    const random = overrides.random ?? Math.random;
    const metrics = newMetrics();
    const courier: Courier = {
      ...office,
      openMailbox: metrics.metered(office.openMailbox),
      meter: metrics,
      queue,
      card: kept(opened, openPatientCard(target(config.ckis, 'patient-card'))),
      board: config.cboards === null ? unconfiguredBoard : kept(opened, openBoard(target(config.cboards, 'board'))),
      relay: config.smtp === null ? null : kept(opened, openZorgmail(config.smtp)),
      smtpFrom: config.smtp?.from ?? null,
      isProduction,
      breakers: breakersOf(office.logger, clock, random),
      turns,
      clock,
      random,
      limits: config,
      mark: overrides.mark ?? (() => {}),
    };
    return { courier, metrics, release };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

/** A statement of the intake that was not answered by then is answered 503: its source waits, and asks again. */
const API_ANSWER_WITHIN_MS = 10_000;

/**
 * Opens what the intake needs, and no more: no mailbox, no card, no relay. A Redis that is away when it starts is no reason
 * not to take anything: what was taken is found in the ledger.
 */
export async function composeApi(
  config: Config,
  overrides: Overrides = {},
): Promise<{ readonly api: Api; release(): Promise<void> }> {
  const { audience, perSource, perAddress } = config.api;
  if (audience === null) throw new ConfigurationError([{ name: 'ZORGKOERIER_API_AUDIENCE', problem: 'is missing' }]);
  const { logger = createLogger(config.logLevel), clock = systemClock } = overrides;
  const { databaseUrl, redisUrl, masterKey } = await addressesOf(config);
  const answerWithinMs = API_ANSWER_WITHIN_MS;
  const ledger = openLedger({ url: databaseUrl, connectionsMax: CONNECTIONS_MAX, logger, answerWithinMs });
  const opened: { release(): Promise<void> }[] = [ledger];
  const release = async () => void (await Promise.allSettled(opened.map((part) => part.release())));
  try {
    await requireCurrentSchema(ledger);
    const keys = openKeys({ sql: ledger, master: masterKey, clock, dedupeDays: config.dedupeDays });
    const queue = kept(opened, await openQueueLate({ redisUrl, logger, clock }));
    const isProduction = !config.isEmbedded;
    return { api: { ledger, keys, queue, logger, clock, isProduction, audience, perSource, perAddress }, release };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

function kept<Part extends { release(): Promise<void> }>(opened: { release(): Promise<void> }[], part: Part): Part {
  opened.push(part);
  return part;
}

function breakersOf(logger: Logger, clock: Clock, random: () => number): Breakers {
  const breaker = (target: 'card' | 'board' | 'zorgmail', state: 'read' | 'write') =>
    newBreaker({
      target,
      clock,
      random,
      onChange: (isOpen, failure) => {
        const fields = { target, state, ...(failure === null ? {} : { code: failure.code }) };
        if (isOpen) logger.error('target fails: it is left alone for a while', fields);
        else logger.info('target is asked again', fields);
      },
    });
  return {
    'patient-card': { read: breaker('card', 'read'), write: breaker('card', 'write') },
    board: { read: breaker('board', 'read'), write: breaker('board', 'write') },
    zorgmail: breaker('zorgmail', 'write'),
  };
}

function turnsOf(logger: Logger, clock: Clock, most: number): Courier['turns'] {
  const limit = (target: 'card' | 'board') =>
    newAdaptiveLimit({
      most,
      clock,
      strainOf,
      onLess: (count, { code }) => logger.warn('target is sent fewer requests at once', { target, count, code }),
    });
  return { 'patient-card': limit('card'), board: limit('board') };
}

// A practice may use cBoards before its address is set: its boards wait, its cards do not.
const notConfigured = async (): Promise<never> => {
  throw new Failure('board.not-configured', { kind: 'transient', scope: 'peer' });
};
const unconfiguredBoard: Board = {
  isSandbox: notConfigured,
  check: notConfigured,
  write: notConfigured,
  retract: notConfigured,
  countUnretracted: notConfigured,
};
