-- A mail whose very bytes were read before in the same mailbox, and whose reports are on cards or on their way there.
alter table mail add column original_mail_id uuid references mail;
