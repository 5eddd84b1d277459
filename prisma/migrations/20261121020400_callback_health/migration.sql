-- How many callbacks that were due never came, per account, API and hour in which their jobs ended
-- (src/operations/callback-count.ts), and how far counting has come.

CREATE TABLE callback_health (
  hour timestamptz(3) NOT NULL,
  account text NOT NULL,
  api text NOT NULL,
  due integer NOT NULL,
  late integer NOT NULL,
  lost integer NOT NULL,
  CONSTRAINT callback_health_pkey PRIMARY KEY (hour, account, api)
);

-- The last job that a piece of upkeep has dealt with, in the order (terminal_at, id).
CREATE TABLE upkeep_cursors (
  name text NOT NULL CONSTRAINT upkeep_cursors_pkey PRIMARY KEY,
  terminal_at timestamptz(3) NOT NULL,
  job_id uuid NOT NULL
);

-- Bodies of older receipts may have expired, and with them what says that a callback came.
INSERT INTO upkeep_cursors VALUES ('callback-count', now() - interval '1 day', '00000000-0000-0000-0000-000000000000');
