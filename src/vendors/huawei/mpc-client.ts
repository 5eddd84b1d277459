import { isObject, parseJson } from '../readers.js';
import { encodedPath, encodedQuery } from '../rfc3986.js';
import { retryAfterMs, VendorHttp, type HttpAnswer } from '../http.js';
import type { Connection, VendorAnswer, VendorClient, VendorQuery } from '../vendor-client.js';
import { VendorError } from '../vendor-error.js';
import { errorKindOf } from './mpc-errors.js';
import { signedHeaders } from './mpc-signature.js';

const LONGEST_CODE = 64;
const LONGEST_REASON = 300;

/** Calls Huawei Cloud MPC. Not through the vendor's SDK, which logs every failed request with its key. */
export class MpcClient implements VendorClient {
  private readonly http: VendorHttp;
  private readonly credentials: Connection['credentials'];
  private readonly projectId: string;

  constructor({ endpoint, credentials, projectId, proxies, silenceMs }: Connection) {
    this.http = new VendorHttp(endpoint, proxies, silenceMs);
    this.credentials = credentials;
    this.projectId = projectId ?? '';
  }

  async call({ action, parameters }: VendorQuery): Promise<VendorAnswer> {
    const path = action.replace('{project_id}', this.projectId);
    const headers = signedHeaders(
      {
        method: 'GET',
        path,
        query: parameters,
        // The pages write X-Project_Id; the vendor's SDK sends it with a dash.
        headers: { host: this.http.host, 'content-type': 'application/json', 'x-project-id': this.projectId },
      },
      this.credentials,
      new Date(),
    );
    const answer = await this.http.send('GET', `${encodedPath(path)}?${encodedQuery(parameters)}`, {
      accept: 'application/json',
      ...headers,
    });
    return this.sorted(answer);
  }

  clockSkewMs(): Promise<number | null> {
    return this.http.clockSkewMs();
  }

  private sorted({ status, headers, body }: HttpAnswer): VendorAnswer {
    const document = parseJson(body.toString('utf8'))?.value;
    if (isObject(document) && status === 200) return { httpStatus: status, body };
    const retry = { retryAfterMs: retryAfterMs(headers, Date.now()) };
    if (!isObject(document) || status < 400) {
      // A gateway's or a proxy's page: it says nothing of us, unless that we are too many.
      const kind = status === 429 ? 'throttled' : 'transient';
      throw new VendorError(kind, 'NotAnAnswer', `HTTP ${status} with something that is not an answer`, retry);
    }
    const code = textIn(document['error_code'], `HTTP ${status}`).slice(0, LONGEST_CODE);
    // The gateway likes to repeat the key it does not know.
    const reason = textIn(document['error_msg'], code).replaceAll(this.credentials.accessKeyId, '***');
    throw new VendorError(errorKindOf(code, status), code, reason.slice(0, LONGEST_REASON), retry);
  }
}

function textIn(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
