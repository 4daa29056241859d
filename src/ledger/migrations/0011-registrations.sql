-- works-from: 10
-- The way back: free-text registrations from a card or board to a practice's HIS, the mails that carry them, what came back
-- about those, and the systems that may post. Content is ciphertext, persons are keyed digests, as everywhere.

-- Systems that may post registrations (cKIS, cBoards), and the public halves of the keys that they sign with.
create table source (
  id          uuid primary key,
  name        text not null unique check (name ~ '^[a-z][a-z0-9-]{1,39}$'),
  added_by    text not null,
  created_at  timestamptz not null default now(),
  revoked_at  timestamptz
);
create table source_key (
  id          text primary key,               -- kid: the key's own thumbprint (RFC 7638)
  source_id   uuid not null references source,
  public_jwk  jsonb not null,
  created_at  timestamptz not null default now(),
  valid_until timestamptz,                    -- set when a successor came: both are good until then
  revoked_at  timestamptz
);
create index on source_key (source_id);
-- Assertions that were used: each is good once.
create table source_assertion (
  source_id   uuid not null references source,
  jti         text not null,
  expires_at  timestamptz not null,
  primary key (source_id, jti)
);
create index on source_assertion (expires_at);

-- How registrations reach a practice: the ZorgMail account of its HIS and that HIS's habits. One row per practice.
create table registration_receiver (
  practice_id uuid primary key references practice,
  account     text not null references zorgmail_account,
  charset     text not null check (charset in ('ascii', 'latin1')),
  blank_line  text not null check (blank_line in ('omitted', 'empty', 'full-stop', 'space')),
  changed_at  timestamptz not null default now()
);

-- The next control reference of each of our accounts. It only rises: a reference is never given out twice.
create table control_reference (
  sender      text primary key,
  next        bigint not null check (next > 0)
);

create table registration (
  id              uuid primary key,
  source_id       uuid not null references source,
  idempotency_key uuid not null,
  body_digest     bytea not null,             -- keyed: another body under the same key is refused
  practice_id     uuid not null references practice,
  patient_key     bytea not null,
  origin          text not null check (origin in ('card', 'board')),
  state           text not null check (state in
    ('accepted', 'queued', 'sending', 'uncertain', 'sent', 'delivered', 'bounced', 'held', 'shadowed', 'discarded')),
  reason          text,
  detail          text,                       -- a code or a position; never content
  earlier_id      uuid references registration, -- that this one corrects or withdraws
  written_at      timestamptz not null default now(), -- as its author says: a correction names it, also when the content is gone
  content         bytea,                      -- ciphertext of the registration
  is_parked       boolean not null default false,
  generation      int not null default 1,
  attempts        int not null default 0,
  lease_token     uuid,
  lease_until     timestamptz,
  next_check_at   timestamptz not null default now(),
  created_at      timestamptz not null default now(),
  sent_at         timestamptz,                -- when its last part was taken by the relay
  settled_at      timestamptz,
  erased_at       timestamptz,
  unique (source_id, idempotency_key)
);
-- One at a time per patient and practice, and in the order in which they were written: a correction never overtakes.
create unique index registration_one_patient on registration (practice_id, patient_key) where state in ('sending', 'uncertain');
create index registration_of_patient on registration (practice_id, patient_key, created_at) where state in ('accepted', 'queued', 'sending', 'uncertain');
create index registration_open on registration (next_check_at) where state in ('accepted', 'queued', 'sending', 'uncertain');
create index registration_unanswered on registration (sent_at) where state = 'sent';
create index registration_attention on registration (state) where state in ('held', 'bounced');

-- A mail that carries one part of a registration: rendered once, its bytes are what every try sends.
create table outward_mail (
  id                uuid primary key,
  registration_id   uuid not null references registration,
  rendering         int not null default 1,   -- rises when a person has it rendered anew, with new references
  part              int not null check (part > 0),
  sender            text not null,
  recipient         text not null,
  control_reference text not null check (control_reference ~ '^[A-Z0-9]{1,14}$'),
  envelope_id       text not null unique,
  message_id        text not null unique,
  content           bytea,                    -- ciphertext of the rendered mail
  state             text not null check (state in ('queued', 'uncertain', 'sent', 'delivered', 'bounced', 'superseded')),
  reply             int,                      -- of the relay
  status            text,                     -- its enhanced code, or the code of the receipt that decided
  is_notification_asked boolean,
  tried_at          timestamptz,              -- since when its bytes may have gone: set before they go
  sent_at           timestamptz,
  settled_at        timestamptz,
  created_at        timestamptz not null default now(),
  unique (registration_id, rendering, part),
  unique (sender, control_reference)
);

-- Everything that came back about an outward mail, in the order in which it was read.
create table outward_receipt (
  outward_mail_id uuid not null references outward_mail,
  mail_id         uuid not null references mail on delete cascade,  -- the mail that said so
  kind            text not null check (kind in ('delivered', 'failed', 'delayed', 'relayed', 'displayed', 'acknowledged', 'rejected', 'seen')),
  matched_by      text not null check (matched_by in ('envelope-id', 'message-id', 'control-reference')),
  status          text,
  at              timestamptz not null default now(),
  primary key (outward_mail_id, mail_id, kind)
);
create index on outward_receipt (mail_id);
