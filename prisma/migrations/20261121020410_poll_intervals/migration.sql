-- How long the look that is due was put off when it was planned, in ms: by that much a job may wait for others to fill a
-- call, or come early into one (src/polling/due-jobs.ts), and by that it is overdue. Null: it was to be made at once.

ALTER TABLE jobs ADD COLUMN poll_interval_ms integer;
