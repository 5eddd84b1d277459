import { Injectable } from '@nestjs/common';
import { IntakePool } from '../database/pools.js';
import { Metrics } from '../metrics/metrics.js';
import { Wakeups } from '../queue/wakeups.js';
import { GroupCommit } from './group-commit.js';
import { storeReceipts, tryToStoreReceipt, type NewReceipt, type StoredReceipt } from './intake-statement.js';
import { answerKey, callbackKey } from './receipt-key.js';
import { isTransient } from './transient.js';

/**
 * How much may wait, so that whoever is let in hears soon. Two groups of 1,500, the one under way and the one that
 * waits, are 0.4 s at the 7,000/s that a burst leaves, and leave it groups large enough to be cheap. On a database that stands still for as
 * long as a checkpoint or a slow flush takes, half a second or so, nobody is turned away.
 */
const LIMITS = { group: 1500, bufferBytes: 64 * 1024 * 1024, bufferMs: 700 };

export type CallbackReceipt = Pick<NewReceipt, 'account' | 'contentType' | 'body'> & {
  verified: 'token' | 'signature';
};

export type AnswerReceipt = Pick<NewReceipt, 'account' | 'body' | 'httpStatus'> & {
  api: string;
  asked: string[];
  via: 'poll' | 'list';
  evidence: NonNullable<NewReceipt['evidence']>;
};

/** Intake: stores what vendors said before anybody understands it, and tells apply that there is work. */
@Injectable()
export class Receipts {
  private readonly groups: GroupCommit<NewReceipt, StoredReceipt>;

  constructor(
    private readonly sql: IntakePool,
    private readonly wakeups: Wakeups,
    metrics: Metrics,
  ) {
    this.groups = new GroupCommit(
      async (group) => {
        const stored = await storeReceipts(sql, group);
        this.wakeups.wake();
        metrics.intakeGroupSize.observe(group.length);
        for (const { labels, fresh, receipts } of tally(group, stored)) {
          (fresh ? metrics.receiptsStored : metrics.receiptsDuplicate).inc(labels, receipts);
        }
        return stored;
      },
      ({ body }) => body.length + 512,
      LIMITS,
      (error) => !isTransient(error),
    );
  }

  /** Whether callbacks would be refused now, because too many wait or have waited for long. */
  get areFull(): boolean {
    return this.groups.isFull;
  }

  /** Rejects when nothing can be stored now, as on a full disk. What it writes is rolled back. */
  tryToStore(): Promise<void> {
    return tryToStoreReceipt(this.sql);
  }

  /** Resolves after the commit: then, and only then, the vendor may hear 200. */
  storeCallback(receipt: CallbackReceipt): Promise<StoredReceipt> {
    return this.groups.add({
      account: receipt.account,
      verified: receipt.verified,
      contentType: receipt.contentType,
      body: receipt.body,
      keyHash: callbackKey(receipt.account, receipt.body),
      via: 'callback',
      api: null,
      asked: [],
      httpStatus: null,
      evidence: null,
    });
  }

  storeAnswer(receipt: AnswerReceipt): Promise<StoredReceipt> {
    return this.groups.add(
      {
        ...receipt,
        keyHash: answerKey(receipt.account, receipt.api, receipt.asked, receipt.body),
        verified: 'credentials',
        contentType: 'application/json',
      },
      { patient: true },
    );
  }
}

type Tally = { labels: { account: string; via: string }; fresh: boolean; receipts: number };

/** A group is counted at once: counters look their labels up each time. */
function tally(group: readonly NewReceipt[], stored: readonly StoredReceipt[]): Iterable<Tally> {
  const tallies = new Map<string, Tally>();
  group.forEach(({ account, via }, i) => {
    const fresh = stored[i]?.fresh ?? false;
    const key = `${account} ${via} ${fresh}`;
    const known = tallies.get(key);
    if (known) known.receipts++;
    else tallies.set(key, { labels: { account, via }, fresh, receipts: 1 });
  });
  return tallies.values();
}
