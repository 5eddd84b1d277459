-- The doors' side: what vendors said, byte for byte, stored before it is understood.

-- Numbers every callback when it is stored and every query before it is sent, so that "asked before" and
-- "received after" never depend on a process clock.
CREATE SEQUENCE observation_number AS bigint;

-- Partitioned by day of the UUIDv7 in `id`, so bodies expire by dropping a partition.
CREATE TABLE receipts (
  id uuid NOT NULL,
  account text NOT NULL,
  via text NOT NULL CHECK (via IN ('callback', 'poll', 'list', 'manual')),
  api text,
  asked text[] NOT NULL DEFAULT '{}',
  verified text NOT NULL,
  http_status integer,
  content_type text,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  body bytea NOT NULL,
  CONSTRAINT receipts_pkey PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- Catches rows of a process with a wrong clock; empty otherwise.
CREATE TABLE receipts_default PARTITION OF receipts DEFAULT;

CREATE TABLE receipt_keys (
  key_hash bytea NOT NULL CONSTRAINT receipt_keys_pkey PRIMARY KEY,
  account text NOT NULL,
  receipt_id uuid NOT NULL,
  seen integer NOT NULL,
  first_at timestamptz(3) NOT NULL DEFAULT now(),
  last_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX receipt_keys_receipt ON receipt_keys (receipt_id);

CREATE TABLE pending_receipts (
  id bigserial NOT NULL CONSTRAINT pending_receipts_pkey PRIMARY KEY,
  receipt_id uuid NOT NULL,
  number bigint NOT NULL,
  asked_at timestamptz(3),
  received_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE receipt_problems (
  receipt_id uuid NOT NULL CONSTRAINT receipt_problems_pkey PRIMARY KEY,
  account text NOT NULL,
  state text NOT NULL CHECK (state IN ('unmatched', 'rejected', 'failed')),
  reason text NOT NULL,
  number bigint NOT NULL,
  asked_at timestamptz(3),
  recorded_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX receipt_problems_state ON receipt_problems (state, receipt_id);
