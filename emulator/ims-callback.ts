import { createHash } from 'node:crypto';
import type { CallbackEvent } from './kinds/kind.js';
import { vendorTime } from './kinds/ims-kind.js';

/** The envelope of sheet section 1.3: no delivery id, and the account's id as a number. */
export function callbackBody({ eventType, message }: Omit<CallbackEvent, 'at'>, userId: string, at: number): string {
  return JSON.stringify({
    EventType: eventType,
    UserId: Number(userId),
    EventTime: vendorTime(at),
    MessageBody: message,
  });
}

/** Sheet section 3: MD5 over address, time and key. The body is not covered. */
export function callbackSignature(address: string, timestamp: string, authKey: string): string {
  return createHash('md5').update(`${address}|${timestamp}|${authKey}`).digest('hex');
}

export function callbackHeaders(address: string, authKey: string | undefined, now: number): Record<string, string> {
  const contentType = { 'content-type': 'application/json;charset=utf-8' };
  if (authKey === undefined) return contentType;
  const timestamp = String(Math.floor(now / 1000));
  return {
    ...contentType,
    'X-ICE-TIMESTAMP': timestamp,
    'X-ICE-SIGNATURE': callbackSignature(address, timestamp, authKey),
  };
}
