-- What changed in a job, one row a change, partitioned by month so that old months can be dropped.

CREATE TABLE history_events (
  job_id uuid NOT NULL,
  sequence integer NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  kind text NOT NULL,
  subjob_id uuid,
  "from" text,
  "to" text,
  via text NOT NULL,
  vendor_at timestamptz(3),
  receipt_id uuid,
  detail jsonb,
  CONSTRAINT history_events_pkey PRIMARY KEY (job_id, sequence, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE TABLE history_events_default PARTITION OF history_events DEFAULT;
