import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server, and can make connections fall silent: neither data nor FIN nor RST comes any more. */
export type TcpProxy = Awaited<ReturnType<typeof startTcpProxy>>;

export async function startTcpProxy(target: { host: string; port: number }) {
  const pairs = new Set<{ client: Socket; server: Socket; isSilent: boolean }>();
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ ...target, allowHalfOpen: true });
    const pair = { client, server, isSilent: false };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (chunk) => !pair.isSilent && to.write(chunk));
      from.on('end', () => !pair.isSilent && to.end());
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!pair.isSilent) to.destroy();
        if (client.destroyed && server.destroyed) pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  return {
    port: (listener.address() as AddressInfo).port,
    /** What is connected now falls silent; what connects later is served. Returns how many fell silent. */
    silence: (): number => {
      const speaking = [...pairs].filter(({ isSilent }) => !isSilent);
      for (const pair of speaking) pair.isSilent = true;
      return speaking.length;
    },
    stop: async () => {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await new Promise((closed) => listener.close(closed));
    },
  };
}
