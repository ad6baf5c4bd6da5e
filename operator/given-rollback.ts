import { invalid, type Rollback, shownId } from '../flags/index.ts';
import { idProblem, quoteId } from '../flags/index.ts';
import { hashSchema } from '../flags/records.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import type { RollbackScope } from '../store/rollback-list.ts';
import type { RollbackOptions, RollbackScopeOptions } from './control-plane.ts';
import { checkBoolean, checkFunction, givenWaiting, type GivenWaiting, isoTime } from './given.ts';
import { ChangeRefusedError } from './refusals.ts';
import { readReason } from './reason.ts';

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
    waitMs = 5000,
    onProgress,
    signal,
  } = given;
  const scope = scopeOf(given);
  const { reason, reasonProblem } = readReason(given.reason);
  if (reasonProblem !== undefined) throw new ChangeRefusedError({ kind: 'reason_unfit', problem: reasonProblem });
  if (reason === undefined) throw new ChangeRefusedError({ kind: 'reason_required' });
  if (!Number.isInteger(timeoutMs) || timeoutMs < TIMEOUT_MS.least || timeoutMs > TIMEOUT_MS.most)
    throw invalid(
      `timeoutMs is a whole number of milliseconds from ${TIMEOUT_MS.least} to ${TIMEOUT_MS.most}, not ${quoteId(timeoutMs)}.`,
    );
  if (hash !== undefined && !hashSchema.safeParse(hash).success)
    throw invalid(`hash is that of a preview (64 hexadecimal digits), not ${quoteId(hash)}.`);
  checkBoolean('takeOver', takeOver);
  checkFunction('onBegun', onBegun);
  const waiting = givenWaiting({ waitMs, onProgress, signal });
  return { scope, reason, waiting, timeoutMs, hash, takeOver, onBegun };
}
