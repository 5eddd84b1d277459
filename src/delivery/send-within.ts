import { DeliveryFailed, type Answered, type Channel, type Outgoing } from './channel.js';

/** Whoever has not taken a message by then will not. */
export const CUT_MS = 10_000;

/** Of what the other side says, and of what went wrong, this many characters are kept. */
const LONGEST_WORDS = 500;

/**
 * One attempt, ended after its time whether or not the channel minds the signal. Never throws. The words of the outcome can be shown: `redact`
 * sees them whole, since of a secret that lies across the cut it would not know the beginning.
 */
export async function sendWithin(
  cutMs: number,
  channel: Channel,
  outgoing: Outgoing,
  redact: (text: string) => string,
): Promise<Answered | DeliveryFailed> {
  const shown = (text: string) => redact(text).slice(0, LONGEST_WORDS);
  const cut = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeliveryFailed(`did not answer within ${cutMs / 1000} s`));
      cut.abort();
    }, cutMs);
  });
  try {
    const { status, detail } = await Promise.race([channel.send(outgoing, cut.signal), late]);
    return { status, detail: shown(detail) };
  } catch (error) {
    const message = shown(error instanceof Error ? error.message : String(error));
    if (!(error instanceof DeliveryFailed)) return new DeliveryFailed(message);
    const { status, retryAfterMs, permanent, answer } = error;
    return new DeliveryFailed(message, {
      status,
      retryAfterMs,
      permanent,
      answer: answer === null ? null : shown(answer),
    });
  } finally {
    clearTimeout(timer);
  }
}
