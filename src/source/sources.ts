/** Statements on sources and their keys. */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { Failure, type FailureFields } from '../shared/failure.ts';
import { newId, type SourceId } from '../shared/ids.ts';
import { formOf } from './public-key.ts';
import type { PublicJwk, PublicKey, SigningKey, Source, SourceKey } from './source.ts';

const NAME = /^[a-z][a-z0-9-]{1,39}$/;

/** Adds a source with its first key. Throws `source.name`, `source.exists` or `source.key-used`. */
export async function addSource(tx: Sql, name: string, key: PublicKey, actor: string): Promise<SourceId> {
  if (!NAME.test(name)) throw refused('source.name');
  const id = newId<SourceId>();
  const added = await tx.query(
    'insert into source (id, name, added_by) values ($1, $2, $3) on conflict (name) do nothing',
    [id, name, actor],
  );
  if (added.count === 0) throw refused('source.exists', { name });
  await insertKey(tx, id, key);
  await appendAudit(tx, [
    { event: 'source.added', actor, objectKind: 'source', objectId: id, fields: { kid: key.kid } },
  ]);
  return id;
}

/**
 * A new key for a source. What it had stays good for the overlap, and no longer than it was going to be. Throws
 * `source.unknown`, `source.revoked` or `source.key-used`. Answers when the former keys end; null where there was none.
 */
export async function rotateSource(
  tx: Sql,
  name: string,
  key: PublicKey,
  overlapDays: number,
  actor: string,
): Promise<Date | null> {
  const id = await lockSource(tx, name);
  const { rows } = await tx.query<{ valid_until: Date }>(
    `update source_key set valid_until = least(valid_until, now() + make_interval(days => $2))
     where source_id = $1 and revoked_at is null and (valid_until is null or valid_until > now()) returning valid_until`,
    [id, overlapDays],
  );
  await insertKey(tx, id, key);
  await appendAudit(tx, [
    { event: 'source.rotated', actor, objectKind: 'source', objectId: id, fields: { kid: key.kid, overlapDays } },
  ]);
  const ends = rows.map(({ valid_until: until }) => until.getTime());
  return ends.length === 0 ? null : new Date(Math.max(...ends));
}

/** One key is good for nothing from now on. Throws `source.unknown`, `source.revoked` or `source.key-unknown`. */
export async function revokeKey(tx: Sql, name: string, kid: string, actor: string): Promise<void> {
  const id = await lockSource(tx, name);
  const { count } = await tx.query(
    'update source_key set revoked_at = now() where source_id = $1 and id = $2 and revoked_at is null',
    [id, kid],
  );
  if (count === 0) throw refused('source.key-unknown', { name });
  await appendAudit(tx, [{ event: 'source.key-revoked', actor, objectKind: 'source', objectId: id, fields: { kid } }]);
}

/** The source and all its keys are good for nothing from now on, for good. Throws `source.unknown` or `source.revoked`. */
export async function revokeSource(tx: Sql, name: string, actor: string): Promise<void> {
  const id = await lockSource(tx, name);
  await tx.query('update source set revoked_at = now() where id = $1', [id]);
  await tx.query('update source_key set revoked_at = now() where source_id = $1 and revoked_at is null', [id]);
  await appendAudit(tx, [{ event: 'source.revoked', actor, objectKind: 'source', objectId: id }]);
}

/** The source whose key this is, where both are good now. */
export async function findSigningKey(sql: Sql, kid: string): Promise<SigningKey | null> {
  const { rows } = await sql.query<{ id: SourceId; name: string; public_jwk: PublicJwk }>(
    `select s.id, s.name, k.public_jwk from source_key k join source s on s.id = k.source_id
     where k.id = $1 and k.revoked_at is null and s.revoked_at is null and (k.valid_until is null or k.valid_until > now())`,
    [kid],
  );
  const found = rows[0];
  return found === undefined ? null : { sourceId: found.id, name: found.name, jwk: found.public_jwk };
}

/** All that there ever were, by name. */
export async function listSources(sql: Sql): Promise<readonly Source[]> {
  const sources = await sql.query<Omit<Source, 'keys'>>(
    `select id, name, added_by as "addedBy", created_at as "createdAt", revoked_at as "revokedAt" from source order by name`,
  );
  const keys = await sql.query<Omit<SourceKey, 'form'> & { readonly sourceId: SourceId; readonly jwk: PublicJwk }>(
    `select id as kid, source_id as "sourceId", public_jwk as jwk, created_at as "createdAt", valid_until as "validUntil",
       revoked_at as "revokedAt",
       case when revoked_at is not null then 'revoked' when valid_until <= now() then 'over'
         when valid_until is not null then 'retiring' else 'current' end as state
     from source_key order by created_at desc, id`,
  );
  return sources.rows.map((source) => ({
    ...source,
    keys: keys.rows
      .filter(({ sourceId }) => sourceId === source.id)
      .map(({ sourceId: _sourceId, jwk, ...key }) => ({ ...key, form: formOf(jwk) })),
  }));
}

// Locked, so that of two rotations at once the later one finds the key of the former.
async function lockSource(tx: Sql, name: string): Promise<SourceId> {
  const { rows } = await tx.query<{ id: SourceId; revoked_at: Date | null }>(
    'select id, revoked_at from source where name = $1 for update',
    [name],
  );
  const found = rows[0];
  if (found === undefined) throw refused('source.unknown', { name: NAME.test(name) ? name : '?' });
  if (found.revoked_at !== null) throw refused('source.revoked', { name });
  return found.id;
}

// A key is one source's, once: one that was revoked, or is over, does not come back.
async function insertKey(tx: Sql, id: SourceId, { kid, jwk }: PublicKey): Promise<void> {
  const { count } = await tx.query(
    'insert into source_key (id, source_id, public_jwk) values ($1, $2, $3) on conflict (id) do nothing',
    [kid, id, JSON.stringify(jwk)],
  );
  if (count === 0) throw refused('source.key-used', { kid });
}

function refused(code: string, fields: FailureFields = {}): Failure {
  return new Failure(code, { kind: 'permanent', fields });
}
