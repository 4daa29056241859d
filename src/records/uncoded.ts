/** How many results went to cards without a code, per laboratory and code: counts only, nothing of a patient. */

import type { Sql } from '../ledger/ledger.ts';

export interface UncodedRow {
  /** Id in the registry, else the sender as sent. */
  readonly laboratory: string;
  /** The code as sent; null where what was sent has no code's shape. */
  readonly code: string | null;
  readonly why: 'unknown-code' | 'other-unit' | 'codes-disagree';
  readonly count: number;
}

export interface UncodedTotal extends UncodedRow {
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Adds to the counts. `sent`: where the rows come from, in a statement that records reports as delivered. */
// Always in one order: two reports with the same codes would else wait for each other's rows for ever.
export const addingUncoded = (sent: string) => `insert into uncoded (laboratory, code, why, result_count)
     select laboratory, code, why, sum(result_count)::bigint from ${sent}
     group by laboratory, code, why order by laboratory, code, why
     on conflict (laboratory, code, why) do update
       set result_count = uncoded.result_count + excluded.result_count, last_at = now()`;

const ADD = addingUncoded(
  'unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as sent (laboratory, code, why, result_count)',
);

/** The same in a transaction that records a report as delivered: a repeated step never counts twice. */
export async function addUncoded(tx: Sql, rows: readonly UncodedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(ADD, uncodedValues(rows));
}

export function uncodedValues(rows: readonly UncodedRow[]) {
  return [
    rows.map(({ laboratory }) => laboratory),
    rows.map(({ code }) => code ?? ''),
    rows.map(({ why }) => why),
    rows.map(({ count }) => count),
  ] as const;
}

/** The counts of one laboratory, or of all; of each the most frequent first. */
export async function uncodedTotals(sql: Sql, laboratory: string | null): Promise<readonly UncodedTotal[]> {
  const { rows } = await sql.query<UncodedTotal>(
    `select laboratory, nullif(code, '') as code, why, result_count::int as count, first_at as "firstAt", last_at as "lastAt"
     from uncoded where $1::text is null or laboratory = $1
     order by laboratory, result_count desc, uncoded.code, why`,
    [laboratory],
  );
  return rows;
}
