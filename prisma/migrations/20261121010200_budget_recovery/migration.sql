-- A rate that a vendor has throttled grows back by upkeep: up to what, and when it was last right. Calls about jobs that
-- only callbacks have spoken of come out of a small bucket of their own.

ALTER TABLE budgets
  ADD COLUMN full_rate double precision NOT NULL DEFAULT 1,
  ADD COLUMN rated_at timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN unproven_tokens double precision NOT NULL DEFAULT 1;
UPDATE budgets SET full_rate = rate;
