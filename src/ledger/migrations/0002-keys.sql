-- Keys that rotate and are destroyed: what each is looked up by.

-- Retired digest keys are looked up for as long as their digests may still find something.
create index data_key_retired on data_key (purpose, retired_at) where retired_at is not null and wrapped is not null;
