-- Jobs that only callbacks ever spoke of and that the vendor never knew: upkeep forgets them (src/operations/invented-jobs.ts).
-- They were found by the index by status, which is gone.

CREATE INDEX jobs_invented ON jobs (created_at, id)
WHERE status = 'lost' AND poll_lane = 1 AND NOT registered AND parent_job_id IS NULL;
