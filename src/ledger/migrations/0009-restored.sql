-- After a restore: what stood open in the backup may have been delivered since. It is asked for before anything else, as an
-- uncertain delivery is; a flag, since of one patient only one delivery may be uncertain at a time.
alter table delivery add column ask_first boolean not null default false;
