import { draw } from './draw.js';
import { isForbidden, isOverLimit, secretOf } from './gate.js';
import { huaweiAnswer, HuaweiError, huaweiErrorAnswer } from './huawei-errors.js';
import { listEditingJobs } from './huawei-list-editing-jobs.js';
import { verifiedAccess } from './huawei-signature.js';
import { headerOf } from './signing.js';
import type { VendorFace } from './vendor-face.js';
import { gatewayTime } from './world.js';

const ACTION = 'ListEditingJobs';
const PATH = /^\/v2\/([^/]+)\/editing\/jobs\/?$/;

/** Huawei Cloud MPC: one resource that is asked for up to ten jobs at once (sheet section 1). */
export const huaweiFace: VendorFace = {
  matches: ({ url }) => PATH.test(url.pathname),

  subject(request) {
    const jobIds = request.url.searchParams.getAll('job_id');
    return {
      action: ACTION,
      accessKeyId: /Access=([^,]+)/.exec(headerOf(request, 'authorization'))?.[1] ?? '',
      jobId: jobIds.join(),
      jobIds,
    };
  },

  answer(request, world, met) {
    try {
      const accessKeyId = verifiedAccess(request, (keyId) => secretOf(world, keyId), gatewayTime(world));
      const account = world.accounts.get(accessKeyId);
      if (!account) throw new HuaweiError('APIGW.0301');

      if (met('throttled') || isOverLimit(world, accessKeyId, ACTION)) throw new HuaweiError('APIG.0308');
      if (isForbidden(world, ACTION)) throw new HuaweiError('PDP.0001');
      if (met('serverError')) {
        const status = draw(world.seed, 'serverError', request.url.search).pick([500, 503]);
        throw new HuaweiError('MPC.10212', undefined, status);
      }
      if (request.method !== 'GET') throw new HuaweiError('MPC.10204');
      // The vendor's pages and its SDK spell the header differently.
      const project = headerOf(request, 'x-project-id') || headerOf(request, 'x-project_id');
      const named = PATH.exec(request.url.pathname)?.[1];
      if (project !== account.projectId || named !== account.projectId) throw new HuaweiError('MPC.10208');

      const jobIds = request.url.searchParams.getAll('job_id');
      return huaweiAnswer(
        200,
        'ok',
        listEditingJobs({ account, jobIds, world, now: new Date(world.timers.now()), met }),
      );
    } catch (error) {
      const known = error instanceof HuaweiError ? error : new HuaweiError('MPC.10212', String(error));
      return huaweiErrorAnswer(known);
    }
  },
};
