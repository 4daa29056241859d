-- The ledger: identity, state, outcome and history of everything on the journey.
-- Content (raw mails, reports, passwords) is ciphertext; persons are keyed digests. See ARCHITECTURE.md, "Ledger".

-- Keys ------------------------------------------------------------------------------------------------------------

create table data_key (
  id            uuid primary key,
  purpose       text not null check (purpose in ('mailbox', 'practice', 'replay', 'mac-bsn', 'mac-digest', 'mac-patient', 'mac-card')),
  owner_id      uuid,                         -- the mailbox or practice; null for replay and MAC keys
  wrapped       bytea,                        -- under the master key; null once destroyed
  master_key_id text not null,
  created_at    timestamptz not null default now(),
  retired_at    timestamptz,
  destroyed_at  timestamptz,
  check ((wrapped is null) = (destroyed_at is not null))
);
create unique index data_key_current on data_key (purpose, coalesce(owner_id, '00000000-0000-0000-0000-000000000000')) where retired_at is null;

-- Practices, mailboxes, integrations -------------------------------------------------------------------------------

create table practice (
  id         uuid primary key,
  agb        text not null unique check (agb ~ '^[0-9]{8}$'),
  name       text not null,
  his        text not null,
  products   text[] not null check (products <@ array['cKIS', 'cBoards'] and cardinality(products) > 0),
  boards     text not null check (boards in ('none', 'by-ckis', 'by-us')),
  created_at timestamptz not null default now(),
  check ((boards = 'none') = not ('cBoards' = any (products) and 'cKIS' = any (products)))
);

create table zorgmail_account (
  account     text primary key check (account ~ '^[0-9]{8,10}$'),
  practice_id uuid not null references practice
);

create table integration (
  practice_id    uuid not null references practice,
  name           text not null check (name in ('forwarding', 'registrations')),
  state          text not null check (state in ('enabled', 'paused', 'disabled')),
  mode           text not null check (mode in ('shadow', 'live')),
  authorised_by  text,
  authorised_on  date,
  determinations jsonb,                       -- null: not chosen; "all"; or a list of NHG numbers and raw codes
  since          timestamptz not null,        -- mails from before this moment are none of our business
  changed_at     timestamptz not null default now(),
  disabled_at    timestamptz,
  primary key (practice_id, name),
  check (mode = 'shadow' or name <> 'forwarding' or (authorised_by is not null and authorised_on is not null and determinations is not null)),
  check ((state = 'disabled') = (disabled_at is not null))
);

create table worker (
  id          uuid primary key,
  epoch       bigint not null,
  alive_until timestamptz not null,
  started_at  timestamptz not null default now()
);

create table mailbox (
  id             uuid primary key,
  name           text not null unique,        -- a label for people, never an address
  kind           text not null check (kind in ('practice', 'copy')),
  purpose        text not null check (purpose in ('laboratory', 'return', 'ozis')),
  host           text not null,
  port           int not null check (port between 1 and 65535),
  security       text not null check (security in ('tls', 'starttls')),
  username       text not null,
  password       bytea not null,              -- ciphertext under the mailbox's key
  path           text not null,
  ca             text,                        -- PEM of a private authority; null: the system's
  owner_id       uuid,                        -- the worker that reads it now
  owner_epoch    bigint not null default 0,   -- raised at every change of owner: a commit with an old one changes nothing
  last_polled_at timestamptz,
  trouble        text,                        -- code of the last failed visit; null after a good one
  created_at     timestamptz not null default now()
);

create table mailbox_practice (
  mailbox_id  uuid not null references mailbox,
  practice_id uuid not null references practice,
  primary key (mailbox_id, practice_id)
);
create index on mailbox_practice (practice_id);

-- A stretch of uids of one mailbox under one uidValidity. assigned = listed_count + (uid_next - start_uid).
create table epoch (
  id           uuid primary key,
  mailbox_id   uuid not null references mailbox,
  uid_validity bigint not null check (uid_validity > 0),
  start_uid    bigint not null check (start_uid > 0),
  listed_count int not null default 0,        -- older uids, below start_uid, that were assigned by date
  cursor_uid   bigint not null,               -- every uid up to here has its row
  uid_next     bigint not null,               -- as the server last said
  opened_at    timestamptz not null default now(),
  closed_at    timestamptz,
  check (cursor_uid >= start_uid - 1 and uid_next >= start_uid and cursor_uid < uid_next)
);
create unique index epoch_open on epoch (mailbox_id) where closed_at is null;

-- The journey -------------------------------------------------------------------------------------------------------

create table read_batch (
  id            uuid primary key,
  mailbox_id    uuid references mailbox,      -- null: replayed files
  generation    int not null default 1,
  next_check_at timestamptz not null,
  created_at    timestamptz not null default now()
);

create table mail (
  id            uuid primary key,
  source        text not null check (source in ('mailbox', 'replay')),
  mailbox_id    uuid references mailbox,
  epoch_id      uuid references epoch,
  uid           bigint,
  internal_date timestamptz,
  day           date not null,                -- Europe/Amsterdam date of internal_date; vanished: the day it was noticed
  bytes         int,
  state         text not null check (state in ('assigned', 'copied', 'read')),
  verdict       text check (verdict in ('not-lab', 'receipt', 'duplicate', 'discarded', 'vanished')),
  reason        text,
  digest        bytea,                        -- keyed, of the raw bytes
  content       bytea,                        -- ciphertext of the raw bytes
  read_batch_id uuid references read_batch,
  read_attempts int not null default 0,
  lease_token   uuid,
  lease_until   timestamptz,
  copied_at     timestamptz,
  read_at       timestamptz,
  erased_at     timestamptz,
  unique (epoch_id, uid),
  check ((source = 'mailbox') = (epoch_id is not null and uid is not null)),
  check (state = 'read' or verdict is null)
);
create index mail_waiting on mail (read_batch_id) where state = 'copied';
create index mail_assigned on mail (epoch_id, uid) where state = 'assigned';
create index mail_digest on mail (digest);
create index mail_of_mailbox on mail (mailbox_id);

create table report (
  id               uuid primary key,
  mail_id          uuid not null references mail,
  practice_id      uuid references practice,  -- null: not established (held)
  kind             text not null check (kind in ('report', 'payload')),  -- payload: one that was not understood
  payload_ordinal  int not null,
  report_ordinal   int not null,              -- 0 for a payload
  format           text not null,
  laboratory       text,                      -- id in the registry
  sender           text,                      -- account or facility as sent, where the registry has none
  patient_key      bytea,                     -- keyed hash of the BSN
  content_digest   bytea,                     -- keyed, of the clinical content and its version
  reference_digest bytea,                     -- keyed, of laboratory, time and references
  version          text,                      -- ISO 8601: which of two reports is newer
  is_corrected     boolean not null default false,
  withheld_count   int not null default 0,
  content          bytea,                     -- ciphertext of the report
  created_at       timestamptz not null default now(),
  erased_at        timestamptz,
  unique (mail_id, payload_ordinal, report_ordinal)
);
create index report_content on report (practice_id, content_digest);
create index report_reference on report (practice_id, reference_digest);

create table delivery (
  id            uuid primary key,
  report_id     uuid not null references report on delete cascade,
  target        text not null check (target in ('patient-card', 'board')),
  state         text not null check (state in ('ready', 'sending', 'uncertain', 'forwarded', 'no-card', 'shadowed', 'duplicate', 'held', 'quarantined', 'discarded')),
  reason        text,
  detail        text,                         -- a code of the target, or a position; never content
  patient_key   bytea,
  original_id   uuid references delivery,     -- duplicate, or joined to this hold
  is_parked     boolean not null default false, -- the practice is paused: not added to the queue until it resumes
  override      jsonb,                        -- { by, reason, card, code, acknowledged }: what a person decided to pass over
  generation    int not null default 1,
  attempts      int not null default 0,
  lease_token   uuid,
  lease_until   timestamptz,
  next_check_at timestamptz not null default now(),
  receipt       jsonb,                        -- ids and versions of what stands at the target
  created_at    timestamptz not null default now(),
  settled_at    timestamptz,
  unique (report_id, target)
);
-- One patient at a time for each target.
create unique index delivery_one_patient on delivery (target, patient_key) where state in ('sending', 'uncertain');
create index delivery_of_patient on delivery (target, patient_key, created_at) where state = 'ready';
create index delivery_open on delivery (next_check_at) where state in ('ready', 'sending', 'uncertain');
create index delivery_attention on delivery (state) where state in ('held', 'quarantined');
create index delivery_original on delivery (original_id) where original_id is not null;

-- Which patient a laboratory's number was seen under: the wrong-patient guard.
create table lab_number (
  number_digest bytea not null,
  patient_key   bytea not null,
  delivery_id   uuid not null,
  seen_at       timestamptz not null,
  primary key (number_digest, patient_key)
);

create table accepted_sender (
  sender      text primary key,
  accepted_by text not null,
  accepted_at timestamptz not null default now()
);

-- What became of each mail: the first, in this order, that any of its deliveries to the card has.
create view mail_outcome as
select m.id, m.mailbox_id, m.epoch_id, m.source, m.day, m.state,
  case
    when m.state <> 'read' then 'waiting'
    when d.rank is not null then (array['waiting', 'held', 'quarantined', 'shadowed', 'forwarded', 'discarded', 'no-card', 'duplicate'])[d.rank]
    else coalesce(m.verdict, 'unaccounted')
  end as outcome
from mail m
left join lateral (
  select min(case d.state
    when 'ready' then 1 when 'sending' then 1 when 'uncertain' then 1
    when 'held' then 2 when 'quarantined' then 3 when 'shadowed' then 4 when 'forwarded' then 5
    when 'discarded' then 6 when 'no-card' then 7 when 'duplicate' then 8 end) as rank
  from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
  where r.mail_id = m.id
) d on true;

-- Audit (NEN 7513): appended in the transaction of the act -------------------------------------------------------------

create table audit (
  id           bigint generated always as identity primary key,
  at           timestamptz not null default clock_timestamp(),
  actor        text not null,                 -- a person's account name, or worker
  on_behalf_of text,
  event        text not null,
  outcome      text not null check (outcome in ('success', 'refused')),
  object_kind  text not null,
  object_id    text not null,
  practice_id  uuid,
  patient_key  bytea,
  reason       text,
  fields       jsonb not null default '{}'    -- ids, codes and counts; never values
);
create index on audit (practice_id, at);
create index on audit (patient_key, at) where patient_key is not null;
