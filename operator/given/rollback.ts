import { idProblem, invalid, quoteId, type Rollback, shownId } from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { hashSchema } from '../../flags/records.ts';
import type { Acknowledgements } from '../acknowledge.ts';
import { type GivenWaiting, givenWaiting } from './change.ts';
import { checkBoolean, checkFunction, isoTime } from './checks.ts';
import type { Matched } from '../matched.ts';
import { UNDOING } from '../commands/rollback.ts';
import { readReason } from '../reason.ts';
import { ChangeRefusedError } from '../refusals.ts';
import type { RollbackScope } from '../../store/rollback-list.ts';

/** What is to be undone: what one run, one mission or one agent has done. */
export interface RollbackScopeOptions {
  readonly run?: string | undefined;
  readonly mission?: string | undefined;
  /** Only with `since`. */
  readonly agent?: string | undefined;
  /** Only what was intended from then on, by the store's clock. */
  readonly since?: string | Date | undefined;
}

export interface RollbackOptions extends RollbackScopeOptions {
  /** Required: why it is undone. */
  readonly reason?: string | undefined;
  /** How long to wait until the target has stopped and drained, in milliseconds; default 5000. */
  readonly waitMs?: number | undefined;
  /** How long one reverse operation may take, in milliseconds: 10 to 3600000, default 30000. */
  readonly timeoutMs?: number | undefined;
  /** That of a preview: refused where there is something else to undo. The target is stopped all the same. */
  readonly hash?: string | undefined;
  /** True: has another executor take over one that is under way. Default: only where its executor has ended. */
  readonly takeOver?: boolean | undefined;
  /** Called once, when the rollback is recorded and an executor performs it. */
  readonly onBegun?: ((rollback: Rollback) => void) | undefined;
  /** Called once, as soon as it is known what the stop of the target has hit. */
  readonly onMatched?: ((matched: Matched) => void) | undefined;
  /** Called while it waits for the target to stop. */
  readonly onProgress?: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting, not the rollback. */
  readonly signal?: AbortSignal | undefined;
}

/** How long one reverse operation may take by default, and at least and at most, in milliseconds. */
const TIMEOUT_MS = { byDefault: 30_000, least: 10, most: 3_600_000 } as const;

/** What is to be undone, and how; checked. */
export interface GivenRollback {
  readonly scope: RollbackScope;
  readonly reason: string;
  readonly waiting: Pick<GivenWaiting, 'waitMs' | 'onProgress' | 'signal'>;
  readonly timeoutMs: number;
  readonly hash: string | undefined;
  readonly takeOver: boolean;
  readonly onBegun: ((rollback: Rollback) => void) | undefined;
  readonly onMatched: ((matched: Matched) => void) | undefined;
}

const SCOPE_KEYS: Keys<RollbackScopeOptions> = {
  run: ['runId', 'run_id'],
  mission: ['missionId', 'mission_id'],
  agent: ['agentId', 'agent_id'],
  since: ['from', 'after'],
};

const ROLLBACK_KEYS: Keys<RollbackOptions> = {
  ...SCOPE_KEYS,
  reason: ['why', 'because'],
  waitMs: ['wait', 'timeout'],
  timeoutMs: ['reverseTimeoutMs', 'deadlineMs'],
  hash: true,
  takeOver: ['takeover'],
  onBegun: true,
  onMatched: true,
  onProgress: true,
  signal: true,
};

/** @throws KillSwitchError INVALID_ARGUMENT */
export const givenScope = (what: string, options: RollbackScopeOptions): RollbackScope =>
  scopeOf(checkKeys(what, options, SCOPE_KEYS));

function scopeOf({ run, mission, agent, since }: RollbackScopeOptions): RollbackScope {
  const named = Object.entries({ run, mission, agent }).filter(([, id]) => id !== undefined);
  const [first] = named;
  if (!first || named.length > 1)
    throw invalid('A rollback undoes what one run, one mission or one agent has done: name it.');
  const [type, id] = first;
  const problem = idProblem(id);
  if (problem) throw invalid(`The ${type} of a rollback ${problem}.`);
  if (type === 'agent' && since === undefined)
    throw invalid(`The agent ${shownId(String(id))} may have done much: say since when, as since (--since).`);
  return { target: `${type}:${String(id)}`, since: since === undefined ? null : isoTime(since) };
}

/** @throws KillSwitchError INVALID_ARGUMENT; ChangeRefusedError REASON_REQUIRED */
export function givenRollback(options: RollbackOptions): GivenRollback {
  const given = checkKeys('rollback', options, ROLLBACK_KEYS);
  const {
    timeoutMs = TIMEOUT_MS.byDefault,
    hash,
    takeOver = false,
    onBegun,
    onMatched,
    waitMs = 5000,
    onProgress,
    signal,
  } = given;
  const scope = scopeOf(given);
  const { reason, reasonProblem } = readReason(given.reason);
  if (reasonProblem !== undefined) throw new ChangeRefusedError({ kind: 'reason_unfit', problem: reasonProblem });
  if (reason === undefined) throw new ChangeRefusedError({ kind: 'reason_required', what: UNDOING });
  if (!Number.isInteger(timeoutMs) || timeoutMs < TIMEOUT_MS.least || timeoutMs > TIMEOUT_MS.most)
    throw invalid(
      `timeoutMs is a whole number of milliseconds from ${TIMEOUT_MS.least} to ${TIMEOUT_MS.most}, not ${quoteId(timeoutMs)}.`,
    );
  if (hash !== undefined && !hashSchema.safeParse(hash).success)
    throw invalid(`hash is that of a preview (64 hexadecimal digits), not ${quoteId(hash)}.`);
  checkBoolean('takeOver', takeOver);
  checkFunction('onBegun', onBegun);
  const waiting = givenWaiting({ waitMs, onProgress, onMatched, signal });
  return { scope, reason, waiting, timeoutMs, hash, takeOver, onBegun, onMatched };
}
