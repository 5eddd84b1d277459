import { DeliveryFailed, type Answered, type Channel, type Outgoing } from './channel.js';

/** Whoever has not taken a message by then will not. */
export const CUT_MS = 10_000;

/** One attempt, ended after its time whether or not the channel minds the signal. Never throws. */
export async function sendWithin(
  cutMs: number,
  channel: Channel,
  outgoing: Outgoing,
): Promise<Answered | DeliveryFailed> {
  const cut = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeliveryFailed(`did not answer within ${cutMs / 1000} s`));
      cut.abort();
    }, cutMs);
  });
  try {
    return await Promise.race([channel.send(outgoing, cut.signal), late]);
  } catch (error) {
    return error instanceof DeliveryFailed
      ? error
      : new DeliveryFailed(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}
