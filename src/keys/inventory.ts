/** Which keys there are, since when, and how much still stands under each: read from the header of every ciphertext. */

import type { Sql } from '../ledger/ledger.ts';

export interface KeyFacts {
  readonly id: string;
  readonly purpose: string;
  /** AGB code of the practice, label of the mailbox; null for a key that is nobody's. */
  readonly owner: string | null;
  readonly ownerId: string | null;
  readonly state: 'current' | 'retired' | 'destroyed';
  readonly since: Date;
  readonly retiredAt: Date | null;
  readonly destroyedAt: Date | null;
  readonly masterKeyId: string;
  /**
   * Ciphertexts under it. Of a digest key: mails and reports with a digest from its time, since a digest names no key.
   * null: of the other MAC keys nothing can be said.
   */
  readonly rows: number | null;
  /**
   * A data key that was retired, under which nothing stands, and long enough ago that no worker writes with it any more.
   * Never a MAC key: a digest does not say which key it is of, so nothing could prove that none is left.
   */
  readonly isDestroyable: boolean;
}

// A worker may have had it in memory, and something sealed in its hands, for a while after it was retired.
const SETTLED = "k.retired_at < now() - interval '1 day'";

const KEY_ID = (ciphertext: string) => `encode(substring(${ciphertext} from 2 for 16), 'hex')::uuid`;

const SEALED = `select ${KEY_ID('content')} as key, count(*) as rows from mail where content is not null and octet_length(content) > 16 group by 1
  union all select ${KEY_ID('content')}, count(*) from report where content is not null and octet_length(content) > 16 group by 1
  union all select ${KEY_ID('content')}, count(*) from registration where content is not null and octet_length(content) > 16 group by 1
  union all select ${KEY_ID('content')}, count(*) from outward_mail where content is not null and octet_length(content) > 16 group by 1
  union all select ${KEY_ID('password')}, count(*) from mailbox where octet_length(password) > 16 group by 1`;

const DIGESTED = `(select count(*) from mail m where m.digest is not null and m.copied_at >= k.created_at and (k.retired_at is null or m.copied_at < k.retired_at))
  + (select count(*) from report r where (r.content_digest is not null or r.reference_digest is not null)
     and r.created_at >= k.created_at and (k.retired_at is null or r.created_at < k.retired_at))`;

/** Every key, by purpose and owner, the newest first. */
export async function keyInventory(sql: Sql): Promise<readonly KeyFacts[]> {
  const { rows } = await sql.query<KeyFacts>(
    `with sealed as (select key, sum(rows)::bigint as rows from (${SEALED}) s group by key),
       counted as (select k.*, case when k.purpose = 'mac-digest' then ${DIGESTED}
           when k.purpose like 'mac-%' then null else coalesce(s.rows, 0) end as rows
         from data_key k left join sealed s on s.key = k.id)
     select k.id, k.purpose, coalesce(p.agb, b.name) as owner, k.owner_id as "ownerId",
       case when k.destroyed_at is not null then 'destroyed' when k.retired_at is not null then 'retired' else 'current' end as state,
       k.created_at as since, k.retired_at as "retiredAt", k.destroyed_at as "destroyedAt", k.master_key_id as "masterKeyId", k.rows,
       coalesce(k.purpose not like 'mac-%' and k.wrapped is not null and ${SETTLED} and k.rows = 0, false) as "isDestroyable"
     from counted k left join practice p on k.purpose = 'practice' and p.id = k.owner_id left join mailbox b on k.purpose = 'mailbox' and b.id = k.owner_id
     order by k.purpose, owner nulls first, k.owner_id, k.retired_at desc nulls first, k.created_at desc`,
  );
  return rows;
}
