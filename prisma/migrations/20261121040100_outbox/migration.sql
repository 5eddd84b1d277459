-- What apply has told in the history of jobs and nobody has passed on yet: one row a job and transaction, naming a range of
-- its events (src/outbox/). Written by apply, deleted in the transaction that acts on it, so nothing is missed or counted twice.

CREATE TABLE outbox (
  id bigserial NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
  job_id uuid NOT NULL,
  first_sequence integer NOT NULL,
  last_sequence integer NOT NULL,
  recorded_at timestamptz(3) NOT NULL
);

-- Ends that only callbacks have told of: passed on when no answer of the vendor has come by then. Once `told`, they are
-- remembered for a while, so that the answer that confirms them is no second one.
CREATE TABLE parked_events (
  job_id uuid NOT NULL CONSTRAINT parked_events_pkey PRIMARY KEY,
  first_sequence integer NOT NULL,
  last_sequence integer NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  due_at timestamptz(3) NOT NULL,
  told boolean NOT NULL DEFAULT false
);

CREATE INDEX parked_events_due ON parked_events (due_at);
