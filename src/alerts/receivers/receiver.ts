import type { Answered, Channel, Outgoing } from '../../delivery/channel.js';
import { DeliveryFailed } from '../../delivery/channel.js';
import { GuardedPost } from '../../delivery/guarded-fetch.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import type { AlertMessage } from '../alert-message.js';

/** A message about an alert, on its way to one receiver. */
export type OutgoingAlert = Omit<Outgoing, 'payload'> & { message: AlertMessage };

/** A channel that sends alerts. What is stored was written by us, so its shape is known. */
export function alertChannel(
  send: (outgoing: OutgoingAlert, signal: AbortSignal) => Promise<Answered>,
  limits: Pick<Channel, 'perMinute'> = {},
): Channel {
  return {
    ...limits,
    send: ({ payload, ...rest }, signal) => send({ ...rest, message: payload as AlertMessage }, signal),
  };
}

/** The operator wrote the address himself, so it may be one of the private network. */
export function postTo(url: string, proxies: Proxies): GuardedPost {
  return new GuardedPost(url, proxies, 'allowed');
}

/** For those that answer 200 also when they refuse: the code in the answer's body under `key`, which is 0 when all is well. */
export function codeIn(answered: Answered, key: string): { code: number; says: string } {
  let body: Record<string, unknown> | null;
  try {
    body = JSON.parse(answered.detail) as Record<string, unknown> | null;
  } catch {
    body = null;
  }
  const code = body?.[key];
  if (typeof code === 'number') return { code, says: answered.detail };
  throw new DeliveryFailed(`answered ${answered.status} without ${key}: ${answered.detail}`, {
    status: answered.status,
    answer: answered.detail,
  });
}
