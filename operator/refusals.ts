import { KillSwitchError, type KillSwitchErrorCode } from '../flags/index.ts';
import { type AlertFacts, ALERTS } from './refusal-rows/alerts.ts';
import { ARCHIVE, type ArchiveFacts } from './refusal-rows/archive.ts';
import { type ApprovalFacts, APPROVALS } from './refusal-rows/approvals.ts';
import { type DefinitionFacts, DEFINITIONS } from './refusal-rows/definitions.ts';
import { type DrillFacts, DRILLS } from './refusal-rows/drills.ts';
import { type GovernanceFacts, GOVERNANCE } from './refusal-rows/governance.ts';
import { type KillFacts, KILLS } from './refusal-rows/kills.ts';
import { type LogFacts, LOG } from './refusal-rows/log.ts';
import { type RollbackFacts, ROLLBACKS } from './refusal-rows/rollbacks.ts';
import type { Hint, Place, Reader, RefusalRows } from './refusal-rows/row.ts';

export type { Place, Reader } from './refusal-rows/row.ts';

/** The facts of each kind of refusal. */
interface Facts
  extends LogFacts,
    KillFacts,
    DefinitionFacts,
    RollbackFacts,
    ApprovalFacts,
    GovernanceFacts,
    DrillFacts,
    AlertFacts,
    ArchiveFacts {}

/** Why a change is not made, as a value. `refusalText` puts it into words. */
export type Refusal = { readonly [K in keyof Facts]: { readonly kind: K } & Facts[K] }[keyof Facts];

/** One row a kind. To add a refusal, copy a row of `refusal-rows/` and its facts, which stand above it. */
const REFUSALS: RefusalRows<Facts> = {
  ...LOG,
  ...KILLS,
  ...DEFINITIONS,
  ...ROLLBACKS,
  ...APPROVALS,
  ...GOVERNANCE,
  ...DRILLS,
  ...ALERTS,
  ...ARCHIVE,
};

/** The code of a refusal. */
export const refusalCode = ({ kind }: Refusal): KillSwitchErrorCode => REFUSALS[kind].code;

/** True for an attempt that the log keeps: at what somebody may not do, or not yet, or at no target. */
export const isAttempt = ({ kind }: Refusal): boolean => REFUSALS[kind].isAttempt === true;

/** A refusal as sentences: what happened, and how to mend it. */
export function refusalText(refusal: Refusal, reader: Reader): string {
  const hint = hinted(refusal);
  return hint ? `${said(refusal)} ${hint[reader]}` : said(refusal);
}

function hinted<K extends keyof Facts>(refusal: { readonly kind: K } & Facts[K]): Hint | undefined {
  const { hint } = REFUSALS[refusal.kind];
  return typeof hint === 'function' ? hint(refusal) : hint;
}

function said<K extends keyof Facts>(refusal: { readonly kind: K } & Facts[K]): string {
  return REFUSALS[refusal.kind].says(refusal);
}

/** What was asked for is refused. Its `code` and message, for a program, are made from its refusal. */
export class RefusedError extends KillSwitchError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(REFUSALS[refusal.kind].code, refusalText(refusal, 'program'));
    this.refusal = refusal;
  }
}

/** There is no control plane to read where this one was opened: it was never created, or it was wiped. */
export class NotInitialisedError extends RefusedError {
  override readonly name = 'NotInitialisedError';

  constructor(place: Place) {
    super({ kind: 'not_initialised', place });
  }
}

const REFUSED = Symbol.for('openfeature-kill-switch.change-refused');
const PENDING = Symbol.for('openfeature-kill-switch.change-pending');

/** A change was refused, and nothing was changed. `refusal` says why, for machines. */
export class ChangeRefusedError extends RefusedError {
  override readonly name = 'ChangeRefusedError';
  readonly [REFUSED] = true;
}

/** A change waits for another person to agree; until then nothing is changed. */
export class ChangePendingError extends KillSwitchError {
  override readonly name = 'ChangePendingError';
  readonly pending: PendingRequest;
  readonly [PENDING] = true;

  constructor(pending: PendingRequest) {
    super(
      'PENDING',
      `This waits for another person to agree, until ${pending.expires_at}. Somebody else asks for the same, or agrees to request ${pending.id}: kill-switch approve ${pending.id}`,
    );
    this.pending = pending;
  }
}

/** True for a ChangeRefusedError, also of another copy of this package. */
export const isChangeRefusedError = (error: unknown): error is ChangeRefusedError =>
  error instanceof Error && REFUSED in error;

/** True for a ChangePendingError, also of another copy of this package. */
export const isChangePendingError = (error: unknown): error is ChangePendingError =>
  error instanceof Error && PENDING in error;

/** A request that another person has to agree to before it expires. */
export interface PendingRequest {
  readonly id: string;
  readonly expires_at: string;
}
