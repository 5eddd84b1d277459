-- Looks that somebody waits for go first (lane 3, src/domain/poll-schedule.ts), but for one call in four: whose turn it is.

ALTER TABLE budgets ADD COLUMN turn smallint NOT NULL DEFAULT 0;
