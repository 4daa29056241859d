/**
 * The partitioned copy: mail, report and delivery by month of their id, which is a UUIDv7 and begins with its moment, so
 * that the primary keys, and the foreign keys to them, stay what they are. A unique index over anything else cannot span
 * partitions: each of those becomes a plain one to look up by, and a table that a trigger keeps and that refuses the same
 * rows. All indexes,
 * foreign keys and views are taken from the schema as it is; a unique index that this file does not know is refused.
 */

import type { Sql } from '../../src/ledger/ledger.ts';

export const TABLES = ['mail', 'report', 'delivery'] as const;
export type TableName = (typeof TABLES)[number];

export interface Month {
  /** Of its partitions: `mail_m00`. */
  readonly suffix: string;
  readonly from: Date;
  readonly to: Date;
}

const DAY_MS = 86_400_000;
export const MONTH_MS = 30 * DAY_MS;

/** `count` spans of 30 days, the oldest first, so that `now` is in the middle of the last. */
export function monthsUntil(now: Date, count: number): readonly Month[] {
  const end = now.getTime() + MONTH_MS / 2;
  const bound = (index: number) => new Date(end - (count - index) * MONTH_MS);
  return Array.from({ length: count }, (_, index) => ({
    suffix: `m${String(index).padStart(2, '0')}`,
    from: bound(index),
    to: bound(index + 1),
  }));
}

/** The lowest UUIDv7 of a moment. */
export function lowestId(moment: Date): string {
  const hex = moment.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Unique indexes without the id, and the table that takes the place of each. */
const GUARDS: Readonly<Record<string, string>> = {
  mail_epoch_id_uid_key: placesOf('mail', 'epoch_id uuid, uid bigint', 'epoch_id, uid', 'where epoch_id is not null'),
  report_mail_id_payload_ordinal_report_ordinal_key: placesOf(
    'report',
    'mail_id uuid, payload_ordinal int, report_ordinal int',
    'mail_id, payload_ordinal, report_ordinal',
  ),
  delivery_report_id_target_key: placesOf('delivery', 'report_id uuid, target text', 'report_id, target'),
  // Under the name that the claim knows the refusal by.
  delivery_one_patient: `create table parted.patient_turn (target text, patient_key bytea,
      constraint delivery_one_patient primary key (target, patient_key));
    create function parted.keep_turn() returns trigger language plpgsql as $$ begin
      if new.state in ('sending', 'uncertain') then insert into parted.patient_turn values (new.target, new.patient_key);
      else delete from parted.patient_turn where target = new.target and patient_key = new.patient_key; end if;
      return null; end $$;
    create trigger keep_turn after update of state on parted.delivery for each row when (new.patient_key is not null
      and (old.state in ('sending', 'uncertain')) <> (new.state in ('sending', 'uncertain'))) execute function parted.keep_turn();`,
};

/** The tables of the guards that hold a row per row. */
export const PLACES = TABLES.map((table) => `${table}_place`);

function placesOf(table: TableName, columns: string, key: string, which = ''): string {
  return `create table parted.${table}_place (${columns}, primary key (${key}));
    create function parted.keep_${table}_place() returns trigger language plpgsql as $$ begin
      insert into parted.${table}_place select ${key} from added ${which}; return null; end $$;
    create trigger keep_place after insert on parted.${table} referencing new table as added for each statement
      execute function parted.keep_${table}_place();`;
}

/** Makes the copy, and fills it with the same rows in the order of their ids. */
export async function makeCopy(sql: Sql, months: readonly Month[]): Promise<void> {
  const { keys, indexes, views } = await definitions(sql);
  await sql.query('create schema parted');
  await sql.query('set search_path = parted, public');
  for (const table of TABLES) {
    await sql.query(
      `create table parted.${table} (like public.${table} including defaults including constraints, primary key (id)) partition by range (id)`,
    );
    for (const { suffix, from, to } of months)
      await sql.query(
        `create table parted.${table}_${suffix} partition of parted.${table} for values from ('${lowestId(from)}') to ('${lowestId(to)}')`,
      );
  }
  for (const { name, definition, isUnique } of indexes) {
    const guard = GUARDS[name];
    if (isUnique && guard === undefined)
      throw new Error(`the unique index ${name} has no place in the partitioned copy`);
    if (guard !== undefined) await sql.query(guard);
    // Statements find rows by the unique ones too.
    await sql.query(
      definition
        .replace(/^CREATE UNIQUE INDEX (\S+)/, 'CREATE INDEX $1_rows')
        .replace(/ ON (public\.)?/, ' ON parted.'),
    );
  }
  for (const { table, definition } of keys) await sql.query(`alter table parted.${table} add ${definition}`);
  for (const { name, definition } of views) await sql.query(`create view parted.${name} as ${definition}`);
  await fillCopy(sql);
  await sql.query('reset search_path');
}

// Without triggers: the rows are known to be sound, and the guards are filled in one go.
async function fillCopy(sql: Sql): Promise<void> {
  await sql.query('set session_replication_role = replica');
  for (const table of TABLES) await sql.query(`insert into parted.${table} select * from public.${table} order by id`);
  await sql.query(
    'insert into parted.mail_place select epoch_id, uid from mail where epoch_id is not null order by id',
  );
  await sql.query(
    'insert into parted.report_place select mail_id, payload_ordinal, report_ordinal from report order by id',
  );
  await sql.query('insert into parted.delivery_place select report_id, target from delivery order by id');
  await sql.query('set session_replication_role = default');
}

interface Definitions {
  readonly keys: readonly { readonly table: TableName; readonly definition: string }[];
  readonly indexes: readonly { readonly name: string; readonly definition: string; readonly isUnique: boolean }[];
  readonly views: readonly { readonly name: string; readonly definition: string }[];
}

async function definitions(sql: Sql): Promise<Definitions> {
  const ours = `(${TABLES.map((table) => `'public.${table}'::regclass`).join(', ')})`;
  const keys = await sql.query<Definitions['keys'][number]>(
    `select conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'f' and conrelid in ${ours}`,
  );
  const indexes = await sql.query<Definitions['indexes'][number]>(
    `select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, i.indisunique as "isUnique"
     from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid in ${ours} and not i.indisprimary order by 1`,
  );
  const views = await sql.query<Definitions['views'][number]>(
    "select viewname as name, definition from pg_views where schemaname = 'public' order by 1",
  );
  return { keys: keys.rows, indexes: indexes.rows, views: views.rows };
}
