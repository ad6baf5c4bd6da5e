import { entryKey, isLooserStage, loosens, loosestStage, missingEvidence, NO_EVIDENCE } from '../flags/index.ts';
import { rowOf } from './commands/index.ts';
import { governed, roleGiven } from './governance.ts';
import { personKey } from './operators.ts';
import { type Check, refused } from './plan.ts';
import type { GivenReason } from './reason.ts';
import type { Refusal } from './refusals.ts';

/** A change that gives authority back needs a reason, which can stand in the log as it was given. */
const reasonGiven: Check = ({ command, change }) => {
  const row = rowOf(command);
  if (!loosens(change) && !row.needsReasonAlways) return null;
  const refusal = reasonRefusal('reason' in command ? command : {}, row.takesReason?.(command));
  return refusal && !(row.needsNoReason && refusal.kind === 'reason_required') ? refused(refusal) : null;
};

/** What is wrong with a reason that has to be given; null where nothing is. `what`: what it is given for. */
export function reasonRefusal({ reason, reasonProblem }: GivenReason, what?: string): Refusal | null {
  if (reasonProblem !== undefined) return { kind: 'reason_unfit', problem: reasonProblem };
  return reason === undefined ? { kind: 'reason_required', ...(what !== undefined && { what }) } : null;
}

/**
 * A change that gives authority back names the epoch that its operator had read. It is refused where the entry was
 * restricted, tightened or seconded since.
 */
const notOvertaken: Check = ({ command, change, view }) => {
  const named = 'epoch' in command ? command.epoch : undefined;
  if (!loosens(change) || named === undefined) return null;
  if (named > (view.head?.epoch ?? 0)) return refused({ kind: 'epoch_ahead', named, head: view.head });
  const [kind, name] = rowOf(command).changes(command);
  const changed = view.get(kind, name)?.epoch ?? 0;
  return changed > named ? refused({ kind: 'changed_since', entry: entryKey(kind, name), changed, named }) : null;
};

/** A feature with a requirement goes beyond `shadow` on evidence only, for some accounts as for all. */
const evidenceMet: Check = ({ command, change, view }) => {
  if (command.type !== 'feature' || !loosens(change)) return null;
  const { name, evidence = NO_EVIDENCE } = command;
  const requirement = view.get('feature', name)?.requirement;
  const stage = loosestStage(command);
  if (!requirement || !isLooserStage(stage, 'shadow')) return null;
  const missing = missingEvidence(requirement, evidence);
  return missing.length === 0 ? null : refused({ kind: 'evidence_required', feature: name, stage, missing });
};

/**
 * Nobody approves what they, their agent or an executor of theirs has asked for, and of several people who have to
 * approve each is another one. The same name counts as the same person, however it was proved and however it is typed.
 */
const anotherPerson: Check = ({ command, change, view, actor }) => {
  if (command.type !== 'approve' || change.event.type !== 'approve' || !('id' in actor)) return null;
  const { request, requesters } = command.found;
  const [id, name] = [request.id, actor.id];
  const key = personKey(name);
  if (requesters.some((requester) => personKey(requester) === key)) return refused({ kind: 'self_approval', id, name });
  const given = view.get('approval', id)?.given ?? [];
  if (!given.some(({ by }) => personKey(by.slice(by.indexOf(':') + 1)) === key)) return null;
  return refused({ kind: 'same_approver', id, name, needed: request.approvals_needed });
};

/**
 * The checks of every change; the first objection decides. A change that gives no authority back needs its role only.
 * What governance asks for beside is a rule in governance.ts.
 */
export const CHECKS: readonly Check[] = [roleGiven, reasonGiven, notOvertaken, evidenceMet, anotherPerson, governed];
