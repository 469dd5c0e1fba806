-- Collections and their generations. A collection's documents, and a generation's chunks, vectors
-- and postings, live in tables of their own that are made with them (src/stores/oracle/tables.ts).
-- Each definition commits, so a file is run statement by statement, and one that was run before a
-- crash is passed over. `plumbline_` is replaced by the prefix of the store's URL.
CREATE SEQUENCE plumbline_ids START WITH 1 INCREMENT BY 1 NOCACHE
/
CREATE TABLE plumbline_collections (
  id NUMBER(18) NOT NULL,
  name VARCHAR2(255 CHAR) NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL,
  field_mode VARCHAR2(16 CHAR) NOT NULL,
  language VARCHAR2(16 CHAR) NOT NULL,
  -- [{"name", "type"}]; the position, from 1, names the column: f1, f2, …
  fields CLOB NOT NULL,
  CONSTRAINT plumbline_collections_pk PRIMARY KEY (id),
  CONSTRAINT plumbline_collections_name UNIQUE (name))
/
CREATE TABLE plumbline_generations (
  id NUMBER(18) NOT NULL,
  collection_id NUMBER(18) NOT NULL,
  state VARCHAR2(16 CHAR) NOT NULL,
  embedder VARCHAR2(1024 CHAR) NOT NULL,
  metric VARCHAR2(16 CHAR) NOT NULL,
  -- Exact at every commit: BM25 is computed from them.
  chunk_count NUMBER(18) DEFAULT 0 NOT NULL,
  term_count NUMBER(18) DEFAULT 0 NOT NULL,
  next_key NUMBER(18) DEFAULT 1 NOT NULL,
  index_built NUMBER(1) DEFAULT 0 NOT NULL,
  -- chunk_count when the optimizer's statistics were last gathered
  analyzed_count NUMBER(18) DEFAULT 0 NOT NULL,
  pin CLOB NOT NULL,
  chunker CLOB NOT NULL,
  vector_index CLOB NOT NULL,
  CONSTRAINT plumbline_generations_pk PRIMARY KEY (id),
  CONSTRAINT plumbline_generations_of FOREIGN KEY (collection_id)
    REFERENCES plumbline_collections (id) ON DELETE CASCADE,
  CONSTRAINT plumbline_generations_state CHECK (state IN ('building', 'active', 'retired')))
/
CREATE UNIQUE INDEX plumbline_generations_active
  ON plumbline_generations (CASE WHEN state = 'active' THEN collection_id END)
/
CREATE INDEX plumbline_generations_by ON plumbline_generations (collection_id)
/
-- Tables that no collection owns: not yet, or no longer. What a crash leaves here is dropped later.
CREATE TABLE plumbline_garbage (
  table_name VARCHAR2(128 CHAR) NOT NULL,
  noted_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL,
  CONSTRAINT plumbline_garbage_pk PRIMARY KEY (table_name))
/
