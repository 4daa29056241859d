-- Audit: the rest of the NEN 7513 fields, and seals over what was appended. Rows from before have null in the new columns.

alter table audit
  add column action        text check (action in ('C', 'R', 'U', 'D', 'E')),  -- create, read, update, delete, execute
  add column event_type    text,              -- what kind of event NEN 7513 calls it: read, search, transfer, log-access, …
  add column role          text check (role in ('software', 'staff')),
  add column is_requestor  boolean,           -- whether the actor asked for it; a worker does what was switched on
  add column purpose       text,              -- HL7 PurposeOfUse: TREAT, HSYSADMIN, HCOMPL
  add column access_point  text,              -- where the actor sat: host, terminal and address, or host and process
  add column source        text,              -- the program, its version and process
  add column participants  jsonb not null default '{}';  -- the other objects of the act, by kind; ids only

-- Whoever appends has a transaction id before the row gets its number. So once every transaction older than a moment has
-- ended, no row can appear any more under a number that was given out before that moment: what a seal over a range rests on.
create function audit_begins() returns trigger language plpgsql as $$
begin
  perform pg_current_xact_id();
  return null;
end $$;
create trigger audit_begins before insert on audit for each statement execute function audit_begins();

-- A link of the chain: all rows with from_id < id <= to_id, however many there are, and the link before it.
create table audit_seal (
  sequence      bigint primary key check (sequence > 0),
  version       int not null,                 -- of the encoding that was hashed
  from_id       bigint not null,
  to_id         bigint not null unique,
  row_ids       bigint[] not null check (cardinality(row_ids) > 0),
  row_hashes    bytea not null check (length(row_hashes) = 32 * cardinality(row_ids)),
  previous_hash bytea not null check (length(previous_hash) = 32),
  hash          bytea not null unique check (length(hash) = 32),
  mac           bytea not null check (length(mac) = 32),  -- of the hash, under a key that the ledger does not hold in the clear
  sealed_at     timestamptz not null,
  check (to_id > from_id)
);
