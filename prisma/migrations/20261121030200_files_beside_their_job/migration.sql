-- Files and streams are read and written with their job, and an output's id follows from its job and place. With the job in
-- front, one index of each table is enough, and new rows go to its end: ids of outputs are scattered.

ALTER TABLE outputs DROP CONSTRAINT outputs_pkey;
ALTER TABLE outputs ADD CONSTRAINT outputs_pkey PRIMARY KEY (job_id, slot);
DROP INDEX outputs_key;

ALTER TABLE streams DROP CONSTRAINT streams_pkey;
ALTER TABLE streams ADD CONSTRAINT streams_pkey PRIMARY KEY (job_id, output_id, position);
DROP INDEX streams_job;
