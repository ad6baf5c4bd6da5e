import type { EvaluationContext, Hook, Logger } from '@openfeature/server-sdk';
import { checkTimeout, type Clock, idProblem, invalid, quoteId } from '../../flags/index.ts';
import { checkKeys, checkType, type Keys } from '../../flags/options.ts';
import { systemClock } from '../../store/system-clock.ts';

/**
 * How flags are resolved: `rpc` asks flagd for each evaluation; `in-process` evaluates here the definition that flagd
 * hands out.
 */
export type ResolverType = 'rpc' | 'in-process';

/**
 * The official provider's environment variables (`FLAGD_HOST` and the like) are not read; each option has the default
 * that is given here.
 */
export interface FlagdKillSwitchOptions {
  /** Default `localhost`. */
  readonly host?: string | undefined;
  /** Default 8013 for `rpc`, 8015 for `in-process`. */
  readonly port?: number | undefined;
  /** The path of a Unix socket, used instead of host and port. */
  readonly socketPath?: string | undefined;
  /** Default `rpc`. */
  readonly resolverType?: ResolverType | undefined;
  /** Default false. */
  readonly tls?: boolean | undefined;
  /** A file with the certificates to trust, for `tls`. Default: those of the system. */
  readonly certPath?: string | undefined;
  /** The `:authority` of requests, for a proxy in front of flagd. */
  readonly defaultAuthority?: string | undefined;
  /** The selector that flagd uses to choose among its sources. */
  readonly selector?: string | undefined;
  /**
   * The organization of this switch. An answer from another organization's export is a fault; unless `expect` is `any`,
   * so is an answer that comes from no export.
   */
  readonly organizationId?: string | undefined;
  /**
   * What flagd must serve. `export`: each answer for a flag of the switch must have the metadata of `kill-switch flagd
   * export --watch`; any other is a fault. `any`: also a definition that was written by hand. Default: `export` with
   * `organizationId`; without it `any`, until an answer has that metadata, and `export` from then on. A `valid_until`
   * that has passed is a fault in each case.
   */
  readonly expect?: 'export' | 'any' | undefined;
  /**
   * How long one evaluation, or making a connection, may take, in milliseconds: at most 300000. Default 500. In-process
   * also how long flagd may be silent while it sends its definition; all of that may take a third of `leaseMs`.
   */
  readonly deadlineMs?: number | undefined;
  /**
   * How long flagd's answers may be trusted after the last confirmation was sent, in milliseconds: 500 to 60000,
   * default 5000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * In-process only: makes the context that is added to every evaluation from the one that flagd sends along with its
   * flags. Default: all of that.
   */
  readonly contextEnricher?: ((syncContext: EvaluationContext | null) => EvaluationContext) | undefined;
  /** Run last before each evaluation, for instance an `IdentityHook`. */
  readonly hooks?: readonly Hook[] | undefined;
  /** Gets the messages of the `in-process` evaluator. Default: none. */
  readonly logger?: Logger | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

const OPTION_KEYS: Keys<FlagdKillSwitchOptions> = {
  host: true,
  port: true,
  socketPath: ['socket'],
  resolverType: ['resolver'],
  tls: ['ssl'],
  certPath: ['ca', 'cert'],
  defaultAuthority: ['authority'],
  selector: true,
  organizationId: true,
  expect: true,
  deadlineMs: ['timeout', 'timeoutMs'],
  leaseMs: true,
  contextEnricher: true,
  hooks: true,
  logger: true,
  clock: true,
};

const TEXTS = ['host', 'socketPath', 'certPath', 'defaultAuthority', 'selector'] as const;
const FUNCTIONS = ['contextEnricher', 'clock'] as const;

/** The options with their defaults filled in. */
export interface FlagdSettings {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly resolverType: ResolverType;
  readonly tls: boolean;
  readonly certPath: string | undefined;
  readonly defaultAuthority: string | undefined;
  readonly selector: string;
  readonly organizationId: string | undefined;
  readonly expect: FlagdKillSwitchOptions['expect'];
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly contextEnricher: FlagdKillSwitchOptions['contextEnricher'];
  readonly hooks: readonly Hook[];
  readonly logger: Logger;
}

const silent = (): void => {};
const NO_LOGGER: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** @throws KillSwitchError INVALID_ARGUMENT */
export function settingsOf(given: FlagdKillSwitchOptions): FlagdSettings {
  const options = checkKeys('FlagdKillSwitchProvider', given, OPTION_KEYS);
  const { resolverType = 'rpc' } = options;
  if (resolverType !== 'rpc' && resolverType !== 'in-process') {
    throw invalid(`resolverType must be "rpc" or "in-process", not ${quoteId(resolverType)}.`);
  }
  const { port = resolverType === 'rpc' ? 8013 : 8015 } = options;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(`port must be a number from 1 to 65535, not ${quoteId(options.port)}.`);
  }
  checkType('tls', options.tls, 'boolean');
  for (const what of TEXTS) checkType(what, options[what], 'string');
  for (const what of FUNCTIONS) checkType(what, options[what], 'function');
  if (options.logger !== undefined && typeof options.logger?.error !== 'function')
    throw invalid(`logger must be a logger with the method error, such as console, not ${quoteId(options.logger)}.`);
  if (options.hooks !== undefined && !Array.isArray(options.hooks))
    throw invalid(`hooks must be a list of hooks, not ${quoteId(options.hooks)}.`);
  const { organizationId, expect, deadlineMs = 500 } = options;
  const problem = organizationId === undefined ? null : idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  if (expect !== undefined && expect !== 'export' && expect !== 'any') {
    throw invalid(`expect must be "export" or "any", not ${quoteId(expect)}.`);
  }
  return {
    host: options.host ?? 'localhost',
    port,
    socketPath: options.socketPath,
    resolverType,
    tls: options.tls ?? false,
    certPath: options.certPath,
    defaultAuthority: options.defaultAuthority,
    selector: options.selector ?? '',
    organizationId: options.organizationId,
    expect,
    clock: options.clock ?? systemClock,
    deadlineMs: checkTimeout('deadlineMs', deadlineMs, 300_000),
    contextEnricher: options.contextEnricher,
    hooks: options.hooks ?? [],
    logger: options.logger ?? NO_LOGGER,
  };
}
