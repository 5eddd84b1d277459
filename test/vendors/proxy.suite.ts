import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer, type Server } from 'node:tls';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import type { Vendor } from '../../src/domain/vendor.js';
import { apisOf } from '../../src/vendors/registry.js';
import type { Proxies } from '../../src/vendors/vendor-client.js';
import { connect } from '../../src/vendors/vendors.js';
import { selfSigned } from '../support/certificate.js';
import { startConnectProxy, type ConnectProxy } from '../support/connect-proxy.js';
import { createTestDatabase } from '../support/database.js';
import { runProgram } from '../support/program.js';
import {
  CREDENTIALS,
  HUAWEI_CREDENTIALS,
  HUAWEI_PROJECT,
  HUAWEI_VENDOR_ACCOUNT,
  VENDOR_ACCOUNT,
} from '../support/tracker.js';

/** Nobody but the proxy knows where these are. */
const HOSTS: Record<Vendor, string> = { 'alibaba-ims': 'ice.vendor.test', 'huawei-mpc': 'mpc.vendor.test' };
const VENDORS = Object.keys(HOSTS) as Vendor[];
const PASSWORD = 'AKSECRETFINDME/proxy';
const LOGIN = `ops:${encodeURIComponent(PASSWORD)}@`;

let emulator: Emulator;
let proxy: ConnectProxy;

/** Called in every `describe`, because hooks at the top of a suite act on its whole file. */
function useEmulator(): void {
  beforeAll(async () => {
    emulator = await startEmulator({ accounts: [VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT] });
  });
  afterAll(() => emulator.stop());
  afterEach(() => proxy.stop());
}

const behind = (except = ''): Proxies => ({
  http: `http://${LOGIN}127.0.0.1:${proxy.port}`,
  https: `http://${LOGIN}127.0.0.1:${proxy.port}`,
  except,
});

function clientOf(vendor: Vendor, proxies: Proxies, endpoint = `http://${HOSTS[vendor]}`) {
  const credentials = vendor === 'huawei-mpc' ? HUAWEI_CREDENTIALS : CREDENTIALS;
  return connect(vendor, { endpoint, region: 'cn-north-4', credentials, projectId: HUAWEI_PROJECT, proxies });
}

function ask(vendor: Vendor, ...where: Parameters<typeof clientOf> extends [Vendor, ...infer Rest] ? Rest : never) {
  const [api] = apisOf(vendor);
  if (!api) throw new Error(`no API of ${vendor}`);
  return clientOf(vendor, ...where).call(api.query(['30647']));
}

describe.each(VENDORS)('calling %s through a proxy', (vendor) => {
  useEmulator();
  beforeEach(async () => {
    proxy = await startConnectProxy(emulator.port);
  });

  it('gets the answer, and the clock', async () => {
    const answer = await ask(vendor, behind());
    expect(answer.body.toString()).toMatch(/job_array|JobNotFound/);
    expect(await clientOf(vendor, behind()).clockSkewMs()).toEqual(expect.any(Number));
    expect(proxy.asked).toEqual(Array(2).fill({ target: `${HOSTS[vendor]}:80`, credentials: `ops:${PASSWORD}` }));
  });

  it.each([HOSTS[vendor], 'vendor.test', '.vendor.test', 'other.test, *.vendor.test', '*'])(
    'goes past it for NO_PROXY=%s',
    async (except) => {
      // Without the proxy nobody knows where the host is.
      await expect(ask(vendor, behind(except))).rejects.toMatchObject({
        kind: 'transient',
        code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN|TIMEOUT/),
      });
      expect(proxy.asked).toEqual([]);
    },
  );

  it('goes past it to this machine, and where NO_PROXY names another host only through it', async () => {
    expect((await ask(vendor, behind(), emulator.url)).body.length).toBeGreaterThan(0);
    expect(proxy.asked).toEqual([]);
    expect((await ask(vendor, behind('other.test,endor.test'))).body.length).toBeGreaterThan(0);
    expect(proxy.asked).toHaveLength(1);
  });

  it.each([407, 403, 502])(
    'takes a proxy that answers %i for something that may pass, and tells no password',
    async (status) => {
      proxy.refuse(status);
      const error = await ask(vendor, behind()).catch((refusal: unknown) => refusal);
      expect(error).toMatchObject({ kind: 'transient', message: expect.stringContaining(String(status)) });
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('FINDME');
    },
  );
});

describe('npm start -- --check', () => {
  let folder: string;
  let vendor: Server;
  useEmulator();

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-proxy-'));
    const { cert, key } = selfSigned(Object.values(HOSTS));
    writeFileSync(path.join(folder, 'ca.pem'), cert);
    vendor = createTlsServer({ cert, key }, (socket) => {
      const plain = connectSocket(emulator.port, '127.0.0.1');
      socket.pipe(plain).pipe(socket);
      socket.on('error', () => plain.destroy());
      plain.on('error', () => socket.destroy());
    });
    await new Promise<void>((listening) => vendor.listen(0, '127.0.0.1', listening));
    proxy = await startConnectProxy((vendor.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await new Promise((closed) => vendor.close(closed));
    rmSync(folder, { recursive: true });
  });

  it('reaches both vendors over TLS through HTTPS_PROXY', async () => {
    const file = path.join(folder, 'callsheet.yaml');
    writeFileSync(
      file,
      `accounts:
  - name: clips-cn
    vendor: huawei-mpc
    region: cn-north-4
    projectId: ${HUAWEI_PROJECT}
    endpoint: https://${HOSTS['huawei-mpc']}
    accessKeyId: ${HUAWEI_CREDENTIALS.accessKeyId}
    accessKeySecret: ${HUAWEI_CREDENTIALS.accessKeySecret}
  - name: media-cn
    vendor: alibaba-ims
    region: cn-shanghai
    endpoint: https://${HOSTS['alibaba-ims']}
    accessKeyId: ${CREDENTIALS.accessKeyId}
    accessKeySecret: ${CREDENTIALS.accessKeySecret}
`,
    );
    const database = await createTestDatabase();
    const { code, output } = await runProgram(
      {
        DATABASE_URL: database.url,
        CALLSHEET_CONFIG: file,
        CALLSHEET_API_KEY: 'AKSECRETFINDME-admin-key',
        HTTPS_PROXY: `http://${LOGIN}127.0.0.1:${proxy.port}`,
        NO_PROXY: 'localhost,127.0.0.1',
        NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem'),
      },
      ['--check'],
    );
    await database.drop();
    expect(output).toMatch(/clips-cn +ok +https:\/\/mpc\.vendor\.test takes the signature/);
    expect(output).toMatch(/media-cn +ok +https:\/\/ice\.vendor\.test takes the signature/);
    expect(code).toBe(0);
    expect(output).not.toContain('FINDME');
    expect(proxy.asked).toContainEqual({ target: 'mpc.vendor.test:443', credentials: `ops:${PASSWORD}` });
    expect(proxy.asked).toContainEqual({ target: 'ice.vendor.test:443', credentials: `ops:${PASSWORD}` });
  });
});
