-- works-from: 10
-- What persons decide on registrations that were held or bounced, and what goes when their time has come.

-- { by, reason, at }: the first of two persons; gone with a retry.
alter table registration add column discard_wish jsonb;
-- Past the dedupe horizon: the key stays taken, and nothing says any more what was posted under it.
alter table registration alter column body_digest drop not null;

-- What came back about mails that a person had sent again, as they are: it counts for the earlier try alone.
create table outward_receipt_aside (
  outward_mail_id uuid not null references outward_mail,
  mail_id         uuid not null references mail on delete cascade,
  kind            text not null,
  matched_by      text not null,
  status          text,
  at              timestamptz not null,
  set_aside_at    timestamptz not null default now(),
  primary key (outward_mail_id, mail_id, kind)
);
create index on outward_receipt_aside (mail_id);

create index registration_of_practice on registration (practice_id, state);

alter table integration add check
  (mode = 'shadow' or name <> 'registrations' or (authorised_by is not null and authorised_on is not null));
