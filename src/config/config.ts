/**
 * The door of config/: the only place that reads process.env. Receives the environment; promises every setting checked,
 * all faults reported at once and by name. Never prints a value: it may be a password.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type ApiSettings, apiFaults, apiSettings } from './api.ts';
import { OWN_PREFIX, SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';
import { type SmtpPeer, smtpFaults, smtpPeer } from './smtp.ts';

export type { ApiSettings } from './api.ts';
export { type EmbeddedServices, readEmbedded, writeEmbedded } from './embedded.ts';
export { settingsTable } from './settings.ts';
export type { SmtpPeer } from './smtp.ts';

type Read = { readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']> | null };

/** 32 bytes, and the name under which the ledger says which one wrapped a key. */
export interface MasterKey {
  /** The first 8 hexadecimal digits of the key's SHA-256: tells keys apart, and tells nothing of the key. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface Peer {
  readonly url: string;
  readonly token: string | null;
}

export interface Config {
  /** null only when embedded: the composition fills in the embedded services' own. */
  readonly databaseUrl: string | null;
  readonly ownerDatabaseUrl: string | null;
  readonly redisUrl: string | null;
  readonly masterKey: MasterKey | null;
  /** The one that is to take its place; null but where `keys rotate --master` runs. */
  readonly nextMasterKey: MasterKey | null;
  readonly ckis: Peer | null;
  readonly cboards: Peer | null;
  /** null: nothing goes back to a HIS. */
  readonly smtp: SmtpPeer | null;
  readonly api: ApiSettings;
  readonly isEmbedded: boolean;
  readonly dataDirectory: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly language: 'nl' | 'en';
  readonly pollIntervalMs: number;
  readonly pollLongestMs: number;
  readonly loginsPerSecond: number;
  readonly loginsAtOnce: number;
  readonly mailboxesMax: number;
  readonly sweepIntervalMs: number;
  readonly mailMaxBytes: number;
  readonly readConcurrency: number;
  readonly readWithinMs: number;
  readonly deliverConcurrency: number;
  readonly targetRequests: number;
  readonly shutdownMs: number;
  readonly uncertainWaitMs: number;
  readonly boardWithinMs: number;
  readonly receiptWithinMs: number;
  readonly keepForwardedDays: number;
  readonly dedupeDays: number;
  readonly pruneIntervalMs: number;
  readonly auditSealFile: string | null;
  /** null: no server for health. */
  readonly healthListen: { readonly host: string; readonly port: number } | null;
  readonly polledWithinMs: number;
  readonly backlogWithinMs: number;
  readonly passwordDays: number | null;
  readonly laboratoriesPath: string | null;
  readonly determinationsPath: string | null;
}

export interface ConfigurationFault {
  readonly name: string;
  readonly problem: string;
}

/** Exit code 10. Its text names settings and what is wrong with them, never what they hold. */
export class ConfigurationError extends Error {
  readonly faults: readonly ConfigurationFault[];

  constructor(faults: readonly ConfigurationFault[]) {
    super(faults.map(({ name, problem }) => `${name}: ${problem}`).join('\n'));
    this.name = 'ConfigurationError';
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process: for cli.ts, which passes it on. */
export function processEnvironment(): Environment {
  return process.env;
}

/** What a command needs of the configuration beyond its being well-formed. */
export interface LoadOptions {
  /** `check` and `services` run without a ledger. */
  readonly requiresServices?: boolean;
  /** `start` and what else delivers: without cKIS there is nowhere to deliver to. */
  readonly requiresCkis?: boolean;
  /** `serve`: sources must be able to say whom they mean. */
  readonly requiresApi?: boolean;
}

/** Reads and checks all settings; throws one ConfigurationError with every fault. */
export function loadConfig(env: Environment = process.env, options: LoadOptions = {}): Config {
  const faults: ConfigurationFault[] = [...unknownNames(env)];
  const read = Object.fromEntries(SETTING_NAMES.map((name) => [name, readSetting(name, env, faults)])) as Read;
  if (options.requiresServices ?? true) faults.push(...missing(read, faults));
  if (
    options.requiresCkis &&
    read.ZORGKOERIER_CKIS_URL === null &&
    !faults.some(({ name }) => name === 'ZORGKOERIER_CKIS_URL')
  ) {
    faults.push({ name: 'ZORGKOERIER_CKIS_URL', problem: 'is missing' });
  }
  faults.push(...tokensWithoutTls(read), ...apiFaults(read, readSecret));
  faults.push(...smtpFaults(read, readSecret, faults));
  if (options.requiresApi) faults.push(...missingForApi(read, faults));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return asConfig(read);
}

function readSetting(name: SettingName, env: Environment, faults: ConfigurationFault[]): unknown {
  const fault = (problem: string) => {
    faults.push({ name, problem });
    return null;
  };
  const { schema, default: standard, isSecret } = SETTINGS[name];
  const inline = present(env[name]);
  const file = isSecret ? present(env[`${name}_FILE`]) : null;
  if (inline !== null && file !== null) return fault(`is given twice, also as ${name}_FILE`);
  const text = file === null ? (inline ?? standard) : readSecret(file);
  if (text === null) return file === null ? null : fault(`the file of ${name}_FILE cannot be read or is empty`);
  const parsed = schema.safeParse(text);
  return parsed.success ? parsed.data : fault(parsed.error.issues[0]?.message ?? 'is not right');
}

// An empty value is an absent one: that is how a compose file passes a variable that is not set.
function present(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text.trim();
}

function readSecret(path: string): string | null {
  try {
    return present(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function unknownNames(env: Environment): ConfigurationFault[] {
  const known = new Set<string>(
    SETTING_NAMES.flatMap((name) => (SETTINGS[name].isSecret ? [name, `${name}_FILE`] : name)),
  );
  return Object.keys(env)
    .filter((name) => name.startsWith(OWN_PREFIX) && !known.has(name))
    .sort()
    .map((name) => ({ name, problem: 'is not a setting' }));
}

// Never a silent empty ledger: without an address there is no starting, unless the embedded services were asked for.
function missing(read: Read, faults: readonly ConfigurationFault[]): ConfigurationFault[] {
  if (read.ZORGKOERIER_EMBEDDED) return [];
  return (['DATABASE_URL', 'REDIS_URL', 'ZORGKOERIER_MASTER_KEY'] as const)
    .filter((name) => read[name] === null && !faults.some((fault) => fault.name === name))
    .map((name) => ({ name, problem: 'is missing (or set ZORGKOERIER_EMBEDDED=1)' }));
}

function missingForApi(read: Read, faults: readonly ConfigurationFault[]): ConfigurationFault[] {
  const name = 'ZORGKOERIER_API_AUDIENCE';
  const isMissing = read[name] === null && !faults.some((fault) => fault.name === name);
  return isMissing ? [{ name, problem: 'is missing' }] : [];
}

// A token or a result over plain http could be read along; on the machine itself (the sandbox) nobody does.
function tokensWithoutTls(read: Read): ConfigurationFault[] {
  const problem = 'must be https, unless on this machine';
  return (['ZORGKOERIER_CKIS_URL', 'ZORGKOERIER_CBOARDS_URL'] as const)
    .filter((name) => /^http:\/\/(?!(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$))/.test(read[name] ?? ''))
    .map((name) => ({ name, problem }));
}

function asConfig(read: Read): Config {
  // Settings with a default are never null once no fault was found.
  const set = read as { readonly [Name in SettingName]: NonNullable<Read[Name]> };
  return {
    databaseUrl: read.DATABASE_URL,
    ownerDatabaseUrl: read.ZORGKOERIER_OWNER_DATABASE_URL,
    redisUrl: read.REDIS_URL,
    masterKey: read.ZORGKOERIER_MASTER_KEY === null ? null : masterKeyOf(read.ZORGKOERIER_MASTER_KEY),
    nextMasterKey: read.ZORGKOERIER_MASTER_KEY_NEXT === null ? null : masterKeyOf(read.ZORGKOERIER_MASTER_KEY_NEXT),
    ckis: peer(read.ZORGKOERIER_CKIS_URL, read.ZORGKOERIER_CKIS_TOKEN),
    cboards: peer(read.ZORGKOERIER_CBOARDS_URL, read.ZORGKOERIER_CBOARDS_TOKEN),
    smtp: smtpPeer(read, readSecret),
    api: apiSettings(read, readSecret),
    isEmbedded: set.ZORGKOERIER_EMBEDDED,
    dataDirectory: set.ZORGKOERIER_DATA_DIR,
    logLevel: set.ZORGKOERIER_LOG_LEVEL,
    language: set.ZORGKOERIER_LANGUAGE,
    pollIntervalMs: set.ZORGKOERIER_POLL_INTERVAL_MS,
    pollLongestMs: set.ZORGKOERIER_POLL_LONGEST_MS,
    loginsPerSecond: set.ZORGKOERIER_LOGINS_PER_SECOND,
    loginsAtOnce: set.ZORGKOERIER_LOGINS_AT_ONCE,
    mailboxesMax: set.ZORGKOERIER_MAILBOXES_MAX,
    sweepIntervalMs: set.ZORGKOERIER_SWEEP_INTERVAL_MS,
    mailMaxBytes: set.ZORGKOERIER_MAIL_MAX_BYTES,
    readConcurrency: set.ZORGKOERIER_READ_CONCURRENCY,
    readWithinMs: set.ZORGKOERIER_READ_WITHIN_MS,
    deliverConcurrency: set.ZORGKOERIER_DELIVER_CONCURRENCY,
    targetRequests: set.ZORGKOERIER_TARGET_REQUESTS,
    shutdownMs: set.ZORGKOERIER_SHUTDOWN_MS,
    uncertainWaitMs: set.ZORGKOERIER_UNCERTAIN_WAIT_MS,
    boardWithinMs: set.ZORGKOERIER_BOARD_WITHIN_MS,
    receiptWithinMs: set.ZORGKOERIER_RECEIPT_WITHIN_MS,
    keepForwardedDays: set.ZORGKOERIER_KEEP_FORWARDED_DAYS,
    dedupeDays: set.ZORGKOERIER_DEDUPE_DAYS,
    pruneIntervalMs: set.ZORGKOERIER_PRUNE_INTERVAL_MS,
    auditSealFile: read.ZORGKOERIER_AUDIT_SEAL_FILE,
    healthListen: read.ZORGKOERIER_HEALTH_LISTEN,
    polledWithinMs: set.ZORGKOERIER_POLLED_WITHIN_MS,
    backlogWithinMs: set.ZORGKOERIER_BACKLOG_WITHIN_MS,
    passwordDays: read.ZORGKOERIER_PASSWORD_DAYS,
    laboratoriesPath: read.ZORGKOERIER_LABORATORIES,
    determinationsPath: read.ZORGKOERIER_DETERMINATIONS,
  };
}

/** A master key and its id, from its 32 bytes. */
export function masterKeyOf(bytes: Buffer): MasterKey {
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

function peer(url: string | null, token: string | null): Peer | null {
  return url === null ? null : { url, token };
}
