import { isKillSwitchError, type LogEvent } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';

/** The events after an epoch, without those that were archived. */
export const whatIsLeft = (log: ControlConnection['log']): ControlConnection['log'] =>
  async function* left(after: number): AsyncGenerator<LogEvent> {
    try {
      yield* log(after);
    } catch (error) {
      if (!isKillSwitchError(error) || error.code !== 'ARCHIVED') throw error;
      yield* log(0);
    }
  };
