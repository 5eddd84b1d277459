import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadSettings } from '../src/settings/load-settings.js';
import { callbackUrl, type Settings } from '../src/settings/settings.js';

/** The one account of the benchmarks, with everything an account can have: token, signature key, credentials. */
export const ACCOUNT = 'bench';
export const AUTH_KEY = 'bench-authentication-key';
const TOKEN = 'bench-token-0123456789';

/** Where the vendor believes it is calling: what the signature covers. */
export const ADDRESS = callbackUrl('https://callsheet.example', ACCOUNT, TOKEN);

/** Read from a file like anybody's, so that it holds whatever settings there are by now. */
export function benchSettings(databaseUrl: string): Settings {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'callsheet-bench-'));
  const config = {
    publicUrl: 'https://callsheet.example',
    accounts: [
      {
        name: ACCOUNT,
        vendor: 'alibaba-ims',
        region: 'cn-shanghai',
        // Nothing polls here; should something ever try, it reaches nobody.
        endpoint: 'http://127.0.0.1:9',
        accessKeyId: 'bench-access-key-id',
        accessKeySecret: 'bench-access-key-secret',
        callback: { tokens: [TOKEN], authKeys: [AUTH_KEY] },
      },
    ],
  };
  try {
    const file = path.join(dir, 'callsheet.yaml');
    // Every JSON document is a YAML document.
    writeFileSync(file, JSON.stringify(config));
    const variables = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: process.env['REDIS_URL'],
      CALLSHEET_CONFIG: file,
      CALLSHEET_API_KEY: 'bench-api-key-0123456789',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'warn',
    };
    return loadSettings(variables, dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
