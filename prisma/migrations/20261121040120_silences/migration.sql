-- Alerts that nobody wants to hear of for a while, by whom and why. They stay, with their end, to be looked up.

CREATE TABLE silences (
  id uuid NOT NULL CONSTRAINT silences_pkey PRIMARY KEY,
  filter json NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  ends_at timestamptz(3) NOT NULL,
  ended_at timestamptz(3),
  ended_by text
);

-- Those in force, and those whose end is still to be acted on.
CREATE INDEX silences_in_force ON silences (ends_at) WHERE ended_at IS NULL;
