/** Assertions that were used. Each is good once, so that one that was overheard opens nothing a second time. */

import { createHash } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';
import type { SourceId } from '../shared/ids.ts';

/** Kept for longer than it is good: servers' clocks differ, and one that is behind must not take it anew. */
const KEPT_AFTER_EXPIRY_MS = 3_600_000;

/**
 * True for whoever comes first with this assertion, also of two that come at once. Its name is kept as a digest: what a
 * source calls its assertions is its own affair.
 */
export async function useAssertion(sql: Sql, sourceId: SourceId, jti: string, expiresAt: Date): Promise<boolean> {
  const { count } = await sql.query(
    'insert into source_assertion (source_id, jti, expires_at) values ($1, $2, $3) on conflict do nothing',
    [sourceId, createHash('sha256').update(jti).digest('base64url'), expiresAt],
  );
  return count === 1;
}

/** Forgets those that no server takes any more; answers how many. */
export async function forgetAssertions(sql: Sql, now: Date): Promise<number> {
  const { count } = await sql.query('delete from source_assertion where expires_at < $1', [
    new Date(now.getTime() - KEPT_AFTER_EXPIRY_MS),
  ]);
  return count;
}
