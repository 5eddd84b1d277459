import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { migrate } from '../src/database/migrate.js';
import { makePartitions } from '../src/database/partitions.js';
import { SqlPool } from '../src/database/sql-pool.js';
import { GroupCommit } from '../src/tracking/group-commit.js';
import { storeReceipts, type NewReceipt, type StoredReceipt } from '../src/tracking/intake-statement.js';
import { ACCOUNT } from './account.js';
import { answerParent } from './child.js';

/**
 * Group commit and nothing else: Node's own HTTP server, the same statement into the same tables. No route, no token, no
 * signature, nothing read of the body: a key is drawn, so every callback is new. Nobody is woken, nothing is counted.
 */
const LABEL = { account: ACCOUNT, via: 'callback', api: null, asked: [], verified: 'token', httpStatus: null } as const;
const LIMITS = { group: 2000, bufferBytes: 64 * 1024 * 1024, bufferMs: 700 };

let close = async (): Promise<void> => {};

answerParent<{ databaseUrl: string }>(
  async ({ databaseUrl }) => {
    await migrate(databaseUrl);
    const sql = new SqlPool(databaseUrl);
    await makePartitions(sql, new Date());
    const groups = new GroupCommit<NewReceipt, StoredReceipt>(
      (group) => storeReceipts(sql, group),
      ({ body }) => body.length,
      LIMITS,
    );
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const keyHash = randomUUID().replaceAll('-', '');
        const receipt = {
          ...LABEL,
          asked: [],
          keyHash,
          contentType: null,
          body: Buffer.concat(chunks),
          evidence: null,
        };
        groups.add(receipt).then(
          () => response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 }).end('ok'),
          () => response.writeHead(503, { 'content-length': 0 }).end(),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = async () => {
      server.closeAllConnections();
      server.close();
      await sql.onModuleDestroy();
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  },
  () => close(),
);
