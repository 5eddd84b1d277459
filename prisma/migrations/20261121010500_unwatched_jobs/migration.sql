-- Jobs that nobody looks at though they have not ended, or ended by a callback's word alone: those of claim-only accounts.
-- When such an account is given credentials they are found here (src/polling/unwatched-jobs.ts); of all others there are none.

CREATE INDEX jobs_unwatched ON jobs (account, created_at)
WHERE next_poll_at IS NULL AND closed_at IS NULL AND (terminal_at IS NULL OR NOT confirmed)
  AND (registered OR parent_job_id IS NULL);
