import { systemCode } from '../../flags/errors.ts';
import { quoteId } from '../../flags/index.ts';
import type { FlagdSettings, ResolverType } from './options.ts';

/** Where a request went, and what had sent it. */
export type Asked = Pick<FlagdSettings, 'host' | 'port' | 'socketPath' | 'resolverType' | 'tls'>;

/** The port of flagd that a resolver asks. */
const PORTS: Readonly<
  Record<ResolverType, { readonly name: string; readonly usual: number; readonly option: string }>
> = {
  rpc: { name: 'evaluation', usual: 8013, option: '--port' },
  'in-process': { name: 'sync', usual: 8015, option: '--sync-port' },
};

const placeOf = ({ host, port, socketPath }: Asked): string =>
  socketPath === undefined ? `${host}:${port}` : `the socket ${quoteId(socketPath)}`;

function portAsked(resolverType: ResolverType): string {
  const { name, option, usual } = PORTS[resolverType];
  return `resolverType "${resolverType}" asks flagd's ${name} port (${option}, usually ${usual})`;
}

/** Which of flagd's ports each resolver asks, its own first. */
function whichPort({ resolverType }: Asked): string {
  const other = resolverType === 'rpc' ? 'in-process' : 'rpc';
  return `${portAsked(resolverType)}; ${portAsked(other)}; its management port (usually 8014) and its OFREP port (usually 8016) answer neither`;
}

/** Why the service that is asked for is not there (gRPC status 12, or HTTP status 404). */
export const noSuchService = (asked: Asked, path: string): string =>
  `what answers at ${placeOf(asked)} does not have ${path.slice(1, path.lastIndexOf('/'))}, so it is another port, or a flagd that is too old: ${whichPort(asked)}`;

/** Why an answer is no gRPC: its content type is another. */
export const noGrpc = (asked: Asked, type: string): string =>
  `what answers at ${placeOf(asked)} is no gRPC server, but sends ${quoteId(type)}: ${whichPort(asked)}`;

/** Why nothing came of a connection: it was ended before HTTP/2 was spoken on it, or something else was. */
export const noHttp2 = (asked: Asked): string =>
  `what answers at ${placeOf(asked)} speaks no HTTP/2${asked.tls ? '' : ', or only over TLS (tls: true)'}: ${whichPort(asked)}`;

/**
 * The error for a request whose connection failed, where the reason is the address or TLS; else the error as it is.
 * Node says only that the stream was cancelled, and has the reason as the cause.
 */
export function connectionFailure(asked: Asked, error: Error): Error {
  const cause = error.cause instanceof Error ? error.cause : error;
  const message = messageFor(asked, systemCode(cause));
  return message === null ? cause : new Error(message, { cause });
}

function messageFor(asked: Asked, code: string | undefined): string | null {
  const place = placeOf(asked);
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT': // there is no such socket
      return `nothing listens at ${place} (${code}): start flagd, or correct the address; ${portAsked(asked.resolverType)}`;
    case 'ERR_HTTP2_ERROR':
      return noHttp2(asked);
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return `what answers at ${place} speaks no TLS: leave out tls, or start flagd with a certificate (--server-cert-path, --server-key-path)`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `the certificate of what answers at ${place} is not trusted (${code}): give certPath the file of the authority that has signed it`;
    default:
      return null;
  }
}
