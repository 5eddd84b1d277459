-- Replay learns what a job learned in the same order, which neither numbers nor times of receipts tell: `applied` counts up
-- under the job's lock. An answer that is repeated is one receipt; when it was heard first decides what history tells of it.
CREATE SEQUENCE job_receipts_applied_seq AS bigint;
-- 0 for what was applied before; the default comes afterwards, or every row there is would be written anew.
ALTER TABLE job_receipts
  ADD COLUMN applied bigint NOT NULL DEFAULT 0,
  ADD COLUMN first_number bigint,
  ADD COLUMN first_asked_at timestamptz(3),
  ADD COLUMN first_applied bigint;
ALTER TABLE job_receipts ALTER COLUMN applied SET DEFAULT nextval('job_receipts_applied_seq');
ALTER SEQUENCE job_receipts_applied_seq OWNED BY job_receipts.applied;
