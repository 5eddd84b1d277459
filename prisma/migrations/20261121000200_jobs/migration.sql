-- The state of every job, written by apply alone.

CREATE TABLE jobs (
  id uuid NOT NULL CONSTRAINT jobs_pkey PRIMARY KEY,
  account text NOT NULL,
  api text NOT NULL,
  vendor_job_id text NOT NULL CHECK (char_length(vendor_job_id) BETWEEN 1 AND 256),
  status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'partially_failed', 'failed', 'canceled', 'lost')),
  vendor_status text,
  confirmed boolean NOT NULL DEFAULT false,
  outcome_known boolean NOT NULL DEFAULT true,
  contradicted boolean NOT NULL DEFAULT false,
  via text NOT NULL,
  progress integer,
  name text,
  pipeline_id text,
  template_id text,
  labels jsonb NOT NULL DEFAULT '{}',
  error_code text,
  error_message text,
  vendor_error_code text,
  vendor_error_message text,
  user_data jsonb,
  user_data_raw text,
  parent_job_id uuid,
  registered boolean NOT NULL DEFAULT false,
  callback_expected boolean NOT NULL,
  vendor_created_at timestamptz(3),
  vendor_modified_at timestamptz(3),
  vendor_finished_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  terminal_at timestamptz(3),
  closed_at timestamptz(3),
  next_poll_at timestamptz(3),
  poll_failures integer NOT NULL DEFAULT 0,
  history_sequence integer NOT NULL DEFAULT 0,
  basis jsonb NOT NULL DEFAULT '{}',
  document jsonb,
  notes jsonb NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX jobs_key ON jobs (account, api, vendor_job_id);
CREATE INDEX jobs_created ON jobs (created_at, id);
CREATE INDEX jobs_status_created ON jobs (status, created_at, id);
CREATE INDEX jobs_updated ON jobs (updated_at, id);
CREATE INDEX jobs_labels ON jobs USING gin (labels jsonb_path_ops);
-- What the tick claims: only jobs that wait for a look, per account and API.
CREATE INDEX jobs_due ON jobs (account, api, next_poll_at) WHERE next_poll_at IS NOT NULL;

CREATE TABLE subjobs (
  id uuid NOT NULL CONSTRAINT subjobs_pkey PRIMARY KEY,
  job_id uuid NOT NULL CONSTRAINT subjobs_job_id_fkey REFERENCES jobs (id) ON DELETE CASCADE ON UPDATE CASCADE,
  parent_id uuid,
  path text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('batch_item', 'output_group', 'output')),
  position integer NOT NULL,
  vendor_subjob_id text,
  name text,
  status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'canceled', 'skipped')),
  vendor_status text,
  error_code text,
  error_message text,
  vendor_error_code text,
  vendor_error_message text,
  vendor_created_at timestamptz(3),
  vendor_finished_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  basis jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX subjobs_key ON subjobs (job_id, path);
CREATE INDEX subjobs_status_created ON subjobs (status, created_at, id);
CREATE INDEX subjobs_created ON subjobs (created_at, id);

CREATE TABLE outputs (
  id uuid NOT NULL CONSTRAINT outputs_pkey PRIMARY KEY,
  job_id uuid NOT NULL CONSTRAINT outputs_job_id_fkey REFERENCES jobs (id) ON DELETE CASCADE ON UPDATE CASCADE,
  subjob_id uuid,
  slot text NOT NULL,
  url text,
  media_id text,
  format text,
  duration_ms bigint,
  size_bytes bigint,
  bitrate_bps bigint,
  width integer,
  height integer,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX outputs_key ON outputs (job_id, slot);

-- No foreign keys on the leaves: apply is their only writer, and keys there cost an eighth of its speed.
CREATE TABLE streams (
  output_id uuid NOT NULL,
  position integer NOT NULL,
  job_id uuid NOT NULL,
  type text NOT NULL CHECK (type IN ('video', 'audio', 'subtitle')),
  index integer,
  codec text,
  profile text,
  width integer,
  height integer,
  fps numeric(12, 4),
  duration_ms bigint,
  bitrate_bps bigint,
  pixel_format text,
  rotate_degrees integer,
  frames bigint,
  sample_format text,
  sample_rate_hz integer,
  channels integer,
  channel_layout text,
  language text,
  raw jsonb NOT NULL,
  CONSTRAINT streams_pkey PRIMARY KEY (output_id, position)
);
CREATE INDEX streams_job ON streams (job_id);

CREATE TABLE job_refs (
  ref uuid NOT NULL,
  job_id uuid NOT NULL,
  CONSTRAINT job_refs_pkey PRIMARY KEY (ref, job_id)
);

-- With the number each receipt was last applied under, so that it can be applied again in its place.
CREATE TABLE job_receipts (
  job_id uuid NOT NULL,
  receipt_id uuid NOT NULL,
  number bigint NOT NULL,
  asked_at timestamptz(3) NOT NULL,
  CONSTRAINT job_receipts_pkey PRIMARY KEY (job_id, receipt_id)
);
CREATE INDEX job_receipts_receipt ON job_receipts (receipt_id);
