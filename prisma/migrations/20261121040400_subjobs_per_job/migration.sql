-- From its sample of a large table Postgres takes the number of jobs that have subjobs for a constant, and the jobs of a page of
-- subjobs for all different: a list then looks at a job once for each of its subjobs. As a share, it expects them to repeat.
-- In force from the next ANALYZE on, which autovacuum does.

ALTER TABLE subjobs ALTER COLUMN job_id SET (n_distinct = -0.25);
