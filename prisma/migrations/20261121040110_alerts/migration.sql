-- Failures of one kind are one alert (src/alerts/), however many there are: counts, a sample, and what they share. The row stays
-- when it is resolved, and is opened again when the same thing fails again.

CREATE TABLE alerts (
  id uuid NOT NULL CONSTRAINT alerts_pkey PRIMARY KEY,
  fingerprint uuid NOT NULL,
  rule text NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  labels json NOT NULL,
  account text,
  api text,
  template text,
  error_code text,
  error_message text,
  reason text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'open', 'acknowledged', 'resolved')),
  opening integer NOT NULL DEFAULT 0,
  reopenings integer NOT NULL DEFAULT 0,
  failures integer NOT NULL,
  jobs integer NOT NULL,
  first_seen_at timestamptz(3) NOT NULL,
  last_seen_at timestamptz(3) NOT NULL,
  opened_at timestamptz(3),
  acknowledged_at timestamptz(3),
  resolved_at timestamptz(3),
  resolved_by text,
  succeeded_at timestamptz(3),
  silence_id uuid,
  silence_expired_at timestamptz(3),
  changed_at timestamptz(3) NOT NULL,
  sample json NOT NULL DEFAULT '[]',
  shared json NOT NULL DEFAULT '[]',
  recent_jobs json NOT NULL DEFAULT '[]'
);

CREATE UNIQUE INDEX alerts_fingerprint ON alerts (fingerprint);
-- Lists, newest opening first; and the few that are watched.
CREATE INDEX alerts_last_seen ON alerts (last_seen_at, id);
CREATE INDEX alerts_unresolved ON alerts (account, api) WHERE status <> 'resolved';

-- What a receiver was last told of an alert, and when to think of it again.
CREATE TABLE alert_receivers (
  alert_id uuid NOT NULL CONSTRAINT alert_receivers_alert_id_fkey REFERENCES alerts (id) ON DELETE CASCADE ON UPDATE CASCADE,
  receiver text NOT NULL,
  due_at timestamptz(3),
  told_at timestamptz(3),
  told_open boolean NOT NULL DEFAULT false,
  told_opening integer NOT NULL DEFAULT 0,
  told_failures integer NOT NULL DEFAULT 0,
  told_changed_at timestamptz(3),
  repeats integer NOT NULL DEFAULT 0,
  CONSTRAINT alert_receivers_pkey PRIMARY KEY (alert_id, receiver)
);

CREATE INDEX alert_receivers_due ON alert_receivers (due_at) WHERE due_at IS NOT NULL;

-- What became of an alert, and who was told what and when.
CREATE TABLE alert_events (
  id bigserial NOT NULL CONSTRAINT alert_events_pkey PRIMARY KEY,
  alert_id uuid NOT NULL CONSTRAINT alert_events_alert_id_fkey REFERENCES alerts (id) ON DELETE CASCADE ON UPDATE CASCADE,
  at timestamptz(3) NOT NULL,
  kind text NOT NULL,
  actor text,
  receiver text,
  detail text
);

CREATE INDEX alert_events_alert ON alert_events (alert_id, id);
