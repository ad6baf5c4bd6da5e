import { invalid, isMode, type Mode, MODES, parseTarget, quoteId, readTarget } from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import type { RecordedKill } from '../answers.ts';
import type { CommandOf } from '../commands/index.ts';
import {
  change,
  CHANGE_KEYS,
  type ChangeOptions,
  type Given,
  givenWaiting,
  WAIT_KEYS,
  type WaitOptions,
} from './change.ts';
import { isoTime, oneOf } from './checks.ts';
import { readReason } from '../reason.ts';

/** What is stopped, and how far, until when and why. */
export interface KillOptions extends WaitOptions<RecordedKill> {
  /** `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`. */
  readonly target: string;
  /** How much authority is left; default `full_stop`, never `live`. */
  readonly mode?: Mode | undefined;
  /**
   * At most 2000 characters. No kill is refused for its reason: another value (a caught error) is made into a text, and
   * a longer text is cut.
   */
  readonly reason?: string | undefined;
  /**
   * When the kill ends by itself; default: never. Only an operating process (`operate: true`, `kill-switch watch`) ends
   * it, by an event: without one it stays.
   */
  readonly expiresAt?: string | Date | undefined;
  /**
   * In place of `expiresAt`: how long the kill lasts after it was recorded, in milliseconds of the store's clock, more
   * than 0.
   */
  readonly lastsMs?: number | undefined;
}

const KILL_KEYS: Keys<KillOptions> = {
  ...WAIT_KEYS,
  target: true,
  mode: true,
  reason: ['why', 'because'],
  expiresAt: ['until', 'expires', 'end', 'endsAt'],
  lastsMs: ['duration', 'durationMs', 'for', 'ttl', 'ttlMs', 'expiresInMs'],
};

/**
 * A kill is never refused for its reason. An unknown option is refused, as everywhere: it is the program's mistake, the
 * same each time it runs.
 */
export function givenKill(options: KillOptions): Given<'kill', RecordedKill> {
  const given = checkKeys('kill', options, KILL_KEYS);
  const { target, mode = 'full_stop', reason, expiresAt, lastsMs } = given;
  parseTarget(target);
  if (expiresAt !== undefined && lastsMs !== undefined) throw invalid('A kill has expiresAt or lastsMs, not both.');
  if (lastsMs !== undefined && !(typeof lastsMs === 'number' && lastsMs > 0))
    throw invalid(`lastsMs is a number of more than 0, in milliseconds, not ${quoteId(lastsMs)}.`);
  const waiting = givenWaiting(given);
  const command: CommandOf<'kill'> = {
    type: 'kill',
    target,
    mode: oneOf('a mode', mode, isMode, MODES),
    ...readReason(reason),
    expiresAt: expiresAt === undefined ? null : isoTime(expiresAt),
    lastsMs,
  };
  return { command, waiting };
}

export interface ReviveOptions extends ChangeOptions {
  readonly target: string;
}

export function givenRevive(options: ReviveOptions): CommandOf<'revive'> {
  const given = checkKeys('revive', options, { ...CHANGE_KEYS, target: true });
  const { target } = given;
  readTarget(target);
  return { type: 'revive', target, ...change(given) };
}
