-- What is remembered across messages, as keyed digests and ids: which results were delivered under a laboratory's number,
-- and under which identifier each stands on the card. It lets a determination that comes back under another code be seen.

create table lab_result (
  number_digest     bytea not null,           -- as in lab_number
  patient_key       bytea not null,           -- as in lab_number
  code_digest       bytea not null,           -- laboratory, number, year, order, code (else name), sub-id: the key without its ordinal
  name_digest       bytea not null,           -- number, year, name and material: what a reader of the card takes for one determination
  moment_digest     bytea not null,           -- when it was collected, as an instant
  day_digest        bytea not null,           -- the same, as a date
  ordinal           int not null,             -- which of equals of one moment
  identifier        text not null,            -- Observation.identifier on card and board: a keyed digest
  report_identifier text not null,            -- DiagnosticReport.identifier: a keyed digest
  seen_at           timestamptz not null default now(),
  primary key (number_digest, patient_key, code_digest, identifier)
);

alter table lab_number
  add column card_id       text,              -- Patient resource that the number's results went to
  add column scope         text,              -- null, or what sets a reused number's identifiers apart from the first patient's
  add column retracting_by uuid,              -- the delivery that was decided to take its place, from before the first write
  add column retracting_at timestamptz,
  add column retracted_at  timestamptz;       -- taken back from card and board: the number is no longer this patient's

-- The identifiers of a report's results where they are not the ones its own keys give; {} where they all are. Set once,
-- before the first write, so that a repeat writes to the same ones.
alter table report add column identifiers jsonb;
