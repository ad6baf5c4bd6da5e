import {
  entryKey,
  type EntryPlace,
  KillSwitchError,
  loosens,
  MAX_EPOCH,
  messageOf,
  nextChange,
  nextEpoch,
  type NextEvent,
} from '../flags/index.ts';
import { CHECKS } from './checks.ts';
import type { EventContent, PlanView, Wish } from './commands/row.ts';
import { rowOf } from './commands/index.ts';
import { breaksGlass, openRequest } from './governance.ts';
import { actorName } from './operators.ts';
import { type Check, type GivenCommand, type Plan, type PlannedChange, type Proposed, refused } from './plan.ts';
import type { Refusal } from './refusals.ts';

const nothing = (refusal: Refusal): Plan => ({ is: 'nothing', objection: refused(refusal) });

/**
 * Plans a command: the only place where events are made. It reads only the view, changes nothing, and never throws: an
 * error becomes the refusal of this command, so that others in its batch are not affected.
 */
export function planChange(view: PlanView, given: GivenCommand, checks: readonly Check[] = CHECKS): Plan {
  try {
    return plan(view, given, checks);
  } catch (error) {
    return nothing({ kind: 'not_planned', command: given.command.type, problem: messageOf(error) });
  }
}

function plan(view: PlanView, given: GivenCommand, checks: readonly Check[]): Plan {
  const { command, commandId } = given;
  const { head } = view;
  const row = rowOf(command);
  if (!head && !row.beginsGeneration) return nothing({ kind: 'not_initialised', place: null });
  const beyond = row.beyond?.(command);
  const wish = row.wish(command, view, commandId);
  if (wish.is === 'refused') return nothing(wish.refusal);
  if (nextEpoch(head, beyond) > MAX_EPOCH) return nothing({ kind: 'log_full', epoch: head?.epoch ?? 0 });
  const about = { place: row.changes(command), beyond, marks: {} };
  const plain = changeOf(wish, about, { ...given, view });
  const change = loosens(plain) ? changeOf(wish, { ...about, marks: marksOf(given, view) }, { ...given, view }) : plain;
  for (const check of checks) {
    const objected = objectedBy(check, { ...given, view, change });
    if (objected) return objected;
  }
  return { is: 'change', change };
}

/** What an event that gives authority back says besides: whose request it grants, and that somebody did it alone. */
function marksOf({ command }: GivenCommand, view: PlanView): Marks {
  const request = rowOf(command).isUngoverned ? null : openRequest({ command, view });
  return { ...(request && { request_id: request.id }), ...(breaksGlass(command) && { break_glass: true }) };
}

/** A check that is broken keeps nobody from a change that gives no authority back. */
function objectedBy(check: Check, proposed: Proposed): Plan | null {
  try {
    const objection = check(proposed);
    if (!objection) return null;
    if (objection.is === 'refused' || objection.record === null) return { is: 'nothing', objection };
    return { is: 'instead', change: recordedInstead(objection.record, proposed), objection };
  } catch (error) {
    if (loosens(proposed.change)) throw error;
    return null;
  }
}

/** @throws KillSwitchError INVALID_STATE for an event that gives authority back, which the objection was to prevent */
function recordedInstead(record: EventContent, { view, ...given }: Proposed): PlannedChange {
  const change = nextChange(view, nextEvent(record, view, given));
  if (loosens(change))
    throw new KillSwitchError(
      'INVALID_STATE',
      `The ${record.type} to be recorded in its place gives authority back too.`,
    );
  return { ...change, already: false, ends: null };
}

type Marks = Readonly<Record<string, unknown>>;

interface About {
  readonly place: EntryPlace;
  readonly beyond: number | undefined;
  readonly marks: Marks;
}

function changeOf(
  wish: Exclude<Wish, { is: 'refused' }>,
  { place: [kind, name], beyond, marks }: About,
  { view, ...given }: GivenCommand & { readonly view: PlanView },
): PlannedChange {
  const content =
    wish.is === 'event' ? wish : ({ type: 'second', data: { kind, name: name ?? null } } satisfies EventContent);
  const said = { ...content, data: { ...content.data, ...marks } };
  const change = nextChange(view, { ...nextEvent(said, view, given), beyond });
  const ended = kind === 'kill' && change.patch.remove.includes(entryKey(kind, name));
  return { ...change, already: wish.is === 'already', ends: ended ? (view.get(kind, name) ?? null) : null };
}

/** An event of this command. It bears the command's id, by which a retry finds it. */
const nextEvent = (
  { type, data }: EventContent,
  { time }: PlanView,
  { command, actor, commandId }: GivenCommand,
): NextEvent => ({
  type,
  data: { ...data, command_id: commandId },
  at: time,
  actor: actorName(actor),
  reason: 'reason' in command ? command.reason : null,
});
