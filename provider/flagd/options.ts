import type { EvaluationContext, Hook, Logger } from '@openfeature/server-sdk';
import { checkTimeout, type Clock, idProblem, invalid } from '../../flags/index.ts';
import { systemClock } from '../../store/system-clock.ts';

/**
 * How flags are resolved: `rpc` asks flagd for each evaluation; `in-process` evaluates here the definition that flagd
 * hands out.
 */
export type ResolverType = 'rpc' | 'in-process';

/**
 * The official provider's environment variables (`FLAGD_HOST` and the like) are not read: what is not given here has
 * the default given here.
 */
export interface FlagdKillSwitchOptions {
  /** Default `localhost`. */
  readonly host?: string | undefined;
  /** Default 8013 for `rpc`, 8015 for `in-process`. */
  readonly port?: number | undefined;
  /** A unix socket instead of host and port. */
  readonly socketPath?: string | undefined;
  /** Default `rpc`. */
  readonly resolverType?: ResolverType | undefined;
  /** Default false. */
  readonly tls?: boolean | undefined;
  /** A file with the certificates to trust, for `tls`. Default: those of the system. */
  readonly certPath?: string | undefined;
  /** The authority to name, where a proxy stands before flagd. */
  readonly defaultAuthority?: string | undefined;
  /** Which of flagd's sources, for flagd's own selection. */
  readonly selector?: string | undefined;
  /**
   * Whose switch this is: an answer of another organization's export is a fault, and so is, unless `expect` is `any`,
   * one that no export gave.
   */
  readonly organizationId?: string | undefined;
  /**
   * What flagd must serve. `export`: each answer for a flag of the switch bears the metadata of `kill-switch flagd
   * export --watch`, whose end has not passed; any other is a fault. `any`: also a definition that was written by hand.
   * Default: `export` with `organizationId`, and otherwise from the first answer on that bears that metadata. An end
   * that has passed is a fault with all of them.
   */
  readonly expect?: 'export' | 'any' | undefined;
  /** How long one evaluation, or making a connection, may take, in milliseconds: at most 300000. Default 500. */
  readonly deadlineMs?: number | undefined;
  /**
   * How long flagd's word may be trusted since the last question that it answered was sent, in milliseconds: 500 to
   * 60000, default 5000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * In-process only: makes context for every evaluation out of what flagd sends along with its flags. Default: all of
   * it.
   */
  readonly contextEnricher?: ((syncContext: EvaluationContext | null) => EvaluationContext) | undefined;
  /** Run last before each evaluation, for instance an `IdentityHook`. */
  readonly hooks?: readonly Hook[] | undefined;
  /** What the evaluator of `in-process` has to tell. Default: nothing. */
  readonly logger?: Logger | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

/** The options with all that has a default. */
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
export function settingsOf(options: FlagdKillSwitchOptions): FlagdSettings {
  const { resolverType = 'rpc' } = options;
  if (resolverType !== 'rpc' && resolverType !== 'in-process') {
    throw invalid(`resolverType must be "rpc" or "in-process", not ${JSON.stringify(resolverType)}.`);
  }
  const port = options.port ?? (resolverType === 'rpc' ? 8013 : 8015);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(`port must be a number from 1 to 65535, not ${String(options.port)}.`);
  }
  const { organizationId, expect } = options;
  const problem = organizationId === undefined ? null : idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  if (expect !== undefined && expect !== 'export' && expect !== 'any') {
    throw invalid(`expect must be "export" or "any", not ${JSON.stringify(expect)}.`);
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
    deadlineMs: checkTimeout('deadlineMs', options.deadlineMs ?? 500, 300_000),
    contextEnricher: options.contextEnricher,
    hooks: options.hooks ?? [],
    logger: options.logger ?? NO_LOGGER,
  };
}
