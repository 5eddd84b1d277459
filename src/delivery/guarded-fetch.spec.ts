import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressAllowed, GuardedPost } from './guarded-fetch.js';

const STRAIGHT = { http: null, https: null, except: '' };

describe('addresses', () => {
  it.each([
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
  ])('%s is refused', (address) => {
    expect(addressAllowed('internal.example.com', address, [])).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '47.91.20.3',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
  ])('%s is not', (address) => {
    expect(addressAllowed('example.com', address, [])).toBe(true);
  });

  it('are allowed by range, by address or by the name of the host', () => {
    expect(addressAllowed('a.example', '10.1.2.3', ['10.1.0.0/16'])).toBe(true);
    expect(addressAllowed('a.example', '10.2.2.3', ['10.1.0.0/16'])).toBe(false);
    expect(addressAllowed('a.example', '::ffff:10.1.2.3', ['10.1.0.0/16'])).toBe(true);
    expect(addressAllowed('a.example', 'fd00::1', ['fd00::1'])).toBe(true);
    expect(addressAllowed('a.example', '10.1.2.3', ['a.example'])).toBe(true);
    expect(addressAllowed('b.example', '10.1.2.3', ['a.example'])).toBe(false);
    expect(addressAllowed('b.example', '127.0.0.1', 'allowed')).toBe(true);
  });
});

describe('a post that is guarded', () => {
  it.each([
    ['http://169.254.169.254/latest', '169.254.169.254'],
    ['http://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://localhost:1/', 'localhost (127.0.0.1)'],
  ])('is not sent to %s', async (url, shown) => {
    const post = new GuardedPost(url, STRAIGHT, []).send('{}', {}, AbortSignal.timeout(2000));
    await expect(post).rejects.toThrow(/is a private, loopback, link-local or reserved address/);
    await expect(new GuardedPost(url, STRAIGHT, []).send('{}', {}, AbortSignal.timeout(2000))).rejects.toThrow(shown);
  });

  it('goes through the proxy of the environment, which resolves the name', async () => {
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    const { port } = proxy.address() as AddressInfo;
    const proxies = { http: `http://127.0.0.1:${port}`, https: `http://127.0.0.1:${port}`, except: 'direct.invalid' };
    const send = (url: string) => new GuardedPost(url, proxies, []).send('{}', {}, AbortSignal.timeout(2000));
    await expect(send('https://hooks.invalid/a')).rejects.toThrow('no answer: Proxy response (502)');
    await expect(send('https://10.0.0.1/a')).rejects.toThrow('10.0.0.1 is a private');
    await expect(send('https://direct.invalid/a')).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
    expect(asked).toEqual(['hooks.invalid:443']);
    await new Promise((closed) => proxy.close(closed));
  });
});
