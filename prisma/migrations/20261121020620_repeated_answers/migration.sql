-- Intake knows when an answer says what an earlier one has said; apply need not find out by reading it.

ALTER TABLE pending_receipts ADD COLUMN repeated boolean NOT NULL DEFAULT false;
