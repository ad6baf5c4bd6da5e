import { isKillSwitchError, shownId } from '../../../flags/index.ts';
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
          : [
              `THE LOG DOES NOT VERIFY (${context.store.location}, organization ${shownId(context.organizationId)})${value.events === 0 ? '' : `; its first ${count(value.events, 'event')} ${value.events === 1 ? 'is' : 'are'} in order`}. ${context.advice(value.problem ?? '')}`,
              context.advice(
                'Stop what must not run: kill-switch kill all. If the damage keeps that from being recorded, end the processes of the agents.',
              ),
              'Before you repair anything, find out who or what has changed the log.',
            ].join('\n'),
        exitCode: value.ok ? EXIT.done : EXIT.notVerified,
      };
    }),
  );
};
