/** Redis connections: one address for both kinds, but opposite tempers. A producer fails fast, a worker never gives up. */

import { Redis } from 'ioredis';
import { Failure } from '../shared/failure.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;
const RECONNECT_FIRST_MS = 100;
/** BullMQ's own default grows to 20 s, and so long would work lie still after Redis is back (reliability §4: 15.7 s). */
const RECONNECT_MAX_MS = 2_000;

export interface RedisAddress {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: Record<string, never>;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly retryStrategy: (attempt: number) => number;
}

/** `redis://`, `rediss://` (TLS) or `unix:///path?db=1`, with user and password where there are any. */
export function redisOptions(redisUrl: string): RedisAddress {
  const url = parsed(redisUrl);
  const db = databaseNumber(url);
  return {
    ...(url.protocol === 'unix:'
      ? { path: decodeURIComponent(url.pathname) }
      : { host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(url.port || 6379) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(db === null ? {} : { db }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    retryStrategy: (attempt) => Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
  };
}

/** The connection that adds and counts: a command is refused at once while Redis is away, never kept for later. */
export function openProducer(redisUrl: string): Redis {
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0, lazyConnect: true };
  return new Redis({ ...redisOptions(redisUrl), ...options });
}

/** The options of a worker's two connections: commands wait for Redis to return, as BullMQ requires of workers. */
export function workerOptions(redisUrl: string): RedisAddress & { readonly maxRetriesPerRequest: null } {
  return { ...redisOptions(redisUrl), maxRetriesPerRequest: null };
}

function parsed(redisUrl: string): URL {
  const url = URL.canParse(redisUrl) ? new URL(redisUrl) : null;
  if (url === null || !['redis:', 'rediss:', 'unix:'].includes(url.protocol)) {
    // Without the address itself: it may hold a password.
    throw new Failure('queue.address', { kind: 'permanent', scope: 'peer' });
  }
  return url;
}

function databaseNumber(url: URL): number | null {
  const text = url.protocol === 'unix:' ? (url.searchParams.get('db') ?? '') : url.pathname.slice(1);
  if (text === '') return null;
  if (!/^\d{1,4}$/.test(text)) throw new Failure('queue.address', { kind: 'permanent', scope: 'peer' });
  return Number(text);
}
