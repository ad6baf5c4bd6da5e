import type { Mode, Verdict } from './modes.ts';
import type { AutonomyStage, FeatureStage } from './stages.ts';

/** What can be wrong with the switch itself. Each means `full_stop`. */
export type FaultCode =
  | 'NOT_READY'
  | 'NOT_INITIALISED'
  | 'STALE'
  | 'STORE_UNREACHABLE'
  | 'STORE_READ_ONLY'
  | 'STORE_CORRUPT'
  | 'GENERATION_CHANGED'
  | 'ANCHOR_UNUSABLE'
  | 'ANCHOR_FOREIGN'
  | 'CLOSED'
  | 'FLAG_NOT_FOUND'
  | 'FOREIGN_ANSWER'
  | 'FLAG_DISABLED'
  | 'TYPE_MISMATCH'
  | 'INVALID_MODE'
  | 'INVALID_VALUE'
  | 'PROVIDER_ERROR'
  | 'DOMAIN_TAKEN'
  | 'DEADLINE_EXCEEDED'
  | 'HANDLER_FAILED'
  | 'JOURNAL_UNAVAILABLE'
  | 'NO_LOCAL_STATE'
  | 'UNSUPPORTED'
  | 'INTERNAL';

/** Why a decision is what it is. */
export type Cause =
  | { readonly kind: 'mode' }
  | {
      readonly kind: 'kill';
      readonly killId: string;
      readonly target: string;
      readonly killedBy: string;
      readonly reason: string | null;
    }
  | { readonly kind: 'rule'; readonly rule: string }
  | { readonly kind: 'feature'; readonly feature: string; readonly stage: FeatureStage }
  | { readonly kind: 'autonomy'; readonly action: string; readonly stage: AutonomyStage }
  | { readonly kind: 'limit'; readonly limit: string; readonly value: number; readonly max: number }
  | { readonly kind: 'budget'; readonly scope: string }
  | { readonly kind: 'approval'; readonly approvalId: string; readonly status: string }
  | { readonly kind: 'identity'; readonly message: string }
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly message: string };

/** What was computed for one call. `epoch`: the last applied change it rests on, 0 when none is known. */
export interface Decision {
  readonly verdict: Verdict;
  readonly mode: Mode;
  readonly epoch: number;
  readonly cause: Cause;
  readonly action: string | undefined;
  readonly agentId: string | undefined;
  readonly runId: string | undefined;
  readonly missionId: string | undefined;
}

/** The same decision, so that nobody who is given it can change what others go by. It is flat but for its cause, and this is done for each call. */
export function freezeDecision(decision: Decision): Decision {
  Object.freeze(decision.cause);
  return Object.freeze(decision);
}

/** One sentence for people: why. */
export function describeCause(cause: Cause): string {
  switch (cause.kind) {
    case 'mode':
      return 'the base mode';
    case 'kill':
      return `a kill of ${cause.target} by ${cause.killedBy}${cause.reason ? ` (${cause.reason})` : ''}`;
    case 'rule':
      return `the rule ${cause.rule}`;
    case 'feature':
      return `the feature ${cause.feature}, which is ${cause.stage}`;
    case 'autonomy':
      return `the autonomy stage ${cause.stage} of ${cause.action}`;
    case 'limit':
      return `the limit ${cause.limit}: ${cause.value} is more than ${cause.max}`;
    case 'budget':
      return `the budget of ${cause.scope}`;
    case 'approval':
      return `the approval ${cause.approvalId}, which is ${cause.status}`;
    case 'identity':
      return cause.message;
    case 'fault':
      return `${cause.message} (${cause.code})`;
    default:
      return cause satisfies never;
  }
}

/** A cause as OpenFeature `flagMetadata`, which holds only flat values: `cause` is its kind, the rest beside it. */
export function causeMetadata(cause: Cause): Record<string, string | number | boolean> {
  const metadata: Record<string, string | number | boolean> = { cause: cause.kind };
  for (const [key, value] of Object.entries(cause)) {
    if (key !== 'kind' && value !== null && value !== undefined) metadata[key] = value;
  }
  return metadata;
}
