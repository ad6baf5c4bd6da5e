import { type Mode, parseTarget, readTarget, sameRule } from '../../flags/index.ts';
import { type AskedWindow, isDue, renewed, windowFor } from '../compiled-window.ts';
import {
  ALREADY,
  baseMode,
  type CommandRow,
  event,
  type Loosening,
  nameRefused,
  refused,
  targetRefused,
} from './row.ts';

export interface AddRule extends Loosening {
  readonly name: string;
  readonly target: string;
  readonly mode: Mode;
  /** Null: at all times. */
  readonly window: AskedWindow | null;
  /** A condition of flagd's; null: for whoever asks. */
  readonly when: unknown;
}

export const rule_add: CommandRow<AddRule> = {
  changes: ({ name }) => ['rule', name],
  reach: ({ target }) => readTarget(target),
  readsBeside: () => [['mode']],
  // What the rule before it has held, this one may not hold any more.
  leaves: (_command, view) => baseMode(view),
  wish: ({ name, target, mode, window: asked, when }, view) => {
    const wrong = nameRefused('a rule', name) ?? targetRefused(target, parseTarget);
    if (wrong) return wrong;
    if (mode === 'live') return refused({ kind: 'live_rule' });
    const window = asked && windowFor(asked, view.time);
    if (window && 'refusal' in window) return refused(window.refusal);
    const rule = { target, mode, window, when: when ?? null };
    const before = view.get('rule', name);
    const isCurrent = before !== undefined && !isDue(before.window, Date.parse(view.time));
    return isCurrent && sameRule(before, rule) ? ALREADY : event('rule_add', { name, ...rule });
  },
};

export const rule_remove: CommandRow<{ readonly name: string } & Loosening> = {
  changes: ({ name }) => ['rule', name],
  readsBeside: () => [['mode']],
  leaves: (_command, view) => baseMode(view),
  wish: ({ name }, view) => {
    const rule = view.get('rule', name);
    return rule ? event('rule_remove', { name, target: rule.target }) : refused({ kind: 'no_rule', name });
  },
};

/** An operating process compiles a rule's window further ahead, when that is due. */
export const rule_renew: CommandRow<{ readonly name: string }> = {
  isUngoverned: true,
  changes: ({ name }) => ['rule', name],
  wish: ({ name }, view) => {
    const window = renewed(view.get('rule', name)?.window ?? null, view.time);
    return window ? event('rule_renew', { name, ...window }) : refused({ kind: 'not_due', name });
  },
  needsNoReason: true,
};
