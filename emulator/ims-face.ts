import type { Received } from './answer.js';
import { draw } from './draw.js';
import { isForbidden, isOverLimit, secretOf } from './gate.js';
import { errorAnswer, ImsError, jsonAnswer } from './ims-errors.js';
import { IMS_OPERATIONS } from './ims-operations.js';
import { verifiedKeyId } from './ims-signature.js';
import { headerOf } from './signing.js';
import type { VendorFace } from './vendor-face.js';
import { gatewayTime, type World } from './world.js';

const VERSION = '2020-11-09';

/** Alibaba Cloud IMS: RPC style, everything at `/`, the action named only in a header (sheet sections 5.1 and 10.3). */
export const imsFace: VendorFace = {
  matches: (request) => request.headers['x-acs-action'] !== undefined || request.url.pathname === '/',

  subject(request) {
    const jobId = request.url.searchParams.get('JobId') ?? '';
    return {
      action: headerOf(request, 'x-acs-action'),
      accessKeyId: /Credential=([^,]+)/.exec(headerOf(request, 'authorization'))?.[1] ?? '',
      jobId,
      jobIds: jobId === '' ? [] : [jobId],
    };
  },

  answer(request, world, met) {
    try {
      const operation = operationOf(request);
      const accessKeyId = verifiedKeyId(request, (keyId) => secretOf(world, keyId), gatewayTime(world));
      const account = world.accounts.get(accessKeyId);
      if (!account) throw new ImsError('InvalidAccessKeyId.NotFound');

      const action = headerOf(request, 'x-acs-action');
      if (met('serverError')) throw serverError(request, world);
      if (met('throttled') || isOverLimit(world, accessKeyId, action)) throw new ImsError('Throttling.User');
      if (isForbidden(world, action)) {
        throw new ImsError('Forbidden.RAM', undefined, { AccessDeniedDetail: { AuthAction: `ice:${action}` } });
      }
      return jsonAnswer(
        200,
        'ok',
        operation({ account, query: request.url.searchParams, world, now: new Date(world.timers.now()), met }),
      );
    } catch (error) {
      const known = error instanceof ImsError ? error : new ImsError('InternalError', String(error));
      return errorAnswer(known, headerOf(request, 'host'));
    }
  },
};

function operationOf(request: Received) {
  const { method, url } = request;
  const operation = IMS_OPERATIONS.get(headerOf(request, 'x-acs-action'));
  const callable = (method === 'POST' || method === 'GET') && url.pathname === '/';
  if (!operation || !callable || headerOf(request, 'x-acs-version') !== VERSION)
    throw new ImsError('InvalidApi.NotFound');
  return operation;
}

function serverError(request: Received, world: World): ImsError {
  const nonce = headerOf(request, 'x-acs-signature-nonce');
  return new ImsError(draw(world.seed, 'serverError', nonce).pick(['InternalError', 'ServiceUnavailable']));
}
