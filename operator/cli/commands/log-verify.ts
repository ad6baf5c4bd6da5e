import { isKillSwitchError, shownId } from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';
import { RefusedError, refusalText } from '../../refusals.ts';
import type { LogVerification } from '../../verify-log.ts';
import { verifyLogFile } from '../../verify-log-file.ts';
import { type Answer, type Context, EXIT, type Verb } from '../command.ts';
import { count, shortTime } from '../output.ts';

interface VerifyOptions {
  readonly against?: string;
  readonly fingerprint?: string;
}

export const verb: Verb = (command, perform) => {
  command
    .argument('[file]', 'an export to verify by itself, without a store (default: the log of the store)')
    .option('--against <file>', 'an earlier export, or a head, that the log must contain')
    .option('--fingerprint <key>', 'the key that must have signed the export')
    .action(
      perform(async (context, file: string | undefined, options: VerifyOptions): Promise<Answer> => {
        if (file !== undefined) return ofFile(file, await verifyLogFile(file, options));
        const control = await context.control();
        let says = notVerified;
        const value = await control.verifyLog(options).catch((error: unknown): LogVerification => {
          if (!isKillSwitchError(error) || (error.code !== 'CORRUPT' && error.code !== 'UNKNOWN_EVENT')) throw error;
          if (error.code === 'UNKNOWN_EVENT') says = notKnown;
          return { ok: false, events: 0, head: null, problem: error.message };
        });
        if (value.against?.problem !== undefined)
          return {
            value,
            text: `${value.problem} So the log was not compared with it: kill-switch log verify`,
            exitCode: EXIT.notVerified,
          };
        if (!value.ok)
          return { value, text: says(value, context, await adviceFor(control)), exitCode: EXIT.notVerified };
        return { value, text: [wholeWords(value), ...archivedWords(value), ...comparedWith(value)] };
      }),
    );
};

const wholeWords = (value: LogVerification): string =>
  value.archived
    ? `The log is whole from epoch ${value.archived.epoch} on: ${placeOf(value)}.`
    : `The log is whole: ${placeOf(value)}.`;

/** What of the log is in another file. */
function archivedWords({ archived, against, undropped }: LogVerification): string[] {
  const verified = against !== undefined && against.is !== 'head';
  const how = verified ? 'They were verified too.' : 'To verify them too: kill-switch log verify --against FILE';
  return [
    ...(archived ? [`Up to there ${count(archived.events, 'event')} are archived. ${how}`] : []),
    ...(undropped === undefined
      ? []
      : [
          `It is archived up to epoch ${undropped}, and what comes before that is still there. To drop it, archive again with the same file: kill-switch log archive FILE --reason "…"`,
        ]),
  ];
}

function ofFile(file: string, value: LogVerification): Answer {
  const name = shownId(file);
  if (!value.ok) return { value, text: `THE EXPORT DOES NOT VERIFY. ${value.problem}`, exitCode: EXIT.notVerified };
  const signature = value.signed
    ? signedBy(value.signed)
    : 'Nobody has signed it: whoever can write it can make another.';
  return { value, text: [`${name} is whole: ${placeOf(value)}.`, signature, ...comparedWith(value)] };
}

const placeOf = ({ events, head }: LogVerification): string =>
  `${count(events, 'event')}, epoch ${head?.epoch}, hash ${head?.hash}`;

/** Whose key that is, no file can say. */
const signedBy = ({ fingerprint, signed_at: at }: NonNullable<LogVerification['signed']>): string =>
  `Its head was signed on ${shortTime(at)}, by that clock, by the key ${fingerprint}: compare that with the one you were told.`;

function comparedWith({ against }: LogVerification): string[] {
  if (!against) return [];
  const name = shownId(against.file);
  if (against.is === 'head') return [`It contains the head in ${name}: epoch ${against.head.epoch}.`];
  const signer = against.signed ? `, signed by ${against.signed.fingerprint}` : '';
  return [
    `It contains all of ${name}: ${count(against.events ?? 0, 'event')} up to epoch ${against.head.epoch}${signer}.`,
  ];
}

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
