import { type Mode, isRecorded, type State, type Stop, stopActor, stopTerms } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';

/** A stop of an executor that the log does not have yet. */
export interface HeldStopRow {
  readonly target: string;
  readonly mode: Mode;
  /** `budget:day`, `tripwire:repeats`, `executor:mailer`. */
  readonly by: string;
  readonly reason: string | null;
  /** When it was made, by its executor's word; null where it does not say. */
  readonly at: string | null;
}

type Stopped = Pick<ControlConnection, 'stops'>;

/** The stops of executors that name no epoch beyond this state's. */
export async function stopsTill({ stops }: Stopped, { epoch }: State): Promise<readonly Stop[]> {
  const kept = (await stops?.list()) ?? [];
  return kept.flatMap((each) => ('stop' in each && each.stop.epoch <= epoch ? [each.stop] : []));
}

/** What executors have stopped, beside what the log says; unreadable stops hold nobody. */
export async function heldStops(connection: Stopped, state: State): Promise<HeldStopRow[]> {
  const stops = await stopsTill(connection, state).catch(() => []);
  return stops.flatMap((stop): HeldStopRow[] => {
    const terms = stopTerms(state, stop);
    return terms && !isRecorded(state, stop.target, terms)
      ? [{ target: stop.target, mode: terms.mode, by: stopActor(stop), reason: terms.reason, at: stop.at ?? null }]
      : [];
  });
}
