import type { IncomingHttpHeaders } from 'node:http';

export type Received = { method: string; url: URL; headers: IncomingHttpHeaders; body: Buffer };

/** `outcome` is for the log: `ok` or the error's code. */
export type Answer = { status: number; outcome: string; headers: Record<string, string>; body: string };
