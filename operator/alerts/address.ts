import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { invalid } from '../../flags/index.ts';

/**
 * Addresses that are not of the open internet, and would let an alert reach what only this machine and its neighbours
 * may reach (IANA's special-purpose registries). IPv4 addresses inside IPv6 ones are unwrapped first.
 */
const PRIVATE: ReadonlyArray<readonly [network: string, bits: number, family: 'ipv4' | 'ipv6']> = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
  ['5f00::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 9, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const blocked = new BlockList();
for (const [network, bits, family] of PRIVATE) blocked.addSubnet(network, bits, family);

/** Prefixes of IPv6 addresses that hold an IPv4 address: in the last two groups, or (6to4) in the second and third. */
const MAPPED = ['::ffff:0:0', '::ffff:0:0:0', '64:ff9b::'];
const mapped = new BlockList();
for (const network of MAPPED) mapped.addSubnet(network, 96, 'ipv6');
const sixToFour = new BlockList();
sixToFour.addSubnet('2002::', 16, 'ipv6');

/** True for an address that is not of the open internet, and for what is none. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 4) return blocked.check(plain, 'ipv4');
  if (family !== 6) return true;
  const groups = groupsOf(plain);
  if (mapped.check(plain, 'ipv6')) return blocked.check(asIPv4(groups[6], groups[7]), 'ipv4');
  if (isIsatap(groups) && blocked.check(asIPv4(groups[6], groups[7]), 'ipv4')) return true;
  if (sixToFour.check(plain, 'ipv6') && blocked.check(asIPv4(groups[1], groups[2]), 'ipv4')) return true;
  return blocked.check(plain, 'ipv6');
}

/** ISATAP (RFC 5214): whatever the network, the last two groups are an IPv4 address behind it. */
const isIsatap = ([, , , , flags = 0, mark]: readonly number[]): boolean => (flags & 0xfdff) === 0 && mark === 0x5efe;

/** The eight groups of an IPv6 address; `URL` writes each in one way only. */
function groupsOf(address: string): number[] {
  const { hostname } = new URL(`http://[${address}]`);
  const [before = '', after] = hostname.slice(1, -1).split('::');
  const read = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [start, end] = [read(before), read(after)];
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => 0), ...end];
}

const asIPv4 = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The host of an address without the brackets of IPv6. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** An address as people type it. @throws KillSwitchError INVALID_ARGUMENT, which does not repeat what may be secret */
export function addressOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('to is no address. It is one such as https://hooks.example.com/kill-switch');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid(`to is an https:// or http:// address, not one of ${url.protocol}//`);
  return url;
}

/** Where an address leads, without what may be secret of it: user, password, path and query. */
export const shownAddress = ({ protocol, host, pathname, search }: URL): string =>
  `${protocol}//${host}${pathname === '/' && search === '' ? '' : '/…'}`;

/** The error of an address that alerts may not be sent to. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

const privateAddress = (host: string, address: string): PrivateAddressError =>
  new PrivateAddressError(
    `${host === address ? host : `${host} is ${address}, which`} is an address of a private network or of this machine, and nothing was sent there. Where that is meant, add the alert with --allow-private.`,
  );

/** How names become addresses. */
export type Resolve = (
  host: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: Error | null, found: readonly LookupAddress[]) => void,
) => void;

/**
 * Looks a name up for one connection, and gives only addresses that may be connected to: what is looked at is what is
 * connected to, so a name that changes its address in between gains nothing.
 */
export const publicLookup =
  (resolve: Resolve = systemLookup): LookupFunction =>
  (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      const [first] = found ?? [];
      if (error || !first) return callback(error ?? new Error(`${host} has no address`), '', 0);
      const inside = found.find(({ address }) => isPrivateAddress(address));
      if (inside) return callback(privateAddress(host, inside.address), '', 0);
      if (options.all) return callback(null, [...found]);
      return callback(null, first.address, first.family);
    });
  };

/**
 * Refuses an address of a private network. One that cannot be looked up now is taken: it is looked at again each time
 * that something is sent.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export async function checkPublic(url: URL, resolve: Resolve = systemLookup): Promise<void> {
  const host = hostOf(url);
  const found = isIP(host)
    ? [host]
    : await new Promise<readonly string[]>((settle) => {
        resolve(host, { all: true }, (error, addresses) =>
          settle(error ? [] : addresses.map(({ address }) => address)),
        );
      });
  const inside = isLocalName(host) ? '127.0.0.1' : found.find(isPrivateAddress);
  if (inside !== undefined)
    throw invalid(
      `${host === inside ? host : `${host} is ${inside}, which`} is an address of a private network or of this machine. Where that is meant: --allow-private (allowPrivate: true).`,
    );
}

/** Names of this machine, whatever they are looked up as. */
const isLocalName = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host);

/** Why nothing may be sent to this host, without looking its name up; null: that decides. */
export function refusedHost(url: URL): PrivateAddressError | null {
  const host = hostOf(url);
  if (isLocalName(host)) return privateAddress(host, '127.0.0.1');
  return isIP(host) && isPrivateAddress(host) ? privateAddress(host, host) : null;
}
