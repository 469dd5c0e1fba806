-- Collections and their generations. A collection's documents, and a generation's chunks, vectors
-- and postings, live in tables of their own that are made with them (src/stores/pgvector/tables.ts).
create table plumbline.collections (
  id integer generated always as identity primary key,
  name text collate "C" not null unique,
  created_at timestamptz not null default now(),
  field_mode text not null,
  -- [{"name", "type"}]; the position, from 1, names the column: f1, f2, …
  fields json not null,
  language text not null
);

create table plumbline.generations (
  id integer generated always as identity primary key,
  collection_id integer not null references plumbline.collections on delete cascade,
  state text not null check (state in ('building', 'active', 'retired')),
  embedder text not null,
  pin json not null,
  chunker json not null,
  metric text not null,
  vector_index json not null,
  -- Exact at every commit: BM25 is computed from them.
  chunk_count bigint not null default 0,
  term_count bigint not null default 0,
  next_key bigint not null default 1,
  index_built boolean not null default false,
  -- chunk_count when the planner's statistics were last refreshed
  analyzed_count bigint not null default 0
);

create unique index generations_active on plumbline.generations (collection_id) where state = 'active';
create index generations_collection on plumbline.generations (collection_id);
