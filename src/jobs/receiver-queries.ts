import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { SEVERITIES, type AlertMessage } from '../alerts/alert-message.js';
import { Receivers } from '../alerts/receivers.js';
import { ReadPool } from '../database/pools.js';
import { ReceiverNotFound } from '../domain/errors.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { tryOut, waitingFor } from './channel-queries.js';
import type { ReceiverTest, ReceiverView } from './receiver-schemas.js';

/** Who is told of alerts. */
@Injectable()
export class ReceiverQueries {
  constructor(
    private readonly receivers: Receivers,
    private readonly sql: ReadPool,
    private readonly settings: CurrentSettings,
  ) {}

  async list(): Promise<{ data: ReceiverView[]; nextCursor: null }> {
    const waiting = await waitingFor(
      this.sql,
      this.receivers.names().map((name) => `receiver/${name}`),
    );
    const data = this.receivers.all().map(({ name, type, language, severities }) => ({
      name,
      type,
      language,
      severities: [...(severities ?? SEVERITIES)],
      ...waiting(`receiver/${name}`),
    }));
    return { data, nextCursor: null };
  }

  /** Sends a message at once, past everything that waits, and answers what came back. */
  async test(name: string): Promise<ReceiverTest> {
    const channel = this.receivers.get(name);
    if (!channel) throw new ReceiverNotFound(name);
    const createdAt = new Date();
    const id = uuidv7();
    const payload = testMessage(name, id, createdAt);
    const message = { id, dedupKey: payload.dedupKey, payload, createdAt };
    return tryOut(channel, message, (text) => this.settings.redact(text));
  }
}

/** An alert about nothing. */
function testMessage(receiver: string, id: string, now: Date): AlertMessage {
  const at = now.toISOString();
  return {
    reason: 'test',
    dedupKey: `test/${id}`,
    alert: {
      id,
      rule: 'CallsheetTest',
      kind: 'subjob-failed',
      severity: 'info',
      status: 'open',
      account: null,
      api: null,
      template: null,
      reason: `somebody tests the receiver ${receiver}`,
      error: null,
      failures: 0,
      jobs: 0,
      firstSeenAt: at,
      lastSeenAt: at,
      openedAt: at,
      resolvedAt: null,
      labels: {},
      url: null,
    },
    sample: [],
    shared: [],
  };
}
