import {
  FEATURE_STAGES,
  GOVERNED_KIND,
  type Governance,
  isSameChange,
  isWithinStep,
  lacksDrill,
  loosens,
  loosestStage,
  type Mode,
  NO_DRILLS,
  NO_GOVERNANCE,
  REQUEST_BOUNDS,
  type Request,
  stepFrom,
  entryKey,
} from '../flags/index.ts';
import { whoRestricted } from '../flags/events/restricted.ts';
import { changeOf } from '../flags/requests.ts';
import { rowOf } from './commands/index.ts';
import type { Command } from './commands/index.ts';
import { endAfter, type PlanView } from './commands/row.ts';
import { actorName } from './operators.ts';
import { type Check, type GivenCommand, type Objection, type Proposed, refused } from './plan.ts';
import type { Refusal } from './refusals.ts';
import { mayMake, personOf, rightFor, rolesOf, TAKES, withoutRight } from './roles.ts';

// What giving authority back takes, beside a reason (checks.ts). Taking it away never comes here: only its role counts.

const governanceOf = (view: Pick<PlanView, 'get'>): Governance => view.get('governance') ?? NO_GOVERNANCE;

/** The table of roles (roles.ts) lets this actor do that. */
export const roleGiven: Check = ({ command, change, actor }) => {
  if (mayMake(actor, command, change.direction)) return null;
  return refused(withoutRight(actor, rightFor(command, change.direction), TAKES[command.type].verb));
};

/** One rule of governance; null where it does not object. */
type Rule = (governance: Governance, proposed: Proposed) => Objection | null;

/** Only some roles may restore this mode. An administrator may, who could change that rule. */
const modeRestored: Rule = ({ restore_roles }, { command, change, view, actor }) => {
  const mode = rowOf(command).leaves?.(command, view, change.event.data);
  const needed = mode === undefined ? undefined : restore_roles[mode];
  const has = rolesOf(actor) ?? [];
  if (mode === undefined || !needed || has.includes('admin') || has.some((role) => needed.includes(role))) return null;
  return refused({ kind: 'restore_role', mode, needed, has });
};

/** No more than one step at a time. A kill takes its step by itself (commands/kill.ts). */
const oneStep: Rule = ({ ladder }, { command, view }) => {
  if (!ladder) return null;
  if (command.type === 'mode') {
    const before = view.get('mode');
    if (!before) return null;
    // What a rule answers differs by context: as a beginning it counts as the strictest, as an end as the loosest.
    const isSame = before.targeting === null;
    const step = isSame ? stepFrom(before.mode, before.stood) : stepFrom('full_stop');
    const asked: Mode = (command.targeting ?? null) === null ? command.mode : 'live';
    if (isWithinStep(step, asked)) return null;
    return refused({ kind: 'ladder', what: 'The base mode', from: isSame ? before.mode : 'a rule', asked, step });
  }
  if (command.type === 'feature') {
    const from = loosestStage(view.get('feature', command.name));
    const asked = loosestStage(command);
    const step = FEATURE_STAGES[FEATURE_STAGES.indexOf(from) + 1] ?? from;
    if (FEATURE_STAGES.indexOf(asked) <= FEATURE_STAGES.indexOf(step)) return null;
    return refused({ kind: 'ladder', what: `The feature ${command.name}`, from, asked, step });
  }
  return null;
};

/** Each step has to stand for a while before the next. */
const hasDwelt: Rule = ({ ladder, dwell_ms }, { command, view }) => {
  if (!ladder) return null;
  const [kind, name] = rowOf(command).changes(command);
  const entry = kind === 'mode' || kind === 'kill' || kind === 'feature' ? view.get(kind, name) : undefined;
  if (entry?.loosened_at === undefined) return null;
  const until = endAfter(dwell_ms, entry.loosened_at);
  if (until === undefined || until <= view.time) return null;
  return refused({ kind: 'dwell', entry: entryKey(kind, name), since: entry.loosened_at, until });
};

/** A second person agrees: who has asked is not enough, nor (`killer`) who has restricted it. */
const secondPerson: Rule = ({ second_person, pending_expires_ms }, proposed) => {
  if (second_person === 'off') return null;
  const { command, view, actor, commandId } = proposed;
  const me = personOf(actorName(actor));
  const asked = openRequest(proposed);
  if (asked && personOf(asked.asked_by) !== me) {
    const hasRestricted = second_person === 'killer' && me !== null && restrictingPersons(command, view).includes(me);
    return hasRestricted ? refused({ kind: 'second_person', id: asked.id, has: 'restricted' }) : null;
  }
  if ('grants' in command && command.grants !== undefined)
    return refused(
      asked
        ? { kind: 'second_person', id: asked.id, has: 'asked' }
        : { kind: 'no_request', id: String(command.grants) },
    );
  if (asked) return { is: 'pending', request: { id: asked.id, expires_at: asked.expires_at }, record: null };
  const full = withoutRoom(openRequests(view), changeOf(command), me);
  if (full) return refused(full);
  const expires_at = endAfter(pending_expires_ms, view.time) ?? view.time;
  const epoch = epochRead(command, view);
  return {
    is: 'pending',
    request: { id: commandId, expires_at },
    record: { type: 'request', data: { id: commandId, change: changeOf(command), epoch, expires_at } },
  };
};

/** Somebody has shown lately that what runs can be stopped. What no drill was passed for yet, none has shown. */
const drilled: Rule = ({ drill_ms }, { view }) => {
  const drills = view.get('drills') ?? NO_DRILLS;
  if (drill_ms === null || !lacksDrill(drills, drill_ms, view.time)) return null;
  return refused({ kind: 'drill_required', drill_ms, passed_at: drills.passed_at[GOVERNED_KIND] ?? null });
};

/** Why no further request is taken; null where there is room for one. */
function withoutRoom(open: readonly Request[], change: object, me: string | null): Refusal | null {
  const { all, ofOne, characters, inAll } = REQUEST_BOUNDS;
  const size = JSON.stringify(change).length;
  if (size > characters) return { kind: 'request_too_long', size, most: characters };
  if (open.length >= all || size + JSON.stringify(open).length > inAll) return { kind: 'requests_full', most: all };
  const own = open.filter(({ asked_by }) => personOf(asked_by) === me);
  return own.length >= ofOne ? { kind: 'requests_full', most: ofOne } : null;
}

const RULES: readonly Rule[] = [modeRestored, drilled, oneStep, hasDwelt, secondPerson];

/** Those that an emergency does not suspend. */
const ALSO_ALONE: readonly Rule[] = [modeRestored];

/** What governance asks for, before a person gives authority back. */
export const governed: Check = (proposed) => {
  const { command, change, view, actor } = proposed;
  if (!loosens(change) || rolesOf(actor) === null || rowOf(command).isUngoverned) return null;
  const governance = governanceOf(view);
  const isAlone = breaksGlass(command);
  if (isAlone && !governance.break_glass) return refused({ kind: 'break_glass_off' });
  for (const rule of isAlone ? ALSO_ALONE : RULES) {
    const objection = rule(governance, proposed);
    if (objection) return objection;
  }
  return null;
};

/** True where one person does it alone, in an emergency. */
export const breaksGlass = (command: Command): boolean => 'breakGlass' in command && command.breakGlass === true;

const epochRead = (command: Command, view: PlanView): number =>
  ('epoch' in command ? command.epoch : undefined) ?? view.head?.epoch ?? 0;

/** The requests that may still be granted by their time. */
const openRequests = (view: Pick<PlanView, 'get' | 'time'>): readonly Request[] =>
  (view.get('requests')?.open ?? []).filter(({ expires_at }) => expires_at > view.time);

/** The request for exactly this change that still holds: what it would change was not touched since it was read. */
export function openRequest({
  command,
  view,
}: Pick<GivenCommand, 'command'> & { readonly view: PlanView }): Request | null {
  const [kind, name] = rowOf(command).changes(command);
  const changed = view.get(kind, name)?.epoch ?? 0;
  const named = 'grants' in command ? command.grants : undefined;
  const found = openRequests(view).find(
    (each) => changed <= each.epoch && isSameChange(each.change, command) && (named === undefined || each.id === named),
  );
  return found ?? null;
}

/** Whoever has taken away what is given back, since it was whole. */
function restrictingPersons(command: Command, view: PlanView): ReadonlyArray<string | null> {
  return whoRestricted(view, rowOf(command).changes(command)).map(personOf);
}
