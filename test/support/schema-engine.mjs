#!/usr/bin/env node
// Stands in for the schema engine of Prisma, a download that closed networks do not reach: the same engine as WebAssembly,
// from npm, behind the interface the Prisma CLI speaks (JSON-RPC, one message a line, on stdin and stdout). Use it as
// PRISMA_SCHEMA_ENGINE_BINARY. It knows the methods below and refuses every other aloud: through WebAssembly some of them
// (`migrate dev` on a database with tables, `db pull`, `migrate diff` from a database) do nothing and report success.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

/** JSON-RPC: the engine failed, and `data` says why. */
const ENGINE_ERROR = 4466;

/** The adapter cuts scripts at every semicolon, those in comments and strings too; the binary sends them whole. */
class WholeScriptPg extends PrismaPg {
  async connect() {
    const adapter = await super.connect();
    adapter.executeScript = async (script) => {
      await adapter.client.query(script).catch((error) => adapter.onError(error));
    };
    return adapter;
  }
}

const METHODS = {
  /** `prisma migrate diff`. The CLI prints what it is asked to print; the answer holds the exit code alone. */
  diff: async (engine, params) => {
    if (params.from?.tag !== 'empty') throw new Error('This engine compares from empty only');
    const { stdout, ...result } = await engine.diff(params);
    send({ id: 'print', method: 'print', params: { content: stdout } });
    return result;
  },
  /** `prisma migrate status` and `prisma migrate deploy`. */
  diagnoseMigrationHistory: (engine, params) => engine.diagnoseMigrationHistory(params),
  applyMigrations: (engine, params) => engine.applyMigrations(params),
};

const { values: options, positionals } = parseArgs({
  options: {
    datasource: { type: 'string', default: '{}' },
    datamodels: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
  strict: false,
});
const url = JSON.parse(options.datasource).url ?? process.env.DATABASE_URL;

if (positionals[0] === 'cli') await runOnce(positionals[1]);
else await serve();

/** What the CLI asks in a process of its own, before it starts the one that serves. */
async function runOnce(command) {
  try {
    if (command !== 'can-connect-to-database') throw new Error(`This engine does not know ${command}`);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
  } catch (error) {
    const fields = { error_code: error.code === '3D000' ? 'P1003' : 'P1001', message: error.message };
    // The CLI takes the first line for the command and reads those after it.
    process.stderr.write(`\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields })}\n`);
    process.exitCode = 1;
  }
}

async function serve() {
  // One connection, as the binary has: the advisory lock that keeps migrations apart belongs to a connection.
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  let engine;
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line);
    // Without a method it answers our `print`.
    if (method === undefined) continue;
    try {
      if (!Object.hasOwn(METHODS, method)) throw new Error(`This engine does not know ${method}`);
      engine ??= await startEngine(pool);
      send({ id, result: (await METHODS[method](engine, params)) ?? {} });
    } catch (error) {
      const { message, meta = {}, code = 'P0000' } = error;
      const data = { is_panic: false, message: message ?? String(error), meta, error_code: code };
      send({ id, error: { code: ENGINE_ERROR, message: 'The schema engine failed', data } });
    }
  }
  await pool.end();
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

async function startEngine(pool) {
  const { SchemaEngine } = await loadWebAssembly();
  // Not a dependency of ours: the version that belongs to the adapter is the one to take.
  const ofAdapter = createRequire(import.meta.resolve('@prisma/adapter-pg'));
  const { bindMigrationAwareSqlAdapterFactory } = ofAdapter('@prisma/driver-adapter-utils');
  const datamodels = options.datamodels.map((file) => [file, readFileSync(file, 'utf8')]);
  const adapters = new WholeScriptPg(pool, { schema: 'public' });
  return SchemaEngine.new(
    { datamodels: datamodels.length > 0 ? datamodels : undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(adapters),
  );
}

/** By hand what the package leaves to bundlers: Node imports no .wasm without a flag. */
async function loadWebAssembly() {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const file = fileURLToPath(new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm')));
  const { instance } = await WebAssembly.instantiate(readFileSync(file), { './schema_engine_bg.js': glue });
  // Where the engine leaves its last words when it panics.
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}
