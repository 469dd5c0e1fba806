-- Several generations of a collection side by side, and what a collection keeps about itself.
alter table plumbline.generations
  add column created_at timestamptz not null default clock_timestamp(),
  -- when it last became active or retired
  add column changed_at timestamptz not null default clock_timestamp();

create unique index generations_building on plumbline.generations (collection_id) where state = 'building';

create table plumbline.records (
  id bigint generated always as identity primary key,
  collection_id integer not null references plumbline.collections on delete cascade,
  kind text not null,
  at timestamptz not null default clock_timestamp(),
  value json not null
);

create index records_collection on plumbline.records (collection_id, kind, id);
