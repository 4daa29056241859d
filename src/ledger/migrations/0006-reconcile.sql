-- When the uids of a mailbox were last compared with what its server holds: once a day, by its owner.
alter table mailbox add column reconciled_at timestamptz;
