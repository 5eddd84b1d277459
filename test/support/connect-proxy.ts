import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export type ConnectProxy = {
  port: number;
  /** What it was asked to connect to, as `host:port`, with the credentials it was shown. */
  asked: { target: string; credentials: string | null }[];
  /** Answers every CONNECT with this status from now on. */
  refuse(status: number): void;
  stop(): Promise<void>;
};

/** An HTTP proxy that tunnels, whatever host it is asked for, to `port` of this machine: only it knows where the host is. */
export async function startConnectProxy(port: number): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = [];
  const sockets = new Set<Socket>();
  let refusal: number | null = null;
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (request, client: Socket) => {
    const [scheme, encoded = ''] = (request.headers['proxy-authorization'] ?? '').split(' ');
    const credentials = scheme === 'Basic' ? Buffer.from(encoded, 'base64').toString() : null;
    asked.push({ target: request.url ?? '', credentials });
    client.on('error', () => client.destroy());
    if (refusal !== null) return client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
    const vendor = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(vendor).pipe(client);
    });
    sockets.add(vendor);
    vendor.on('error', () => client.destroy());
    client.on('close', () => vendor.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    refuse: (status) => (refusal = status),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
