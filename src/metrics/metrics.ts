import { Injectable, Logger } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What one scrape asks of a gauge that is read from rows: values by labels. */
export type GaugeReading = { labels: Record<string, string>; value: number };

/** Every number Callsheet reports about itself. One registry an app, so that several apps fit in one process. */
@Injectable()
export class Metrics {
  private readonly logger = new Logger(Metrics.name);
  readonly registry = new Registry();

  /** `result`: `stored`, `duplicate`, `failed`. */
  readonly callbacksReceived = new Counter({
    name: 'callsheet_callbacks_received_total',
    help: 'Callbacks that reached the door, by what became of them',
    labelNames: ['account', 'result'] as const,
    registers: [this.registry],
  });

  readonly callbacksShed = new Counter({
    name: 'callsheet_callbacks_shed_total',
    help: 'Callbacks turned away because too many were waiting for the database',
    registers: [this.registry],
  });

  /** `account` must be a configured name, or `unknown`: what a stranger sends must not become a label. */
  readonly callbacksRefused = new Counter({
    name: 'callsheet_callbacks_refused_total',
    help: 'Callbacks that were turned away, by reason',
    labelNames: ['account', 'reason'] as const,
    registers: [this.registry],
  });

  readonly receiptsStored = new Counter({
    name: 'callsheet_receipts_stored_total',
    help: 'Receipts stored for the first time, by how they came',
    labelNames: ['account', 'via'] as const,
    registers: [this.registry],
  });

  readonly receiptsDuplicate = new Counter({
    name: 'callsheet_receipts_duplicate_total',
    help: 'Receipts that were known already and only counted',
    labelNames: ['account', 'via'] as const,
    registers: [this.registry],
  });

  readonly intakeGroupSize = new Histogram({
    name: 'callsheet_intake_group_size',
    help: 'Receipts that shared one commit',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers: [this.registry],
  });

  readonly pendingReceipts = new Gauge({
    name: 'callsheet_pending_receipts',
    help: 'Receipts stored and not yet applied',
    registers: [this.registry],
  });

  readonly pendingReceiptsOldestAge = new Gauge({
    name: 'callsheet_pending_receipts_oldest_age_seconds',
    help: 'How long the oldest receipt has waited to be applied',
    registers: [this.registry],
  });

  readonly applyBatchDuration = new Histogram({
    name: 'callsheet_apply_batch_duration_seconds',
    help: 'Time to apply one batch of observations, commit included',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  readonly observationsApplied = new Counter({
    name: 'callsheet_observations_applied_total',
    help: 'Observations applied to jobs',
    labelNames: ['account', 'api', 'via'] as const,
    registers: [this.registry],
  });

  /** `state`: `unmatched`, `rejected`, `failed`. */
  readonly receiptProblems = new Counter({
    name: 'callsheet_receipt_problems_total',
    help: 'Receipts that went nowhere, by state',
    labelNames: ['account', 'state'] as const,
    registers: [this.registry],
  });

  /** `result`: `ok`, or the kind of failure (`throttled`, `not_found`, `credentials`, `timeout`...), never a vendor's raw code. */
  readonly vendorCalls = new Counter({
    name: 'callsheet_vendor_calls_total',
    help: 'Requests sent to vendors, by result',
    labelNames: ['account', 'api', 'result'] as const,
    registers: [this.registry],
  });

  readonly vendorCallDuration = new Histogram({
    name: 'callsheet_vendor_call_duration_seconds',
    help: 'Time until a vendor answered, or failed to',
    labelNames: ['account', 'api'] as const,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  readonly pollClaims = new Counter({
    name: 'callsheet_poll_claims_total',
    help: 'Jobs claimed for a look at the vendor',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly discoveryListed = new Counter({
    name: 'callsheet_discovery_listed_total',
    help: 'Jobs that vendors listed',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly discoveryFound = new Counter({
    name: 'callsheet_discovery_found_total',
    help: 'Jobs that vendors listed and nobody had announced',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly budgetPaused = new Gauge({
    name: 'callsheet_budget_paused',
    help: '1 while polling of this API of this account is paused, 0 otherwise',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly jobsOverdue = new Gauge({
    name: 'callsheet_jobs_overdue',
    help: 'Jobs whose look is overdue ten times the interval for which it was planned',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly outboxOldestAge = new Gauge({
    name: 'callsheet_outbox_oldest_age_seconds',
    help: 'How long the oldest news of a job have waited to become alerts and outgoing events',
    registers: [this.registry],
  });

  readonly outboxFailures = new Counter({
    name: 'callsheet_outbox_failures_total',
    help: 'Batches of news that could not be passed on',
    registers: [this.registry],
  });

  readonly alertsOpen = new Gauge({
    name: 'callsheet_alerts_open',
    help: 'Alerts that are not over, by rule, severity and status: open, acknowledged, silenced',
    labelNames: ['rule', 'severity', 'status'] as const,
    registers: [this.registry],
  });

  readonly alertMessages = new Counter({
    name: 'callsheet_alert_messages_total',
    help: 'Messages handed to delivery, by receiver and reason',
    labelNames: ['receiver', 'reason'] as const,
    registers: [this.registry],
  });

  readonly alertEvaluationDuration = new Histogram({
    name: 'callsheet_alert_evaluation_duration_seconds',
    help: 'Time to evaluate one figure rule',
    labelNames: ['rule'] as const,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [this.registry],
  });

  readonly alertEvaluationFailures = new Counter({
    name: 'callsheet_alert_evaluation_failures_total',
    help: 'Evaluations of a figure rule that failed',
    labelNames: ['rule'] as const,
    registers: [this.registry],
  });

  readonly callbackLoss = new Gauge({
    name: 'callsheet_callback_loss_ratio',
    help: 'The share of expected callbacks that is taken to be lost, from the counts of the last hours',
    labelNames: ['account', 'api'] as const,
    registers: [this.registry],
  });

  readonly webhookEvents = new Counter({
    name: 'callsheet_webhook_events_total',
    help: 'Outgoing events handed to delivery, by endpoint and type',
    labelNames: ['endpoint', 'type'] as const,
    registers: [this.registry],
  });

  /** `result`: `delivered`, `failed` (is tried again), `undelivered` (is not). */
  readonly deliveries = new Counter({
    name: 'callsheet_deliveries_total',
    help: 'Attempts to deliver messages to receivers and endpoints, by result',
    labelNames: ['channel', 'result'] as const,
    registers: [this.registry],
  });

  readonly deliveriesWaiting = new Gauge({
    name: 'callsheet_deliveries_waiting',
    help: 'Messages stored and not yet delivered',
    labelNames: ['channel'] as const,
    registers: [this.registry],
  });

  readonly deliveriesOldestAge = new Gauge({
    name: 'callsheet_deliveries_oldest_age_seconds',
    help: 'How long the oldest message has waited to be delivered',
    labelNames: ['channel'] as const,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Reads `gauge` from `source` on every scrape. A source that fails leaves the gauge out, and the scrape answers. */
  readOnScrape(gauge: Gauge, source: () => Promise<GaugeReading[]>): void {
    // prom-client awaits `collect` of every metric when it is scraped; it is a plain property of the metric.
    Object.assign(gauge, {
      collect: async () => {
        try {
          const readings = await source();
          gauge.reset();
          for (const { labels, value } of readings) gauge.set(labels, value);
        } catch (error) {
          // `reset` removes the values of a gauge with labels, but sets one without labels to 0, which would be a lie.
          gauge.reset();
          if ((gauge as Gauge & { labelNames: string[] }).labelNames.length === 0) gauge.remove();
          this.logger.warn(`a gauge could not be read: ${error instanceof Error ? error.message : String(error)}`);
        }
      },
    });
  }
}
