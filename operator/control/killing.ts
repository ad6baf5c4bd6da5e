import { notify } from '../../flags/callbacks.ts';
import {
  type KillRecord,
  killRecord,
  KillSwitchError,
  reaches,
  readTarget,
  type Subject,
  type Target,
} from '../../flags/index.ts';
import type { ControlView } from '../../store/ports.ts';
import { type CommandOf, entriesFor } from '../commands/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenKill, givenRevive } from '../given/kill.ts';
import { ChangeRefusedError, isChangeRefusedError } from '../refusals.ts';
import type { Acting } from './acting.ts';

/** Kills, and what lifts them. */
export const killing = (acting: Acting): Pick<ControlPlane, 'kill' | 'revive'> => ({
  async kill(options) {
    const { command, waiting } = acting.read('kill', options, () => givenKill(options));
    const { target } = command;
    const recorded = await acting.append(command);
    const { head, view, change } = recorded;
    const found = view.get('kill', target);
    const kill = found ? killRecord(acting.organizationId, found) : null;
    const already = change?.already ?? false;
    notify(waiting.onRecorded, { epoch: head.epoch, already, kill });
    const [heard, replication] = await Promise.all([
      acting.heard(command, recorded, waiting),
      acting.replication(recorded),
    ]);
    if (!kill) {
      // It was recorded, and lifted again before it was read back.
      throw new KillSwitchError(
        'CONFLICT',
        `The kill of ${target} was recorded at epoch ${head.epoch}, and has been lifted since.`,
      );
    }
    return { kill, epoch: head.epoch, already, ...heard, ...replication };
  },

  async revive(options) {
    const given = acting.read('revive', options, () => givenRevive(options));
    const { target } = given;
    const before = await beforeRevive(acting, given);
    const epoch = given.epoch ?? before.head?.epoch;
    const { event, change, view } = await acting
      .append({ ...given, epoch })
      .catch((error: unknown) => heldByRule(acting, error));
    // The plan knows the kill that it lifts. Where the answer to the append was lost there is no plan: then the kill
    // that was read before stands for it.
    if (event.data['to'] !== undefined) return { kill: stepped(acting, target, view), epoch: event.seq };
    const kill = change ? change.ends : (before.get('kill', target) ?? null);
    if (!kill) {
      throw new KillSwitchError(
        'CONFLICT',
        `The revive of ${target} was recorded at epoch ${event.seq}. The kill that it has lifted was recorded after this request began, so only the log shows it: kill-switch log`,
      );
    }
    const revived = { by: event.actor, at: event.at, reason: event.reason };
    return { kill: killRecord(acting.organizationId, kill, revived), epoch: event.seq };
  },
});

/** The kill after a step. @throws KillSwitchError CONFLICT where it was lifted before it was read back */
function stepped({ organizationId }: Acting, target: string, view: ControlView): KillRecord {
  const kill = view.get('kill', target);
  if (kill) return killRecord(organizationId, kill);
  throw new KillSwitchError('CONFLICT', `The step of ${target} is recorded, and its kill has been lifted since.`);
}

/** What a person has read who lifts a kill. What only executors know of is recorded first, so that it is lifted too. */
async function beforeRevive(acting: Acting, given: CommandOf<'revive'>): Promise<ControlView> {
  const { connection } = acting;
  const read = await connection.read(entriesFor(given));
  if (!connection.stops) return read;
  const copied = await acting.copyStops(given.target);
  return copied.stops === 0 ? read : connection.read(entriesFor(given));
}

/** Adds the rules that hold a target, where there is no kill of it to lift: a rule is removed, not revived. */
async function heldByRule(acting: Acting, error: unknown): Promise<never> {
  if (!isChangeRefusedError(error) || error.refusal.kind !== 'not_killed') throw error;
  const subject = subjectOf(readTarget(error.refusal.target));
  const { state } = await acting.opened.whole();
  const rules = [...state.rules].flatMap(([name, { target }]) => (reaches(readTarget(target), subject) ? [name] : []));
  throw rules.length === 0 ? error : new ChangeRefusedError({ ...error.refusal, rules });
}

/** The target, as somebody of whom a rule asks. */
function subjectOf({ type, id }: Target): Subject {
  switch (type) {
    case 'all':
      return {};
    case 'action':
    case 'surface':
    case 'feature':
      return { [type]: id };
    case 'agent':
    case 'mission':
    case 'run':
      return { [`${type}Id`]: id };
    default:
      return type satisfies never;
  }
}
