-- The poll budgets, one token bucket per account and API, and the keys people query with.

CREATE TABLE budgets (
  account text NOT NULL,
  api text NOT NULL,
  tokens double precision NOT NULL,
  rate double precision NOT NULL,
  refilled_at timestamptz(3) NOT NULL DEFAULT now(),
  throttled_at timestamptz(3),
  paused_at timestamptz(3),
  probe_at timestamptz(3),
  pause_code text,
  pause_reason text,
  pause_scope text CHECK (pause_scope IN ('account', 'api')),
  clock_skew_ms integer,
  CONSTRAINT budgets_pkey PRIMARY KEY (account, api)
);

CREATE TABLE api_keys (
  id uuid NOT NULL CONSTRAINT api_keys_pkey PRIMARY KEY,
  name text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  key_hash bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  revoked_at timestamptz(3)
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);
