-- Messages to receivers and endpoints, stored in the transaction that decides to send them (src/delivery/). Only rows say what
-- is still to be sent; the queue store merely wakes.

CREATE TABLE deliveries (
  id uuid NOT NULL,
  number bigserial NOT NULL,
  channel text NOT NULL,
  group_key text NOT NULL,
  dedup_key text NOT NULL,
  payload json NOT NULL,
  status text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz(3) DEFAULT now(),
  lease uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  due_since timestamptz(3) NOT NULL DEFAULT now(),
  attempted_at timestamptz(3),
  settled_at timestamptz(3),
  last_status integer,
  last_error text,
  answer text,
  CONSTRAINT deliveries_pkey PRIMARY KEY (id),
  CONSTRAINT deliveries_status_check CHECK (status IN ('pending', 'delivered', 'undelivered', 'superseded'))
);

-- Whose turn it is in a group, and which are due.
CREATE INDEX deliveries_in_order ON deliveries (channel, group_key, number) WHERE status = 'pending';
CREATE INDEX deliveries_due ON deliveries (channel, next_attempt_at) WHERE status = 'pending';
-- What lists go by, newest first: one channel, all receivers, one alert.
CREATE INDEX deliveries_channel ON deliveries (channel, number);
CREATE INDEX deliveries_receivers ON deliveries (number) WHERE channel LIKE 'receiver/%';
CREATE INDEX deliveries_alert ON deliveries (group_key, number) WHERE channel LIKE 'receiver/%';
-- How many were sent within the last minute, for receivers that take no more.
CREATE INDEX deliveries_attempted ON deliveries (channel, attempted_at) WHERE channel LIKE 'receiver/%';
