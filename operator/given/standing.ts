import { invalid, MAX_STANDING_USES, quoteId } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import type { CommandOf } from '../commands/index.ts';
import { approvalId, NOTES } from './approval.ts';
import { checkName, isoTime, named, wholeNumber } from './checks.ts';
import { jsonObject } from '../json-value.ts';
import { readReason } from '../reason.ts';

/** What is approved in advance: calls of one action by one agent, so many times, until a time. */
export interface AllowOptions {
  /** The exact name of the action. */
  readonly action: string;
  readonly agentId: string;
  /** Only in this run; default: in any. */
  readonly runId?: string | undefined;
  /** Only inputs that have these members with these values; default: any input. */
  readonly match?: Readonly<Record<string, unknown>> | undefined;
  /** How often, over all processes: 1 to 1000. */
  readonly times: number;
  /** When it ends; at most 30 days ahead. */
  readonly expiresAt?: string | Date | undefined;
  /** In place of `expiresAt`: how long it lasts after it was recorded, in milliseconds of the store's clock. */
  readonly lastsMs?: number | undefined;
  /** At most 2000 characters. */
  readonly notes?: string | undefined;
}

export function givenAllow(options: AllowOptions): CommandOf<'standing'> {
  const given = checkKeys('allow', options, {
    action: ['name'],
    agentId: ['agent'],
    runId: ['run'],
    match: ['where', 'matching'],
    times: ['count', 'most'],
    expiresAt: ['until', 'expires', 'end'],
    lastsMs: ['duration', 'durationMs', 'for', 'ttlMs'],
    notes: NOTES,
  });
  const { action, agentId, runId, match, times, expiresAt, lastsMs, notes } = given;
  checkName('an action', action);
  const agent = named('agentId', agentId);
  const run = runId === undefined ? null : named('runId', runId);
  if (wholeNumber('times', times, 1) > MAX_STANDING_USES)
    throw invalid(`times is at most ${MAX_STANDING_USES}, not ${times}.`);
  if ((expiresAt === undefined) === (lastsMs === undefined))
    throw invalid('A standing approval has an end: expiresAt or lastsMs, and not both.');
  if (lastsMs !== undefined && !(typeof lastsMs === 'number' && lastsMs > 0))
    throw invalid(`lastsMs is a number of more than 0, in milliseconds, not ${quoteId(lastsMs)}.`);
  const matching = match === undefined ? null : jsonObject('match', 'a JSON object of members and their values', match);
  if (JSON.stringify(matching).length > MAX_MATCH) throw invalid(`match has at most ${MAX_MATCH} characters of JSON.`);
  return {
    type: 'standing',
    ...{ action, agentId: agent, runId: run, match: matching, times },
    until: expiresAt === undefined ? null : isoTime(expiresAt),
    lastsMs,
    ...readReason(notes),
  };
}

/** The longest condition of a standing approval, in characters of JSON: executors hold it for each call. */
const MAX_MATCH = 8192;

/** Which standing approval is withdrawn. */
export interface WithdrawStandingOptions {
  readonly id: string;
  readonly reason?: string | undefined;
}

export function givenWithdrawStanding(options: WithdrawStandingOptions): CommandOf<'standing_withdraw'> {
  const { id, reason } = checkKeys('withdrawStanding', options, { id: true, reason: ['notes', 'why'] });
  return { type: 'standing_withdraw', id: approvalId(id), ...readReason(reason) };
}
