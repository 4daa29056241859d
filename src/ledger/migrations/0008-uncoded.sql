-- Results that were delivered without a code of NHG table 45, counted per laboratory: what the mapping lacks. No patient, no
-- name, no value: `code` holds nothing but what has the shape of a determination code, else it is empty.
create table uncoded (
  laboratory   text not null,                 -- id in the registry, else the sender as sent; empty where none was
  code         text not null check (code ~ '^[A-Z0-9 ._-]{0,12}$'),
  why          text not null check (why in ('unknown-code', 'other-unit', 'codes-disagree')),
  result_count bigint not null check (result_count > 0),
  first_at     timestamptz not null default now(),
  last_at      timestamptz not null default now(),
  primary key (laboratory, code, why)
);
