-- Where looking for jobs that nobody announced stands: the pass under way or the last one, and what is covered so far
-- (src/polling/discovery.ts). One row per account and API; the lease says which process has it in hand.

CREATE TABLE discoveries (
  account text NOT NULL,
  api text NOT NULL,
  next_at timestamptz(3) NOT NULL DEFAULT now(),
  lease uuid,
  leased_until timestamptz(3),
  started_at timestamptz(3),
  finished_at timestamptz(3),
  window_from timestamptz(3),
  window_to timestamptz(3),
  span_to timestamptz(3),
  page_token text,
  pages integer NOT NULL DEFAULT 0,
  listed integer NOT NULL DEFAULT 0,
  found integer NOT NULL DEFAULT 0,
  covered_from timestamptz(3),
  covered_until timestamptz(3),
  failures integer NOT NULL DEFAULT 0,
  error_code text,
  error_message text,
  CONSTRAINT discoveries_pkey PRIMARY KEY (account, api)
);
