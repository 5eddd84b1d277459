import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { isRunning, processName } from '../../src/embedded/processes.js';
import { eventually } from '../support/eventually.js';
import { compiled } from '../support/program.js';

it('runs for real, ends by itself and leaves no process', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-demo-'));
  chmodSync(folder, 0o755);
  const child = spawn(process.execPath, [compiled('emulator/demo'), '--seconds=4'], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const closed = once(child, 'close');
  try {
    const tracker = await eventually(() => {
      const { server } = JSON.parse(readFileSync(path.join(folder, '.callsheet/demo/demo.lock'), 'utf8'));
      return processName(server.pid) ?? Promise.reject(new Error('there is no tracker'));
    });
    const postgres = await eventually(() => {
      const { server } = JSON.parse(readFileSync(path.join(folder, '.callsheet/demo/postgres.lock'), 'utf8'));
      return processName(server.pid) ?? Promise.reject(new Error('there is no Postgres'));
    });
    const [code] = await closed;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(isRunning(tracker) || isRunning(postgres)).toBe(false);
    expect(output).toMatch(/creating the database cluster/);
    expect(output).toMatch(
      /docs +http:\/\/127\.0\.0\.1:\d+\/docs +API key +cs_\S+ +alerts +http:\/\/127\.0\.0\.1:\d+\//,
    );
    expect(output).toMatch(/jobs: \d+ played, \d+ finished/);
    expect(output).toMatch(/the tracker's log: 0 errors/);
    expect(output).toBe(stripVTControlCharacters(output));
  } finally {
    child.kill('SIGTERM');
    await closed;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
