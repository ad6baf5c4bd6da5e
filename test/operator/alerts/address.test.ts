import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import {
  addressOf,
  checkPublic,
  isPrivateAddress,
  publicLookup,
  refusedHost,
  type Resolve,
  shownAddress,
} from '../../../operator/alerts/address.ts';

const PRIVATE = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '10.0.0.1', '172.16.0.1', '172.31.255.255'],
  ...['192.168.1.1', '169.254.169.254', '100.64.0.1', '100.127.255.255', '192.0.0.8', '198.18.0.1', '224.0.0.1'],
  ...['239.1.2.3', '240.0.0.1', '255.255.255.255', '192.0.2.1', '203.0.113.9'],
  ...['::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.1.2.3', '64:ff9b::a9fe:a9fe'],
  ...['fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', '2002:7f00:1::'],
  ...['2a00:1450::5efe:a00:1', '2a00:1450::200:5efe:7f00:1'], // ISATAP
  ...['2001:db8::1', '2001::1', '64:ff9b:1::1', 'not an address', ''],
];
const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '93.184.216.34', '172.32.0.1', '100.128.0.1', '192.0.1.1', '223.255.255.255'],
  ...['2606:4700:4700::1111', '2a00:1450:4001::200e', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::'],
  ...['2a00:1450::5efe:808:808', '2a00:1450::5eff:a00:1'],
];

test.each(PRIVATE)('%j is of a private network, or of this machine', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

test.each(PUBLIC)('%j is of the open internet', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

describe('an address as it is typed', () => {
  test.each([
    ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://017700000001/', 'http://127.1:8080/x'],
    ...['http://[::1]/', 'http://[::ffff:169.254.169.254]/', 'http://localhost/', 'http://a.LOCALHOST./'],
    ...['http://0/', 'https://169.254.169.254/latest/meta-data'],
  ])('%s is refused, however it is written', async (text) => {
    expect(refusedHost(addressOf(text))).not.toBeNull();
    await expect(checkPublic(addressOf(text))).rejects.toThrow(/private network|this machine/);
  });

  test('is refused where a name leads to one', async () => {
    const resolve = found('93.184.216.34', '10.0.0.7');
    await expect(checkPublic(addressOf('https://rebind.test/'), resolve)).rejects.toThrow(
      /rebind\.test is 10\.0\.0\.7/,
    );
    await expect(checkPublic(addressOf('https://open.test/'), found('93.184.216.34'))).resolves.toBeUndefined();
    await expect(checkPublic(addressOf('https://gone.test/'), found())).resolves.toBeUndefined();
  });

  test.each(['nonsense with s3cret', 'ftp://user:s3cret@host/', 'file:///etc/passwd', '/s3cret', 'javascript:s3cret'])(
    '%s is refused, and not repeated',
    (text) => {
      expect(() => addressOf(text)).toThrow(/to is/);
      expect(() => addressOf(text)).not.toThrow(/s3cret|passwd/);
    },
  );

  test.each([
    ['https://user:s3cret@hooks.test:8443/services/T0/s3cret?token=s3cret#s3cret', 'https://hooks.test:8443/…'],
    ['https://hooks.test/?s3cret', 'https://hooks.test/…'],
    ['http://hooks.test', 'http://hooks.test'],
  ])('%s is shown without what is secret', (text, shown) => {
    expect(shownAddress(addressOf(text))).toBe(shown);
  });
});

describe('what is connected to', () => {
  test('is one of the addresses that were looked at, in the form that Node asks for', async () => {
    const lookup = publicLookup(found('93.184.216.34', '2606:4700:4700::1111'));
    const ask = (all: boolean) =>
      new Promise((settle) => lookup('open.test', { all }, (error, ...rest) => settle([error, ...rest])));
    expect(await ask(false)).toEqual([null, '93.184.216.34', 4]);
    expect(await ask(true)).toEqual([
      null,
      [
        { address: '93.184.216.34', family: 4 },
        { address: '2606:4700:4700::1111', family: 6 },
      ],
    ]);
  });

  test('is nothing where any of them is private, or none is found', async () => {
    const ask = (resolve: Resolve) =>
      new Promise((settle) => publicLookup(resolve)('host.test', { all: true }, (error) => settle(error?.message)));
    expect(await ask(found('93.184.216.34', '127.0.0.1'))).toMatch(/host\.test is 127\.0\.0\.1, which/);
    expect(await ask(found())).toMatch(/no address/);
  });
});

function found(...addresses: readonly string[]): Resolve {
  const all = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
  return (_host, _options, callback) => callback(null, all);
}
