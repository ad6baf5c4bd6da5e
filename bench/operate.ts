import { randomUUID } from 'node:crypto';
import { type LogEvent, State } from '../flags/index.ts';
import { type Command, entriesFor } from '../operator/commands/index.ts';
import type { PlanView } from '../operator/commands/row.ts';
import type { Actor } from '../operator/operators.ts';
import { planChange } from '../operator/plan-change.ts';
import type { Append, ControlConnection } from '../store/ports.ts';

const actor: Actor = { is: 'unverified', id: 'bench', roles: undefined };

/** One change as an operator's process makes it on an open connection: reads, plans, appends. */
export async function change(connection: ControlConnection, command: Command): Promise<LogEvent> {
  return (await plan(connection, command)).append();
}

/** A change that is ready to be sent. */
export interface Ready {
  readonly event: LogEvent;
  append(): Promise<LogEvent>;
}

/** Reads and plans; the append waits until it is asked for. */
export async function plan(connection: ControlConnection, command: Command): Promise<Ready> {
  const view = await connection.read(entriesFor(command));
  const planned = plannedIn(view, command);
  const { event } = planned;
  return {
    event,
    async append() {
      if (!(await connection.append({ ...planned, expected: view.head }))) {
        throw new Error('Somebody else has changed the switch of the benchmark.');
      }
      return event;
    },
  };
}

function plannedIn(view: PlanView, command: Command) {
  const planned = planChange(view, { command, actor, commandId: randomUUID() });
  if (planned.is === 'change') return planned.change;
  throw new Error(`It is objected to: ${JSON.stringify(planned.objection)}`);
}

export const kill = (target: string): Command => ({
  type: 'kill',
  target,
  mode: 'full_stop',
  reason: 'the benchmark says so',
  expiresAt: null,
});

export const revive = (target: string): Command => ({ type: 'revive', target, reason: 'measured' });

/** `init`, then `live` for everyone. */
export const START: readonly Command[] = [
  { type: 'init', generation: 'bench' },
  { type: 'mode', mode: 'live', targeting: null, reason: 'to see something stop' },
];

/**
 * A log with that many kills, of agents, missions and runs in turn, as `planChange` makes it: one change after the
 * other.
 */
export function* logOf(kills: number): Generator<Append> {
  const state = new State();
  const at = new Date().toISOString();
  const view: PlanView = {
    get head() {
      return state.head;
    },
    time: at,
    get: state.get.bind(state),
  };
  const commands = function* (): Generator<Command> {
    yield* START;
    for (let index = 0; index < kills; index += 1) yield kill(targetAt(index));
  };
  for (const command of commands()) {
    const expected = state.head;
    const planned = plannedIn(view, command);
    state.apply(planned.patch, planned.event);
    yield { ...planned, expected };
  }
}

const TYPES = ['agent', 'mission', 'run'] as const;

/** A target of its own for each number. */
export const targetAt = (index: number): string => `${TYPES[index % 3]}:${randomUUID()}`;
