import { isKillSwitchError } from '../../../flags/index.ts';
import { EXIT, type Verb } from '../command.ts';
import { count } from '../output.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const control = await context.control();
      const value = await control.verifyLog().catch((error: unknown) => {
        if (!isKillSwitchError(error) || (error.code !== 'CORRUPT' && error.code !== 'UNKNOWN_EVENT')) throw error;
        return { ok: false, events: 0, head: null, problem: error.message };
      });
      return {
        value,
        text: value.ok
          ? `The log is whole: ${count(value.events, 'event')}, epoch ${value.head?.epoch}, hash ${value.head?.hash}.`
          : `THE LOG DOES NOT VERIFY, after ${count(value.events, 'event')} that do: ${value.problem}\nStop what must not run (kill-switch kill all), keep a copy of the store, and find out who or what changed it.`,
        exitCode: value.ok ? EXIT.done : EXIT.notVerified,
      };
    }),
  );
};
