import { GuardedPost } from '../../src/delivery/guarded-fetch.js';
import { makeEngine } from './delivery-engine.js';

/** Where a sender dies: before it sends, when it has sent, while it writes that down, when it has written it down. */
export const DEATHS = ['claimed', 'sent', 'settling', 'settled'] as const;

export type Life = {
  databaseUrl: string;
  channel: string;
  /** The receiver. */
  url: string;
  /** At which step of which delivery, counted from 1, the process kills itself; null: it lives on. */
  death: { step: (typeof DEATHS)[number]; delivery: number } | null;
};

/** No claim runs out by itself, however busy the machine is: a test moves the lease of a dead sender in the database. */
const TIMING = { cutMs: 240_000, leaseMs: 3_600_000 };

/** Sends what waits for the channel, and writes each outcome to the table `told`, as alerts write their history. */
export function live({ databaseUrl, channel, url, death }: Life): { stop(): Promise<void> } {
  const seen: Record<string, number> = {};
  const passing = (step: (typeof DEATHS)[number]) => {
    seen[step] = (seen[step] ?? 0) + 1;
    if (death?.step === step && death.delivery === seen[step]) process.kill(process.pid, 'SIGKILL');
  };
  const post = new GuardedPost(url, { http: null, https: null, except: '' }, 'allowed');
  const sender = {
    send: async (
      { id, dedupKey, payload }: { id: string; dedupKey: string; payload: unknown },
      signal: AbortSignal,
    ) => {
      // What was written down before this one is committed by now.
      if ((seen['settling'] ?? 0) > (seen['settled'] ?? 0)) passing('settled');
      passing('claimed');
      const answered = await post.send(JSON.stringify({ id, dedupKey, payload }), {}, signal);
      passing('sent');
      return answered;
    },
  };
  const engine = makeEngine(databaseUrl, null, { [channel]: sender }, TIMING);
  engine.deliveries.onSettled('receiver', async (client, { id }) => {
    await client.query('INSERT INTO told (id) VALUES ($1)', [id]);
    passing('settling');
  });
  const sweeping = setInterval(() => void engine.deliverer.sweep().catch(() => undefined), 20);
  return {
    stop: () => {
      clearInterval(sweeping);
      return engine.stop();
    },
  };
}
