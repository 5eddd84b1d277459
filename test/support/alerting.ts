import type pg from 'pg';
import type { AlertMessage } from '../../src/alerts/alert-message.js';
import { lockAlerts } from '../../src/alerts/alert-rows.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import { alertSettings, type TestTracker } from './tracker.js';

/** One receiver that takes everything. Nobody listens there: what it is told is read from the deliveries stored for it. */
export const RECORDER = { name: 'recorder', type: 'slack', url: 'http://127.0.0.1:9/hook' };

export type Message = AlertMessage & { at: Date; receiver: string };

/** What receivers were told, in order. */
export async function messagesOf(tracker: TestTracker, receiver = RECORDER.name): Promise<Message[]> {
  const rows = await tracker.rows<{ payload: AlertMessage; created_at: Date }>(
    'SELECT payload, created_at FROM deliveries WHERE channel = $1 ORDER BY number',
    [`receiver/${receiver}`],
  );
  return rows.map(({ payload, created_at: at }) => ({ ...payload, at, receiver }));
}

export const linesOf = (messages: readonly Message[]) =>
  messages.map(({ reason, alert }) => `${reason} ${alert.error?.code ?? alert.kind} ${alert.failures}`);

/** When what happened to alerts and silences, and when what is due. */
const TIMES = {
  alerts: [
    'first_seen_at',
    'last_seen_at',
    'opened_at',
    'acknowledged_at',
    'resolved_at',
    'succeeded_at',
    'silence_expired_at',
    'changed_at',
  ],
  alert_receivers: ['due_at', 'told_at', 'told_changed_at'],
  alert_events: ['at'],
  silences: ['created_at', 'ends_at', 'ended_at'],
};

/** As if so many minutes had passed for alerts and silences: every time that is written of them moves so far into the past. */
export function letMinutesPass(tracker: TestTracker, minutes: number): Promise<void> {
  return withoutWriters(tracker, async (client) => {
    for (const [table, columns] of Object.entries(TIMES)) {
      const moved = columns.map((column) => `${column} = ${column} - interval '${minutes} minutes'`);
      await client.query(`UPDATE ${table} SET ${moved.join(', ')}`);
    }
  });
}

/** `alerts` as in callsheet.yaml from now on, as a reload does, with nothing left of what there was. */
export async function beginAlertsAfresh(tracker: TestTracker, alerts: object): Promise<void> {
  await withoutWriters(tracker, async (client) => {
    for (const table of ['alerts', 'silences', 'deliveries']) await client.query(`DELETE FROM ${table}`);
  });
  const current = tracker.app.get(CurrentSettings);
  current.replace({ ...current.value, alerts: alertSettings(alerts) });
}

/** Under the lock of those who write alerts, so that no round sees half of it. */
function withoutWriters(tracker: TestTracker, work: (client: pg.ClientBase) => Promise<void>): Promise<void> {
  return tracker.app.get(SqlPool).transaction(async (client) => {
    await lockAlerts(client);
    await work(client);
  });
}

let made = 0;
const hex = (n: number) => `${(0xabcd0000 + n).toString(16)}`.padStart(28, '7').padEnd(32, '0');

/** An id that no other has. */
export const newId = (): string => hex((made += 1));

export type Part = { error?: [code: string, message: string] };

/** A batch as the vendor answers about it when it has ended, made of the given parts. */
export function batchDocument(vendorJobId: string, parts: readonly Part[], inputs: readonly string[] = []) {
  return {
    EditingBatchJob: {
      JobId: vendorJobId,
      JobType: 'Script',
      InputConfig: JSON.stringify({ MediaGroupArray: [{ GroupName: 'intro', MediaArray: inputs }] }),
      OutputConfig: JSON.stringify({
        MediaURL: 'http://demo-bucket.oss-cn-shanghai.aliyuncs.com/x_{index}.mp4',
        Count: 2,
      }),
      Extend: '{}',
      UserData: '{}',
      CreateTime: '2026-06-13T08:47:07Z',
      ModifiedTime: '2026-06-13T08:57:07Z',
      CompleteTime: '2026-06-13T08:57:07Z',
      Status: 'Finished',
      SubJobList: parts.map(({ error }, i) => ({
        JobId: newId(),
        Status: error ? 'Failed' : 'Success',
        ...(error
          ? { ErrorCode: error[0], ErrorMessage: error[1] }
          : {
              MediaId: newId(),
              MediaURL: `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${vendorJobId}_${i}.mp4`,
              Duration: 24.5,
            }),
      })),
    },
  };
}
