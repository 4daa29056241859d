/**
 * Every setting there is: its name, its shape, its default and what it means. The README's table is made from this list,
 * and a name that is not on it is refused.
 */

import { z } from 'zod';

const MINUTE_MS = 60_000;

export interface Setting {
  readonly schema: z.ZodType;
  /** As one would type it; null: none, and the setting is absent. */
  readonly default: string | null;
  readonly meaning: string;
  /** May come from a file (`NAME_FILE`), and is never printed. */
  readonly isSecret: boolean;
}

function setting<Schema extends z.ZodType>(schema: Schema, standard: string | null, meaning: string, isSecret = false) {
  return { schema, default: standard, meaning, isSecret };
}

const postgresUrl = z.string().regex(/^postgres(ql)?:\/\/\S+$/, 'must start with postgresql://');
const redisUrl = z.string().regex(/^(rediss?|unix):\/\/\S+$/, 'must start with redis://, rediss:// or unix://');
const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^\s?#]+$/, 'must be an http(s) address without query')
  .transform((text) => text.replace(/\/+$/, ''));
const smtpUrl = z
  .string()
  .regex(/^smtps?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/, 'must be smtp://host:port (STARTTLS) or smtps://host:port (TLS)')
  .transform((text) => text.toLowerCase());
const mailAddress = z.string().regex(/^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,200}$/, 'must be a mail address');
const listenAddress = z
  .string()
  .regex(/^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$/, 'must be host:port, such as 127.0.0.1:8080')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'must have a port of at most 65535');
const flag = z.enum(['0', '1'], 'must be 0 or 1').transform((text) => text === '1');
const token = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks');
const masterKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64 (openssl rand -base64 32)')
  .transform((text) => Buffer.from(text, 'base64'));

// A bare port is one on this machine: what may be read from elsewhere is said in full.
const healthAddress = z
  .string()
  .regex(/^(?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):)?\d{1,5}$/, 'must be host:port')
  .transform((text) => {
    const at = text.lastIndexOf(':');
    const host = at === -1 ? '127.0.0.1' : text.slice(0, at).replace(/^\[|\]$/g, '');
    return { host, port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'must be host:port');

function count(from: number, to: number) {
  const wrong = `must be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, wrong)
    .transform(Number)
    .refine((value) => value >= from && value <= to, wrong);
}

export const SETTINGS = {
  DATABASE_URL: setting(
    postgresUrl,
    null,
    'The ledger, as the worker’s role. Required unless ZORGKOERIER_EMBEDDED=1',
    true,
  ),
  ZORGKOERIER_OWNER_DATABASE_URL: setting(
    postgresUrl,
    null,
    'The ledger, as the role that owns the tables: only for `migrate`',
    true,
  ),
  REDIS_URL: setting(redisUrl, null, 'The queue. Required unless ZORGKOERIER_EMBEDDED=1', true),
  ZORGKOERIER_MASTER_KEY: setting(
    masterKey,
    null,
    'The key that wraps all others: 32 bytes in base64. Required unless ZORGKOERIER_EMBEDDED=1',
    true,
  ),
  ZORGKOERIER_MASTER_KEY_NEXT: setting(
    masterKey,
    null,
    'Only for `keys rotate --master`: the key that is to take the place of ZORGKOERIER_MASTER_KEY',
    true,
  ),
  ZORGKOERIER_CKIS_URL: setting(httpUrl, null, 'The FHIR R4 base address of cKIS'),
  ZORGKOERIER_CKIS_TOKEN: setting(token, null, 'The bearer token for cKIS', true),
  ZORGKOERIER_CBOARDS_URL: setting(httpUrl, null, 'The FHIR R4 base address of cBoards'),
  ZORGKOERIER_CBOARDS_TOKEN: setting(token, null, 'The bearer token for cBoards', true),
  ZORGKOERIER_SMTP_URL: setting(
    smtpUrl,
    null,
    'ZorgMail’s relay for what goes back to a HIS: `smtp://host:port` upgrades by STARTTLS before anything is said, `smtps://host:port` begins with TLS. Without port: 587 and 465',
  ),
  ZORGKOERIER_SMTP_USER: setting(token, null, 'The ZorgMail account that logs in to the relay'),
  ZORGKOERIER_SMTP_PASSWORD: setting(z.string().min(1), null, 'Its password', true),
  ZORGKOERIER_SMTP_FROM: setting(
    mailAddress,
    null,
    'The address that mail goes out from. Receipts come back to it: its mailbox is the one to watch for them',
  ),
  ZORGKOERIER_SMTP_CA: setting(
    z.string().min(1),
    null,
    'A file (PEM) with the certificate authority of the relay, where it is not one of the system’s',
  ),
  ZORGKOERIER_API_LISTEN: setting(
    listenAddress,
    '127.0.0.1:8080',
    'Where `serve` takes registrations. Beyond this machine only with TLS, or behind a proxy that speaks it',
  ),
  ZORGKOERIER_API_AUDIENCE: setting(
    token,
    null,
    'What sources address their assertions to (`aud`), such as the public address. Required for `serve`',
  ),
  ZORGKOERIER_API_TLS_CERT: setting(
    z.string().min(1),
    null,
    'A file (PEM) with the certificate of `serve` and its chain',
  ),
  ZORGKOERIER_API_TLS_KEY: setting(z.string().min(1), null, 'A file (PEM) with its private key'),
  ZORGKOERIER_API_BEHIND_PROXY: setting(
    flag,
    '0',
    '1: a proxy of ours stands before `serve`, speaks TLS, and says in X-Forwarded-For who asks. Nobody else may reach the port',
  ),
  ZORGKOERIER_API_PER_SOURCE: setting(
    count(1, 100_000),
    '300',
    'Requests that a source may make per minute, at each `serve`',
  ),
  ZORGKOERIER_API_PER_ADDRESS: setting(
    count(1, 100_000),
    '600',
    'Requests per minute and address, before it is known who asks, at each `serve`',
  ),
  ZORGKOERIER_UNCERTAIN_WAIT_MS: setting(
    count(1_000, 24 * 60 * MINUTE_MS),
    '900000',
    'How long a receipt is waited for when a mail to a HIS went out and the relay did not answer; then the same bytes are sent again. Not shorter than a dialogue may take',
  ),
  ZORGKOERIER_EMBEDDED: setting(flag, '0', '1: use the embedded PostgreSQL and a private redis-server'),
  ZORGKOERIER_DATA_DIR: setting(z.string().min(1), '.zorgkoerier', 'Where the embedded services keep their data'),
  ZORGKOERIER_LOG_LEVEL: setting(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be a log level'),
    'info',
    'trace, debug, info, warn, error or silent',
  ),
  ZORGKOERIER_LANGUAGE: setting(z.enum(['nl', 'en'], 'must be nl or en'), 'nl', 'The language of reasons: nl or en'),
  ZORGKOERIER_POLL_INTERVAL_MS: setting(
    count(1_000, 60 * MINUTE_MS),
    '30000',
    'How soon a mailbox is looked at when the server announces nothing: on a new connection, and after mail came',
  ),
  ZORGKOERIER_POLL_LONGEST_MS: setting(
    count(1_000, 60 * MINUTE_MS),
    '120000',
    'The same once such a look found nothing',
  ),
  ZORGKOERIER_LOGINS_PER_SECOND: setting(count(1, 1_000), '250', 'Logins that a worker begins in a second'),
  ZORGKOERIER_LOGINS_AT_ONCE: setting(count(1, 1_000), '100', 'Logins that a worker has under way'),
  ZORGKOERIER_MAILBOXES_MAX: setting(count(0, 20_000), '10000', 'Mailboxes that a worker reads at most'),
  ZORGKOERIER_SWEEP_INTERVAL_MS: setting(
    count(1_000, 60 * MINUTE_MS),
    '15000',
    'How often work that the queue forgot is added again',
  ),
  ZORGKOERIER_MAIL_MAX_BYTES: setting(
    count(10_000, 100_000_000),
    '5000000',
    'A larger mail is not fetched but quarantined',
  ),
  ZORGKOERIER_READ_CONCURRENCY: setting(count(1, 64), '2', 'Batches of mail read at once, per worker'),
  ZORGKOERIER_READ_WITHIN_MS: setting(
    count(1_000, MINUTE_MS),
    '20000',
    'How long a mail above 1 MB, or one whose reading did not end before, may be read',
  ),
  ZORGKOERIER_DELIVER_CONCURRENCY: setting(count(1, 300), '64', 'Reports delivered at once, per worker'),
  ZORGKOERIER_TARGET_REQUESTS: setting(
    count(1, 300),
    '32',
    'Requests that a worker sends cKIS at once at most, and cBoards. A target that says it is too much (429, 503) is sent fewer, until it takes more again',
  ),
  ZORGKOERIER_SHUTDOWN_MS: setting(count(1_000, 10 * MINUTE_MS), '20000', 'Time to finish running work at SIGTERM'),
  ZORGKOERIER_BOARD_WITHIN_MS: setting(
    count(1_000, 24 * 60 * MINUTE_MS),
    '600000',
    'How long a result on the card may take to appear on the board before it is an alarm',
  ),
  ZORGKOERIER_RECEIPT_WITHIN_MS: setting(
    count(60_000, 30 * 24 * 60 * MINUTE_MS),
    '86400000',
    'How long it may take until something is heard of a registration that was sent, before it is an alarm',
  ),
  ZORGKOERIER_KEEP_FORWARDED_DAYS: setting(
    count(1, 3_650),
    '30',
    'How long the content of what was forwarded or shadowed is kept',
  ),
  ZORGKOERIER_DEDUPE_DAYS: setting(
    count(100, 3_650),
    '400',
    'How long a message is recognised that came before: longer than any mail stays in a mailbox. Digests and retired digest keys are kept for it',
  ),
  ZORGKOERIER_PRUNE_INTERVAL_MS: setting(
    count(1_000, 24 * 60 * MINUTE_MS),
    '3600000',
    'How often a worker erases what has had its time',
  ),
  ZORGKOERIER_AUDIT_SEAL_FILE: setting(
    z.string().min(1),
    null,
    'A file to which the seals of the audit are also written; keep copies of it elsewhere, for `audit verify --seals`',
  ),
  ZORGKOERIER_HEALTH_LISTEN: setting(
    healthAddress,
    null,
    'Where a worker serves `/metrics`, `/healthz` and `/livez`, as `host:port`; a port alone is one on this machine (127.0.0.1). Whoever may connect may read: codes and numbers, nothing about a person',
  ),
  ZORGKOERIER_POLLED_WITHIN_MS: setting(
    count(10_000, 24 * 60 * MINUTE_MS),
    '900000',
    'How long no look at a mailbox may end well before it is an alarm, and `/healthz` fails',
  ),
  ZORGKOERIER_BACKLOG_WITHIN_MS: setting(
    count(10_000, 24 * 60 * MINUTE_MS),
    '900000',
    'How long something may wait before a step before it is an alarm, and `/healthz` fails where the target is up',
  ),
  ZORGKOERIER_PASSWORD_DAYS: setting(
    count(1, 3_650),
    null,
    'How old a mailbox’s password may become before it is an alarm: some days less than the mail service lets it live. Without it none is ever too old',
  ),
  ZORGKOERIER_LABORATORIES: setting(z.string().min(1), null, 'A file instead of the built-in list of laboratories'),
  ZORGKOERIER_DETERMINATIONS: setting(
    z.string().min(1),
    null,
    'A file of determination codes over the built-in one, in the form of `src/lab/codes/determinations.csv`',
  ),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** Where a name is one of ours by its look, so that a typing error in it is found. */
export const OWN_PREFIX = 'ZORGKOERIER_';

/** The README's table of settings, in markdown. */
export function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { default: standard, meaning, isSecret } = SETTINGS[name];
    const file = isSecret ? ` (or \`${name}_FILE\`)` : '';
    return `| \`${name}\`${file} | ${standard === null ? '' : `\`${standard}\``} | ${meaning} |`;
  });
  return ['| setting | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}
