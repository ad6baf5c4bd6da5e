import { isKillSwitchError, shownId } from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';
import { RefusedError, refusalText } from '../../refusals.ts';
import type { LogVerification } from '../../verify-log.ts';
import { type Context, EXIT, type Verb } from '../command.ts';
import { count } from '../output.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const control = await context.control();
      let says = notVerified;
      const value = await control.verifyLog().catch((error: unknown): LogVerification => {
        if (!isKillSwitchError(error) || (error.code !== 'CORRUPT' && error.code !== 'UNKNOWN_EVENT')) throw error;
        if (error.code === 'UNKNOWN_EVENT') says = notKnown;
        return { ok: false, events: 0, head: null, problem: error.message };
      });
      const advice = value.ok ? '' : await adviceFor(control);
      return {
        value,
        text: value.ok
          ? `The log is whole: ${count(value.events, 'event')}, epoch ${value.head?.epoch}, hash ${value.head?.hash}.`
          : says(value, context, advice),
        exitCode: value.ok ? EXIT.done : EXIT.notVerified,
      };
    }),
  );
};

const place = ({ store, organizationId }: Context): string =>
  `(${store.location}, organization ${shownId(organizationId)})`;

/** A newer version wrote something, which is no damage. */
const notKnown = ({ problem }: LogVerification, context: Context): string =>
  `THIS VERSION CANNOT VERIFY THE LOG ${place(context)}. ${problem}`;

const notVerified = ({ events, problem }: LogVerification, context: Context, advice: string): string =>
  [
    `THE LOG DOES NOT VERIFY ${place(context)}${events === 0 ? '' : `; its first ${count(events, 'event')} ${events === 1 ? 'is' : 'are'} in order`}. ${context.advice(problem ?? '')}`,
    context.advice(advice),
    'Before you repair anything, find out who or what has changed the log.',
  ].join('\n');

/** What can still be done there. A kill is advised only where it can be recorded. */
async function adviceFor(control: ControlPlane): Promise<string> {
  try {
    await control.forks();
  } catch {
    return 'It takes no change, so no kill can be recorded in it. Executors that read it stop by themselves, each at the latest when its lease is over; to end work that has begun, end their processes.';
  }
  const error: unknown = await control.status().catch((thrown: unknown) => thrown);
  if (error instanceof RefusedError) return refusalText(error.refusal, 'command');
  return 'It still takes changes. Stop what must not run: kill-switch kill all';
}
