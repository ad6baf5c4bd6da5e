import { type Actor } from '../operators.ts';
import { drillReason, drillRun, entryKey, KILL_RETURN_MS, type KillRecord, killRecord } from '../../flags/index.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { KillAnswer } from '../answers.ts';
import type { Order, Recorded } from '../change-queue.ts';
import type { Command, CommandOf } from '../commands/index.ts';
import { reachOf } from '../commands/index.ts';
import { copyStops } from '../copy-stops.ts';
import type { GivenRollback } from '../given/rollback.ts';
import type { Hearing } from '../hearing.ts';
import { whatIsHit } from '../hit.ts';
import { rollBack } from '../rollback.ts';
import { type Pace, stopHeard } from '../stop-heard.ts';
import type { Drilling } from './so-far.ts';

/** How long executors may take to stop before the drill's own work is undone, and one reversal, in milliseconds. */
const [STOP_MS, EACH_MS] = [10_000, 10_000];

/** How long stops of executors are tried to be copied, in milliseconds. */
const COPY_MS = 1000;

/** Of its own run nobody asks how many replicas have the stop. */
const UNTOLD = Object.freeze({ replicated: null, replicas: null });

/** An opened switch, as far as drills use it. */
export interface OpenedForDrills {
  readonly connection: ControlConnection;
  readonly hearing: Hearing;
  readonly pace: Pace;
  readonly closed: AbortSignal;
  readonly append: (order: Order) => Promise<Recorded>;
}

/** What drills need, for whoever runs them. */
export function drillingOf(opened: OpenedForDrills, actor: Actor, organizationId: string): Drilling {
  const { connection, hearing, pace, closed } = opened;
  const append = (command: Command): Promise<Recorded> => opened.append({ command, actor });

  /** Stops the drill's own run; it may be stopped by this drill already. */
  async function kill(id: string, signal: AbortSignal): Promise<KillAnswer> {
    const target = `run:${drillRun(id)}`;
    const command: CommandOf<'drill_press'> = { type: 'drill_press', id, target, reason: drillReason(id) };
    const before = await connection.read([entryKey('control'), entryKey('kill', target)]);
    const found = before.get('kill', target);
    const { head, view } = found && before.head ? { head: before.head, view: before } : await append(command);
    const waiting = { waitMs: STOP_MS, onProgress: undefined, signal };
    const [matched, acknowledgements] = await Promise.all([
      whatIsHit(hearing, command, Math.max(KILL_RETURN_MS, STOP_MS)),
      stopHeard(hearing, { head, reach: reachOf(command), ...waiting }, pace),
    ]);
    return {
      kill: recordOf(view.get('kill', target)),
      epoch: head.epoch,
      already: false,
      ...UNTOLD,
      matched,
      acknowledgements,
    };
  }

  const recordOf = (entry: Parameters<typeof killRecord>[1] | undefined): KillRecord => {
    if (!entry) throw new Error("The stop of the drill's own run was lifted before it was read back.");
    return killRecord(organizationId, entry);
  };

  return {
    ...{ connection, hearing, pace, closed, append },
    rollBack({ id }, signal) {
      const given: GivenRollback = {
        ...{ scope: { target: `run:${drillRun(id)}`, since: null }, reason: drillReason(id), timeoutMs: EACH_MS },
        ...{ waiting: { waitMs: STOP_MS, onProgress: undefined, signal } },
        ...{ hash: undefined, takeOver: false, onBegun: undefined, onMatched: undefined },
      };
      const parts = {
        ...{ connection, hearing, closed, kill: () => kill(id, signal) },
        append: (command: Command) =>
          append(command.type === 'rollback' ? { ...command, type: 'drill_rollback', drill: id } : command),
        copyStops: () => copyStops({ connection, append: (order) => opened.append(order), retryMs: COPY_MS }),
      };
      return rollBack(parts, given);
    },
  };
}
