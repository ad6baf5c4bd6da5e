import { entryKey, MAX_EPOCH, messageOf, nextChange, nextEpoch, takesAway } from '../flags/index.ts';
import { CHECKS } from './checks.ts';
import { type Command, type EntryRef, type PlanView, rowOf, type Wish } from './commands.ts';
import { actorName } from './operators.ts';
import type { Check, GivenCommand, Objection, Plan, PlannedChange, Proposed } from './plan.ts';
import type { Refusal } from './refusals.ts';

const refused = (refusal: Refusal): Plan => ({ is: 'refused', refusal, change: null });

/**
 * Plans a command: the only place where events are made. It reads only the view, changes nothing, and never throws: an
 * error becomes the refusal of this command, so that others in its batch are not affected.
 */
export function planChange(view: PlanView, given: GivenCommand, checks: readonly Check[] = CHECKS): Plan {
  try {
    return plan(view, given, checks);
  } catch (error) {
    return refused({ kind: 'not_planned', command: given.command.type, problem: messageOf(error) });
  }
}

function plan(view: PlanView, given: GivenCommand, checks: readonly Check[]): Plan {
  const { command, commandId } = given;
  const { head } = view;
  if (!head && command.type !== 'init' && command.type !== 'recover') {
    return refused({ kind: 'not_initialised', place: null });
  }
  const row = rowOf(command);
  const wish = row.wish(command, view, commandId);
  if (wish.is === 'refused') return refused(wish.refusal);
  if (nextEpoch(head, highestLost(command)) > MAX_EPOCH) return refused({ kind: 'log_full', epoch: head?.epoch ?? 0 });
  const change = changeOf(wish, row.changes(command), view, given);
  for (const check of checks) {
    const objection = objectionOf(check, { ...given, view, change });
    if (objection) return objection;
  }
  return { is: 'change', change };
}

/** A check that is broken keeps nobody from taking authority away. */
function objectionOf(check: Check, proposed: Proposed): Objection | null {
  try {
    return check(proposed);
  } catch (error) {
    if (takesAway(proposed.change)) return null;
    throw error;
  }
}

function changeOf(
  wish: Exclude<Wish, { is: 'refused' }>,
  [kind, name]: EntryRef,
  view: PlanView,
  { command, actor, commandId }: GivenCommand,
): PlannedChange {
  const { type, data } = wish.is === 'event' ? wish : { type: 'second' as const, data: { kind, name: name ?? null } };
  const change = nextChange(view, {
    type,
    data: { ...data, command_id: commandId },
    at: view.time,
    actor: actorName(actor),
    reason: 'reason' in command ? command.reason : null,
    beyond: highestLost(command),
  });
  const ended = kind === 'kill' && change.patch.remove.includes(entryKey(kind, name));
  return { ...change, already: wish.is === 'already', ends: ended ? (view.get(kind, name) ?? null) : null };
}

/** An epoch only grows, also beyond what a store has lost. */
const highestLost = (command: Command): number =>
  command.type === 'recover' ? Math.max(0, ...command.givenUp.map(({ epoch }) => epoch)) : 0;
