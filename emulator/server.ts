import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Answer, Received } from './answer.js';
import { draw } from './draw.js';
import { huaweiFace } from './huawei-face.js';
import { imsFace } from './ims-face.js';
import type { Met, VendorFace } from './vendor-face.js';
import { gatewayTime, type World } from './world.js';

/** A new vendor is its own face and one line here. */
const FACES: VendorFace[] = [huaweiFace, imsFace];

const BODY_LIMIT = 1024 * 1024;
const HTML_PAGE: Answer = {
  status: 502,
  outcome: 'htmlPage',
  headers: { 'content-type': 'text/html' },
  body: '<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n',
};
const NOTHING_HERE: Answer = {
  status: 404,
  outcome: 'nothingHere',
  headers: { 'content-type': 'text/plain' },
  body: 'Not Found',
};

export function vendorServer(world: World): Server {
  const turns = new Map<string, number>();
  const server = createServer((request, response) => {
    void received(request).then(
      (whole) => (whole ? serve(whole, response) : request.socket.destroy()),
      () => request.socket.destroy(),
    );
  });
  // The default of 5 s closes idle connections just as a poller comes back to them.
  server.keepAliveTimeout = 65_000;
  return server;

  function serve(request: Received, response: ServerResponse): void {
    const face = FACES.find((candidate) => candidate.matches(request));
    if (!face) return send(response, NOTHING_HERE);

    const subject = face.subject(request);
    const entry = world.requests.add({ at: world.timers.now(), ...subject });
    const turn = turnOf(subject);
    const met: Met = (fault, about) =>
      draw(world.seed, fault, subject.jobId, turn, ...(about === undefined ? [] : [about])).happens(
        world.faults[fault],
      );

    const reply = () => {
      if (met('reset')) {
        Object.assign(entry, { status: 0, outcome: 'reset' });
        response.socket?.destroy();
        return;
      }
      const answer = met('htmlPage') ? HTML_PAGE : face.answer(request, world, met);
      Object.assign(entry, { status: answer.status, outcome: answer.outcome });
      send(response, answer);
    };
    if (!met('slow')) return reply();
    entry.slow = true;
    world.timers.after(world.faults.slowMs, reply);
  }

  /** Per job, so that what a request meets does not depend on how requests about other jobs are interleaved. */
  function turnOf({ action, accessKeyId, jobId }: ReturnType<VendorFace['subject']>): number {
    const job = world.jobs.get(jobId);
    if (job) return (job.asked += 1);
    const caller = `${accessKeyId}/${action}`;
    const turn = (turns.get(caller) ?? 0) + 1;
    turns.set(caller, turn);
    return turn;
  }

  function send(response: ServerResponse, { status, headers, body }: Answer): void {
    const date = new Date(gatewayTime(world)).toUTCString();
    response.writeHead(status, { ...headers, date, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  }
}

async function received(request: IncomingMessage): Promise<Received | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  const url = new URL(request.url ?? '/', 'http://emulator');
  return { method: request.method ?? 'GET', url, headers: request.headers, body: Buffer.concat(chunks) };
}
