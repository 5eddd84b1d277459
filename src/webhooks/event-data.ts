import type pg from 'pg';
import type { OutgoingEvent } from './outgoing-event.js';

/** What outgoing events say: jobs, parts and files as the HTTP API shows them, so it is the API's room that provides it. */
export abstract class EventData {
  /** The `data` of each event, in the same order; null: what it is about is gone, as a file that another has replaced. */
  abstract of(client: pg.ClientBase, events: readonly OutgoingEvent[]): Promise<(object | null)[]>;
}
