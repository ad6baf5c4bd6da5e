import { type LogEvent, State } from '../../flags/index.ts';
import type { Command } from '../../operator/commands/index.ts';
import type { PlanView } from '../../operator/commands/row.ts';
import type { Actor } from '../../operator/operators.ts';
import type { Check, Plan, PlannedChange } from '../../operator/plan.ts';
import { planChange } from '../../operator/plan-change.ts';
import { TAKES } from '../../operator/roles.ts';
import { ChangeRefusedError, type Refusal } from '../../operator/refusals.ts';

export const T0 = '2026-01-01T00:00:00.000Z';

/** A log that plans and appends in one step, as a compare-and-swap that is tried again does. */
export class Desk {
  readonly state = new State();
  readonly events: LogEvent[] = [];
  time = T0;
  #ids = 0;

  get view(): PlanView {
    return { head: this.state.head, time: this.time, get: (kind, name) => this.state.get(kind, name) };
  }

  plan(command: Command, id = 'ann', checks?: readonly Check[]): Plan {
    this.#ids += 1;
    const actor: Actor = TAKES[command.type].tightens === 'operate' ? { is: 'system' } : unverified(id);
    return planChange(this.view, { command, actor, commandId: `c${this.#ids}` }, checks);
  }

  /** Plans it for somebody, and records what is recorded of it: also the request in its place. */
  asks(command: Command, actor: Actor | string): Plan {
    this.#ids += 1;
    const by = typeof actor === 'string' ? unverified(actor) : actor;
    const plan = planChange(this.view, { command, actor: by, commandId: `c${this.#ids}` });
    if (plan.is !== 'nothing') this.#record(plan.change);
    return plan;
  }

  do(command: Command, id = 'ann'): PlannedChange {
    const plan = this.plan(command, id);
    if (plan.is !== 'change') throw new Error(`It is objected to: ${JSON.stringify(plan.objection)}`);
    this.#record(plan.change);
    return plan.change;
  }

  #record({ patch, event }: PlannedChange): void {
    this.state.apply(patch, event);
    this.events.push(event);
  }

  /** Why the command is refused; null where it is not. */
  refused(command: Command): Refusal | null {
    const plan = this.plan(command);
    return plan.is !== 'change' && plan.objection.is === 'refused' ? plan.objection.refusal : null;
  }

  /** The code of {@link refused}. */
  refusal(command: Command): string {
    const refusal = this.refused(command);
    return refusal ? new ChangeRefusedError(refusal).code : 'not refused';
  }

  get epoch(): number {
    return this.state.epoch;
  }
}

const unverified = (id: string): Actor => ({ is: 'unverified', id, roles: undefined });

export const started = (): Desk => {
  const desk = new Desk();
  desk.do({ type: 'init', generation: 'g0' });
  return desk;
};

export const kill = (more: Partial<Extract<Command, { type: 'kill' }>> = {}): Command => ({
  type: 'kill',
  target: 'agent:x',
  mode: 'full_stop',
  expiresAt: null,
  ...more,
});
