-- What was sent to endpoints about one job, and what of a channel was given up: few among millions that were delivered.

CREATE INDEX deliveries_job ON deliveries (group_key, number) WHERE channel LIKE 'endpoint/%';
CREATE INDEX deliveries_undelivered ON deliveries (channel, number) WHERE status = 'undelivered';
