import { vi } from 'vitest';
import { KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { ChangeQueue } from '../../operator/change-queue.ts';
import type { Command } from '../../operator/commands/index.ts';
import type { Actor } from '../../operator/operators.ts';
import type { Check } from '../../operator/plan.ts';
import { planChange } from '../../operator/plan-change.ts';
import type { Append, ControlConnection, ControlView } from '../../store/ports.ts';
import { type Desk, started } from './desk.ts';

export const RETRY_MS = 1000;
export const limit = (name: string): Command => ({ type: 'limit', name, value: 5 });
const named = (id: string): Actor => ({ is: 'unverified', id, roles: undefined });
export const unreachable = (): KillSwitchError => new KillSwitchError('STORE_UNREACHABLE', 'no way there');

/** What becomes of an append: it is taken, and the answer arrives or is lost; it never came; or it fails so. */
export type Fate = 'taken' | 'answer lost' | 'did not come' | 'overtaken' | Error;

/**
 * A queue over a log in memory. `fates`: what becomes of the next appends; all others are taken. `held`: what they wait
 * for before that.
 */
export function setUp({
  checks = [],
  desk = started(),
}: {
  readonly checks?: readonly Check[];
  readonly desk?: Desk;
} = {}) {
  const asked: string[][] = [];
  const fates: Fate[] = [];
  const reads: Array<() => Promise<void>> = [];
  const held: Array<Promise<void>> = [];
  const sent: LogEvent[][] = [];
  const searched: number[] = [];
  const take = (changes: readonly Append[]): void => {
    for (const { patch, event } of changes) {
      desk.state.apply(patch, event);
      desk.events.push(event);
    }
  };
  const connection: Pick<ControlConnection, 'read' | 'append' | 'log'> = {
    async read(keys): Promise<ControlView> {
      asked.push([...keys]);
      await reads.shift()?.();
      return desk.view;
    },
    async append(...changes) {
      sent.push(changes.map(({ event }) => event));
      const fate = fates.shift() ?? 'taken';
      await held.shift();
      if (fate instanceof Error) throw fate;
      if (fate === 'overtaken' || (changes[0]?.expected?.hash ?? '') !== desk.state.hash) return false;
      if (fate !== 'did not come') take(changes);
      if (fate !== 'taken') throw unreachable();
      return true;
    },
    async *log(after) {
      searched.push(after);
      yield* desk.events.filter(({ seq }) => seq > after);
    },
  };
  const queue = new ChangeQueue({ connection: connection as ControlConnection, retryMs: RETRY_MS, checks });
  const ends: unknown[] = [];
  return {
    desk,
    fates,
    reads,
    held,
    asked,
    sent,
    searched,
    ends,
    /** Gives a command; its end is in `ends` from the moment on in which it is answered. */
    give(command: Command, id = 'ann'): void {
      queue.append({ command, actor: named(id) }).then(
        (appended) => void ends.push(appended),
        (error: unknown) => void ends.push(error),
      );
    },
    close: () => queue.close(),
    passes: (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms),
    sizes: (): number[] => sent.map((events) => events.length),
    types: (): string[][] => sent.map((events) => events.map(({ type }) => type)),
    /** Another person appends under this command id. */
    forge(command: Command, commandId: unknown): void {
      const plan = planChange(desk.view, { command, actor: named('eve'), commandId: String(commandId) }, []);
      if (plan.is !== 'change') throw new Error('it was refused');
      take([{ ...plan.change, expected: desk.state.head }]);
    },
  };
}
