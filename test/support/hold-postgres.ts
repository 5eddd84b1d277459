// A process to be killed: starts the embedded Postgres in the folder given and holds it until its input ends.
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';

const tell = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const postgres = await startEmbeddedPostgres({
  dataDir: process.argv[2] ?? '',
  settings: { shared_buffers: '16MB' },
  onProgress: (progress) => tell({ progress }),
});
tell({ url: postgres.url });
process.stdin.resume().on('end', () => void postgres.stop());
