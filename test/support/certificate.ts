import { generateKeyPairSync, sign } from 'node:crypto';

const DAY_MS = 86_400_000;

/** A certificate of its own authority for `hosts`, good for a day, and its key; both PEM. Node makes keys but no certificates. */
export function selfSigned(hosts: readonly string[]): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(hosts[0] ?? '')))));
  const time = (ms: number) => der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
  const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ecdsaWithSha256,
    name,
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        // An authority, so that it may stand in NODE_EXTRA_CA_CERTS.
        extension('551d13', sequence(der(0x01, Buffer.of(0xff)))),
        extension('551d11', sequence(...hosts.map((host) => der(0x82, Buffer.from(host))))),
      ),
    ),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', certificate, privateKey));
  const body = sequence(certificate, ecdsaWithSha256, signature).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** Tag, length, content: a length of 128 or more is written with how many bytes it has. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}
