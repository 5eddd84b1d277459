-- Every index on jobs is written with every update of a job. One a sort stays, and one by account, API and status takes the
-- place of three; beginnings of the vendor's ids are looked for in the key, one API of one account after the other.

DROP INDEX jobs_status_created;
DROP INDEX jobs_account_created;
DROP INDEX jobs_api_created;
DROP INDEX jobs_vendor_job_id_prefix;
CREATE INDEX jobs_kind_created ON jobs (account, api, status, created_at, id) WHERE parent_job_id IS NULL OR registered;

-- The key, so that it serves LIKE whatever the collation of the database.
CREATE UNIQUE INDEX jobs_key_by_beginning ON jobs (account, api, vendor_job_id text_pattern_ops);
DROP INDEX jobs_key;
ALTER INDEX jobs_key_by_beginning RENAME TO jobs_key;

-- Without the parts of batches, which no list shows, and without what nobody can look for.
DROP INDEX jobs_created;
CREATE INDEX jobs_created ON jobs (created_at, id) WHERE parent_job_id IS NULL OR registered;
DROP INDEX jobs_updated;
CREATE INDEX jobs_updated ON jobs (updated_at, id) WHERE parent_job_id IS NULL OR registered;
DROP INDEX jobs_vendor_created;
CREATE INDEX jobs_vendor_created ON jobs (vendor_created_at, id) WHERE parent_job_id IS NULL OR registered;
DROP INDEX jobs_name_prefix;
CREATE INDEX jobs_name_prefix ON jobs (left(name, 200) text_pattern_ops) WHERE name IS NOT NULL;

-- What is not yet sorted into the index is read by every search: it is kept short.
DROP INDEX jobs_labels;
CREATE INDEX jobs_labels ON jobs USING gin (labels jsonb_path_ops) WITH (gin_pending_list_limit = 256) WHERE labels <> '{}';
