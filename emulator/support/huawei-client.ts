import { createHash, createHmac } from 'node:crypto';
import type { Account, Emulator } from '../emulator.js';

const EMPTY = createHash('sha256').update('').digest('hex');

type Change = { headers?: Record<string, string>; method?: string; at?: number; project?: string; unsigned?: boolean };

/** Asks as the vendor's SDK does; signed here step by step as the sheet tells it (section 4), without the code under test. */
export async function askHuawei(
  emulator: Pick<Emulator, 'port'>,
  account: Account,
  ids: string[],
  change: Change = {},
) {
  const { method = 'GET', at = Date.now(), project = account.projectId ?? '' } = change;
  const path = `/v2/${project}/editing/jobs`;
  const query = [...ids].sort().map((id) => `job_id=${encodeURIComponent(id)}`);
  const date = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    host: `127.0.0.1:${emulator.port}`,
    'x-project-id': project,
    'x-sdk-date': date,
    ...change.headers,
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = [method, `${path}/`, query.join('&'), lines, names.join(';'), EMPTY].join('\n');
  const toSign = `SDK-HMAC-SHA256\n${date}\n${createHash('sha256').update(canonical).digest('hex')}`;
  const signature = createHmac('sha256', account.accessKeySecret).update(toSign).digest('hex');
  const authorization = `SDK-HMAC-SHA256 Access=${account.accessKeyId}, SignedHeaders=${names.join(';')}, Signature=${signature}`;

  const { host: _, ...sent } = headers;
  const response = await fetch(`http://127.0.0.1:${emulator.port}${path}?${query.join('&')}`, {
    method,
    headers: { ...sent, ...(!change.unsigned && { authorization }) },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? JSON.parse(text) : null,
  };
}
