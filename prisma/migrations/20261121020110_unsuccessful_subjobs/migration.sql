-- People ask for the subjobs that failed. Those that succeeded are nearly all there are, and need no index by status.

DROP INDEX subjobs_status_created;
CREATE INDEX subjobs_unsuccessful ON subjobs (status, created_at, id) WHERE status <> 'succeeded';
