import type { Json } from '../../domain/observation.js';
import { Fields, isObject, LONGEST_ID } from '../readers.js';
import type { CallbackEvent } from '../vendor-api.js';

/** The keys under which a callback may name its job or a part of it, best first (protocol sheet, section 2.2). */
const ID_KEYS = ['JobId', 'ParentJobId', 'TaskId'] as const;

/** A callback as far as anyone can read it. */
export type ImsCallback = {
  event: CallbackEvent;
  /** The id of the job itself, when the callback gives one. */
  vendorJobId: string | null;
  /** All ids that may lead to a job we know, best first. */
  ids: string[];
};

/** Reads the envelope `{EventType, UserId, EventTime, MessageBody}`; null when nothing in it could name a job. */
export function readImsCallback(document: Json): ImsCallback | null {
  const envelope = Fields.of(document);
  // Some of the vendor's products send the event flat; the body is where an id is.
  const inner = envelope.value['MessageBody'];
  const body = isObject(inner) ? inner : envelope.value;
  const fields = Fields.of(body);
  const ids = ID_KEYS.map((key) => fields.text(key, Number.MAX_SAFE_INTEGER)).filter((id) => id !== null);
  const usable = [...new Set(ids)].filter((id) => id.length <= LONGEST_ID);
  if (usable.length === 0) return null;
  const type = envelope.text('EventType') ?? '';
  return {
    event: { type, occurredAt: envelope.time('EventTime'), body },
    vendorJobId: fields.id('JobId'),
    ids: usable,
  };
}
