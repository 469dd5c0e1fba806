-- Several generations of a collection side by side, and what a collection keeps about itself.
ALTER TABLE plumbline_generations ADD (created_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL)
/
-- when it last became active or retired
ALTER TABLE plumbline_generations ADD (changed_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL)
/
CREATE UNIQUE INDEX plumbline_generations_building
  ON plumbline_generations (CASE WHEN state = 'building' THEN collection_id END)
/
CREATE TABLE plumbline_records (
  collection_id NUMBER(18) NOT NULL,
  -- from plumbline_ids
  id NUMBER(18) NOT NULL,
  kind VARCHAR2(255 CHAR) NOT NULL,
  written_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL,
  content CLOB NOT NULL,
  CONSTRAINT plumbline_records_pk PRIMARY KEY (collection_id, id),
  CONSTRAINT plumbline_records_of FOREIGN KEY (collection_id)
    REFERENCES plumbline_collections (id) ON DELETE CASCADE)
/
