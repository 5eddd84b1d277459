-- Which looks go before which, within the budget of one account and API: what is known, what only callbacks have spoken
-- of, what only a listing has shown (src/domain/poll-schedule.ts).

ALTER TABLE jobs ADD COLUMN poll_lane smallint NOT NULL DEFAULT 0;
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (account, api, poll_lane, next_poll_at) WHERE next_poll_at IS NOT NULL;
