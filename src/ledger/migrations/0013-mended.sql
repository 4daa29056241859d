-- works-from: 10
-- The references of a message without its moment, keyed as the others: a laboratory that uses a reference again is noticed.
-- Null: no EDIFACT, no reference, or read before this was remembered.
alter table report add column reference_name_digest bytea;
create index report_reference_name on report (practice_id, reference_name_digest) where reference_name_digest is not null;
