-- Forgetting a job must find its refs. They are written when the job is, so job ids and places in the table grow
-- together: a block range index, next to nothing to write, where a tree would cost apply as much again as the refs do.

CREATE INDEX job_refs_job ON job_refs USING brin (job_id);
