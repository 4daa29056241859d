-- Holds grow old: alarms that open once, and a discard that two persons decide on.

-- Of any kind: what is the matter (a code), with which object. Open while closed_at is null.
create table alarm (
  id          bigint generated always as identity primary key,
  kind        text not null,
  object_id   text not null,
  practice_id uuid,
  level       text not null check (level in ('warn', 'error')),
  opened_at   timestamptz not null default now(),
  closed_at   timestamptz
);
create unique index alarm_open on alarm (kind, object_id) where closed_at is null;

-- { by, reason, at }: the first of two persons; gone with a release.
alter table delivery add column discard_wish jsonb;
