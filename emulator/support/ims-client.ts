import openApi from '@alicloud/openapi-core';
import type { Account, Emulator } from '../emulator.js';

const { Config, OpenApiRequest, Params } = openApi.$OpenApiUtil;

type Failure = { name: string; code?: string; statusCode?: number; message: string };
export type Said = { status: number; document: Record<string, unknown>; headers: Record<string, string> };

/** The vendor's own client against the emulator. Rejects as the client does. */
export async function ask(
  emulator: Pick<Emulator, 'port'>,
  account: Account,
  action: string,
  asked?: string | Record<string, string>,
): Promise<Said> {
  const client = new openApi.default(
    new Config({
      accessKeyId: account.accessKeyId,
      accessKeySecret: account.accessKeySecret,
      endpoint: `127.0.0.1:${emulator.port}`,
      protocol: 'http',
      readTimeout: 120_000,
      connectTimeout: 120_000,
    }),
  );
  const params = new Params({
    action,
    version: '2020-11-09',
    protocol: 'HTTP',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'string',
  });
  const request = new OpenApiRequest({ query: typeof asked === 'string' ? { JobId: asked } : (asked ?? {}) });
  // The client reads its runtime options as plain properties.
  const answer = (await client.callApi(params, request, {} as never)) as Record<string, never>;
  return {
    status: answer['statusCode'] ?? 0,
    headers: answer['headers'] ?? {},
    document: JSON.parse(answer['body'] ?? ''),
  };
}

/** The error of a call that must fail. */
export async function refused(call: Promise<unknown>): Promise<Failure> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: Failure) => error,
  );
}
