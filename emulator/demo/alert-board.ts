import type { AlertMessage, MessageReason } from '../../src/alerts/alert-message.js';

/** A message as a receiver of type `webhook` gets it. */
export type AlertEvent = { type: string; timestamp: string; data: AlertMessage & { summary: string } };

const STATES = {
  opened: 'open',
  grew: 'growing',
  repeated: 'open',
  resolved: 'resolved',
  reopened: 'again',
  silence_expired: 'open',
  test: 'test',
} as const satisfies Record<MessageReason, string>;

/** What is known of one opening of an alert, and the messages that told it, oldest first. */
export type Card = Pick<AlertMessage, 'alert' | 'sample' | 'shared'> & {
  /** The dedup key of its messages. */
  key: string;
  state: (typeof STATES)[MessageReason];
  messages: { id: string; at: string; reason: MessageReason; summary: string }[];
};

const MOST_CARDS = 100;
const MOST_MESSAGES = 50;

/** The alerts of a run, in memory, as a receiver knows them: by what it was told. */
export class AlertBoard {
  private readonly byKey = new Map<string, Card>();
  /** The last message, in one line. */
  newest: string | null = null;

  /** The card that the message is about, as it is now; null: the message has come before. */
  take(id: string, { timestamp, data }: AlertEvent): Card | null {
    const { dedupKey: key, reason, alert, sample, shared, summary } = data;
    const earlier = this.byKey.get(key)?.messages ?? [];
    if (earlier.some((message) => message.id === id)) return null;
    const messages = [...earlier, { id, at: timestamp, reason, summary }].slice(-MOST_MESSAGES);
    const card = { key, state: STATES[reason], alert, sample, shared, messages };
    this.byKey.set(key, card);
    this.newest = summary;
    if (this.byKey.size > MOST_CARDS) this.forgetOne();
    return card;
  }

  cards(): Card[] {
    return [...this.byKey.values()];
  }

  /** The oldest that is over, or else the oldest. */
  private forgetOne(): void {
    const cards = this.cards();
    const oldest = cards.find(({ state }) => state === 'resolved') ?? cards[0];
    if (oldest) this.byKey.delete(oldest.key);
  }
}
