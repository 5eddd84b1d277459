-- Departures of vendors' answers from their documentation, each told once, in the history of the job that showed it first.

CREATE TABLE contract_changes (
  api text NOT NULL,
  change text NOT NULL,
  place text NOT NULL,
  job_id uuid NOT NULL,
  receipt_id uuid NOT NULL,
  recorded_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT contract_changes_pkey PRIMARY KEY (api, change, place)
);
