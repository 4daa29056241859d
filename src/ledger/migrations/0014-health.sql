-- works-from: 10
-- Observability: alarms that can be muted, how old a password is, and when mail usually comes.

-- An alarm that opens while it is muted is not said; when the mute ends and it is still open, it is.
alter table alarm
  add column said_at   timestamptz,           -- last; null: never
  add column say_again boolean not null default false;  -- it was said before it was muted
update alarm set said_at = opened_at;

create table alarm_mute (
  id         bigint generated always as identity primary key,
  kind       text not null,
  object_id  text,                            -- null: every object of the kind
  until      timestamptz not null,
  reason     text not null,
  muted_by   text not null,
  created_at timestamptz not null default now(),
  ended_at   timestamptz                      -- by a person, before its time
);
create index alarm_mute_standing on alarm_mute (kind) where ended_at is null;

alter table mailbox add column password_set_at timestamptz not null default now();
update mailbox m set password_set_at = coalesce(
  (select max(a.at) from audit a where a.event in ('mailbox.added', 'mailbox.password-set') and a.object_id = m.id::text),
  m.created_at);

-- Left out of how long things take: what was there before we looked, and what a person decided about.
alter table delivery add column is_untimed boolean not null default false;
alter table mail add column is_untimed boolean not null default false;

-- Per mailbox and day (Europe/Amsterdam date of INTERNALDATE) how much mail came, and when the first and last: whether
-- silence is unusual is asked of these few rows, not of every mail.
create table mailbox_day (
  mailbox_id uuid not null references mailbox,
  day        date not null,
  mail_count int not null check (mail_count > 0),
  first_at   timestamptz not null,
  last_at    timestamptz not null,
  primary key (day, mailbox_id)
);
insert into mailbox_day (mailbox_id, day, mail_count, first_at, last_at)
select mailbox_id, day, count(*), min(internal_date), max(internal_date) from mail
where source = 'mailbox' and mailbox_id is not null and internal_date is not null and day > current_date - 100
group by mailbox_id, day;
