-- works-from: 10
-- How many mailboxes a worker can read at most, so that workers share them by what each can take; null: not said.
alter table worker add column mailboxes_max int check (mailboxes_max >= 0);
create index mailbox_owner on mailbox (owner_id);
