import { type Governance, governanceSchema, isSameGovernance, NO_GOVERNANCE, termsOf } from '../../flags/index.ts';
import { type Attempted, waitOf } from '../../flags/refused-attempts.ts';
import type { GivenReason } from '../reason.ts';
import { ALREADY, type CommandRow, event, type Loosening, refused } from './row.ts';

/** What is set of it; what is absent stays. */
export interface SetGovernance extends Loosening {
  readonly asked: { readonly [K in keyof Governance]?: Governance[K] | undefined };
}

export const governance: CommandRow<SetGovernance> = {
  changes: () => ['governance'],
  wish({ asked }, view) {
    const before = termsOf(view.get('governance') ?? NO_GOVERNANCE);
    const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
    const rules = governanceSchema.parse({ ...before, ...given });
    return view.get('governance') && isSameGovernance(before, rules) ? ALREADY : event('governance', { rules });
  },
  restricts: () => true,
  needsReasonAlways: true,
  takesReason: () => 'Governance',
};

export const withdraw: CommandRow<{ readonly id: string } & GivenReason> = {
  isUngoverned: true,
  changes: () => ['requests'],
  wish: ({ id }, view) =>
    view.get('requests')?.open.some((each) => each.id === id)
      ? event('withdraw', { id })
      : refused({ kind: 'no_request', id }),
};

export interface Attempt {
  readonly attempted: Attempted;
  readonly count: number;
}

/** Records what somebody has tried and was refused, unless the same was recorded a short time ago. */
export const attempt: CommandRow<Attempt> = {
  isUngoverned: true,
  changes: () => ['refusals'],
  wish({ attempted, count }, view) {
    const { command, target, code } = attempted;
    const wait = waitOf(attempted, view.get('refusals')?.last ?? [], view.time);
    return wait === 0
      ? event('refused', { command, target, code, count })
      : refused({ kind: 'counted', wait_ms: wait });
  },
};
