-- Retention: what is looked through to find what has had its time. Each index holds only what may still go.

create index mail_kept on mail (id) where content is not null and state = 'read';
create index report_kept on report (id) where content is not null;
create index mail_digested on mail (copied_at) where digest is not null;
create index report_digested on report (created_at) where content_digest is not null or reference_digest is not null;
create index lab_number_seen on lab_number (seen_at);
