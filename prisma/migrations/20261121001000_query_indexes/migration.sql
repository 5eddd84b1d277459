-- What the lists filter and sort by: without these, a rare match means reading the whole table.

-- One account or one API, newest first.
CREATE INDEX jobs_account_created ON jobs (account, created_at, id);
CREATE INDEX jobs_api_created ON jobs (api, created_at, id);
-- sort=terminalAt and sort=vendorCreatedAt; the rows without a value follow in the same index.
CREATE INDEX jobs_terminal ON jobs (terminal_at, id);
CREATE INDEX jobs_vendor_created ON jobs (vendor_created_at, id);
-- The beginnings that `q` looks for, whatever the collation of the database. Names are cut, since a vendor's can be longer
-- than an index entry may be, and then the job could not be stored.
CREATE INDEX jobs_name_prefix ON jobs (left(name, 200) text_pattern_ops);
CREATE INDEX jobs_vendor_job_id_prefix ON jobs (vendor_job_id text_pattern_ops);
-- Receipts of one account, newest first.
CREATE INDEX receipts_account ON receipts (account, id);
