import { conditionProblem, invalid, isMode, type Mode, MODES, parseTarget } from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { parseWindow } from '../../flags/window.ts';
import type { RecordedRule } from '../answers.ts';
import type { CommandOf } from '../commands/index.ts';
import type { AskedWindow } from '../compiled-window.ts';
import {
  change,
  CHANGE_KEYS,
  type ChangeOptions,
  type Given,
  givenWaiting,
  WAIT_KEYS,
  type WaitOptions,
} from './change.ts';
import { checkName, isoTime, milliseconds, oneOf } from './checks.ts';
import { jsonObject } from '../json-value.ts';

/** A standing restriction, and when and for whom it applies. Default: always, and for everybody. */
export interface RuleOptions extends ChangeOptions, WaitOptions<RecordedRule> {
  readonly name: string;
  /** As that of a kill. */
  readonly target: string;
  /** How much authority is left while it applies; never `live`. */
  readonly mode: Mode;
  /** When it applies, every week: `Mon-Fri 18:00-08:00 Europe/Berlin`. */
  readonly window?: string | undefined;
  /** In place of `window`, for one time: from when on; default: at once. */
  readonly from?: string | Date | undefined;
  /** And until when; default: without an end. */
  readonly until?: string | Date | undefined;
  /** In place of `until`: how long it lasts after it was recorded, in milliseconds of the store's clock. */
  readonly lastsMs?: number | undefined;
  /**
   * For how long before each opening new work waits, as in `paused`, while what runs may end, in milliseconds. Default
   * 0: what runs is aborted when the window opens.
   */
  readonly drainMs?: number | undefined;
  /**
   * For whom it applies: a condition of flagd's on the whole evaluation context. Where that cannot be judged, it does.
   */
  readonly when?: unknown;
}

const RULE_KEYS: Keys<RuleOptions> = {
  ...CHANGE_KEYS,
  ...WAIT_KEYS,
  name: ['rule'],
  target: true,
  mode: true,
  window: ['hours', 'schedule'],
  from: ['since', 'start', 'startsAt'],
  until: ['to', 'end', 'endsAt', 'expiresAt'],
  lastsMs: ['duration', 'durationMs', 'for'],
  drainMs: ['drain'],
  when: ['condition', 'if'],
};

/** A rule with what it takes to record it. @throws KillSwitchError INVALID_ARGUMENT */
export function givenRule(options: RuleOptions): Given<'rule_add', RecordedRule> {
  const given = checkKeys('addRule', options, RULE_KEYS);
  const { name, target, mode, when } = given;
  checkName('a rule', name);
  parseTarget(target);
  const asked = oneOf('a mode', mode, isMode, MODES);
  const window = windowGiven(given);
  const condition = when === undefined ? null : jsonObject('when', 'a condition of flagd as a JSON object', when);
  const problem = condition && conditionProblem(condition);
  if (problem !== null) throw invalid(`when is a condition that ${problem}.`);
  return {
    command: { type: 'rule_add', name, target, mode: asked, window, when: condition, ...change(given) },
    waiting: givenWaiting(given),
  };
}

function windowGiven({ window, from, until, lastsMs, drainMs = 0 }: RuleOptions): AskedWindow | null {
  milliseconds('drainMs', drainMs);
  const isOnce = from !== undefined || until !== undefined || lastsMs !== undefined;
  if (window !== undefined && isOnce)
    throw invalid('A rule has a window of every week, or one for one time (from, until), not both.');
  if (until !== undefined && lastsMs !== undefined) throw invalid('A rule has until or lastsMs, not both.');
  if (lastsMs !== undefined && !(milliseconds('lastsMs', lastsMs) > 0))
    throw invalid('lastsMs is a number of more than 0, in milliseconds.');
  if (window !== undefined) return { kind: 'weekly', words: parseWindow(window).words, drainMs };
  const [begins, ends] = [from, until].map((time) => (time === undefined ? null : isoTime(time)));
  if (isOnce) return { kind: 'once', from: begins ?? null, until: ends ?? null, lastsMs, drainMs };
  if (drainMs > 0)
    throw invalid('drainMs is the time before a window opens: give the rule a window, or from and until.');
  return null;
}

export interface RuleRemoval extends ChangeOptions {
  readonly name: string;
}

export function givenRuleRemoval(options: RuleRemoval): CommandOf<'rule_remove'> {
  const given = checkKeys('removeRule', options, { ...CHANGE_KEYS, name: ['rule'] });
  checkName('a rule', given.name);
  return { type: 'rule_remove', name: given.name, ...change(given) };
}
