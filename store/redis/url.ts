import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { closest } from '../../flags/closest.ts';
import { invalid } from '../../flags/index.ts';
import type { RedisAddress, RedisNode } from './address.ts';
import { asError } from '../as-error.ts';
import { rowsOf } from '../../flags/table.ts';

/** What a URL says, with the contents of the files that it names. */
export interface RedisUrl {
  /** Without user and password. */
  readonly location: string;
  readonly address: RedisAddress;
  readonly db: number | undefined;
  /** The part that is passed to ioredis. */
  readonly options: RedisOptions;
  readonly keyPrefix: string | undefined;
  readonly replicas: number | undefined;
  readonly cluster: readonly RedisNode[];
  readonly secrets: readonly string[];
}

// No error shows the URL: an unreadable one may have its password anywhere.
const HOW =
  'Write redis://host:port/db, rediss:// for TLS, or redis+unix:///path/of/the.sock?db=5, with user:password@ before the host or the path, both percent-encoded.';

/** The parameters, and the schemes that each goes with; each may be there once. */
const PARAMETERS = {
  ca: 'rediss:',
  cert: 'rediss:',
  key: 'rediss:',
  servername: 'rediss:',
  db: 'redis+unix:',
  prefix: 'any',
  replicas: 'any',
  cluster: 'any',
  sentinels: 'redis: or rediss:',
  sentinelUsername: 'redis: or rediss:',
  sentinelPasswordFile: 'redis: or rediss:',
} as const;

type Parameter = keyof typeof PARAMETERS;
type Parameters = Partial<Readonly<Record<Parameter, string>>>;

const PARAMETER_NAMES = rowsOf(PARAMETERS).map(([name]) => name);

/** @throws KillSwitchError INVALID_ARGUMENT */
export function parseRedisUrl(text: unknown): RedisUrl {
  const url = parse(text);
  const given = parameters(url);
  const unix = url.protocol === 'redis+unix:';
  const { username, password } = credentials(url);
  const path = decoded(url.pathname);
  const dbText = unix ? given.db : path.slice(1);
  if (!/^\d{0,5}$/.test(dbText ?? ''))
    throw invalid(`${unix ? 'db' : 'The path'} of the Redis URL must be a database number. ${HOW}`);
  if (unix && !/^\/[^\0]+$/.test(path)) throw invalid(`The Redis URL names no socket. ${HOW}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port ? Number(url.port) : 6379;
  const sentinels = given.sentinels === undefined ? undefined : nodes('sentinels', given.sentinels, 26379);
  const sentinelPassword = given.sentinelPasswordFile && passwordIn(given.sentinelPasswordFile);
  const secrets = [password, url.password, sentinelPassword];
  return {
    location: location(url, unix, given),
    address: unix ? { path } : { host, port },
    db: dbText ? Number(dbText) : undefined,
    options: {
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      ...(url.protocol === 'rediss:' ? { tls: tlsOptions(given) } : {}),
      ...(sentinels ? { sentinels, name: host } : {}),
      ...(given.sentinelUsername ? { sentinelUsername: given.sentinelUsername } : {}),
      ...(sentinelPassword ? { sentinelPassword } : {}),
    },
    keyPrefix: given.prefix,
    replicas: given.replicas === undefined ? undefined : wholeNumber(given.replicas),
    cluster: given.cluster === undefined ? [] : nodes('cluster', given.cluster, 6379),
    secrets: secrets.filter((secret): secret is string => secret !== undefined && secret !== ''),
  };
}

function parse(text: unknown): URL {
  if (typeof text !== 'string') throw invalid(`The Redis URL cannot be read. ${HOW}`);
  const unix = /^(redis\+)?unix:\/\/(?:([^/?#]*)@)?(?=\/)/i.exec(text);
  // The URL standard allows no user before an empty host, so there is one while it is parsed.
  const whole = unix
    ? `redis+unix://${unix[2] === undefined ? '' : `${unix[2]}@`}localhost${text.slice(unix[0].length)}`
    : text;
  if (!unix && /^(redis\+)?unix:/i.test(text))
    throw invalid(`The URL of a socket names no host: it has three slashes before the path. ${HOW}`);
  if (!URL.canParse(whole)) throw invalid(`The Redis URL cannot be read. ${HOW}`);
  const url = new URL(whole);
  if (!unix && !/^rediss?:$/.test(url.protocol))
    throw invalid(`The Redis URL must begin with redis:, rediss: or redis+unix:. ${HOW}`);
  if (!url.hostname) throw invalid(`The Redis URL names no host. ${HOW}`);
  // An unescaped `/`, `?` or `#` in a password ends the host early: the rest of the password would be shown as a path
  // or a parameter.
  if ((text.includes('@') && !url.username && !url.password) || url.search.includes('@') || url.hash !== '')
    throw invalid(
      `The Redis URL has an @ that does not follow a user and password, or a #. Percent-encode them: @ is %40, # is %23, and in a password / is %2F and ? is %3F. ${HOW}`,
    );
  return url;
}

function parameters({ searchParams, protocol }: URL): Parameters {
  const given: Partial<Record<Parameter, string>> = {};
  for (const [name, value] of searchParams) {
    const parameter = PARAMETER_NAMES.find((each) => each === name);
    if (parameter === undefined) {
      const meant = closest(name, PARAMETER_NAMES);
      const hint = meant ? `Did you mean ${meant}?` : `Its parameters are: ${PARAMETER_NAMES.join(', ')}.`;
      throw invalid(`The Redis URL has an unknown parameter ${JSON.stringify(name.slice(0, 40))}. ${hint} ${HOW}`);
    }
    const where: string = PARAMETERS[parameter];
    if (where !== 'any' && !where.split(' or ').includes(protocol))
      throw invalid(`The parameter ${name} of a Redis URL is for ${where}, not for ${protocol}. ${HOW}`);
    if (value === '')
      throw invalid(`The parameter ${name} of the Redis URL is empty: give it a value, or leave it out.`);
    if (given[parameter] !== undefined) throw invalid(`The parameter ${name} of the Redis URL is there twice.`);
    given[parameter] = value;
  }
  if ((given.cert === undefined) !== (given.key === undefined))
    throw invalid(
      'cert and key of the Redis URL belong together: the certificate of this client, and its private key.',
    );
  if (given.sentinels === undefined && (given.sentinelUsername ?? given.sentinelPasswordFile) !== undefined)
    throw invalid(
      'The Redis URL has a user or password for Sentinels but names no Sentinels: add sentinels=host:port,host:port.',
    );
  return given;
}

function tlsOptions({ ca, cert, key, servername }: Parameters): NonNullable<RedisOptions['tls']> {
  const files = Object.entries({ ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [{ name, path, text: fileOf(name, path) }],
  );
  const context = Object.fromEntries(files.map(({ name, text }) => [name, text]));
  for (const { name, path, text } of files) {
    if (!/-----BEGIN [A-Z0-9 ]+-----/.test(text))
      throw invalid(
        `The file ${JSON.stringify(path)} (${name} of the Redis URL) is not in PEM form: it has no -----BEGIN … line.`,
      );
  }
  try {
    createSecureContext(context);
  } catch (error) {
    const names = files.map(({ name, path }) => `${name} ${JSON.stringify(path)}`).join(', ');
    throw invalid(`The files of the Redis URL cannot be used for TLS (${names}): ${asError(error).message}.`);
  }
  return { ...context, ...(servername === undefined ? {} : { servername }) };
}

function fileOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code: unknown = Reflect.get(asError(error), 'code');
    throw invalid(
      `The file ${JSON.stringify(path)} (${name} of the Redis URL) cannot be read: ${typeof code === 'string' ? code : 'it is not a file'}.`,
    );
  }
}

function passwordIn(path: string): string {
  const password = fileOf('sentinelPasswordFile', path).replace(/\r?\n$/, '');
  if (password === '' || password.includes('\n'))
    throw invalid(
      `The file ${JSON.stringify(path)} (sentinelPasswordFile of the Redis URL) must hold one line, the password.`,
    );
  return password;
}

function nodes(name: string, list: string, standardPort: number): RedisNode[] {
  return list.split(',').map((text) => {
    const [, six, plain, port] = /^(?:\[([\da-f:.]+)\]|([^\s[\]:/?#]+))(?::(\d{1,5}))?$/i.exec(text.trim()) ?? [];
    const host = six ?? plain;
    const number = port === undefined ? standardPort : Number(port);
    if (host === undefined || number < 1 || number > 65_535)
      throw invalid(
        `${name} of the Redis URL is a list of nodes, as in ${name}=10.0.0.1:${standardPort},[::1]:${standardPort}.`,
      );
    return { host, port: number };
  });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw invalid('replicas of the Redis URL must be a whole number from 0.');
  return Number(text);
}

function credentials({ username, password }: URL): { username: string; password: string } {
  return { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`The user, the password or the path in the Redis URL is not percent-encoded. ${HOW}`);
  }
}

/** The URL without user and password; parsed again, it is the same endpoint. */
function location({ protocol, host, pathname }: URL, unix: boolean, given: Parameters): string {
  const shown = Object.entries(given).map(
    ([name, value]) => `${name}=${encodeURIComponent(value).replace(/%(3A|2F|2C|5B|5D)/g, decodeURIComponent)}`,
  );
  const path = unix || pathname !== '/' ? pathname : '';
  return `${protocol}//${unix ? '' : host}${path}${shown.length > 0 ? `?${shown.join('&')}` : ''}`;
}
