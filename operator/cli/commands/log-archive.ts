import { shownId } from '../../../flags/index.ts';
import { reasonOption, wholeNumber } from '../arguments.ts';
import type { Answer, Verb } from '../command.ts';
import { parseSince } from '../duration.ts';
import { count } from '../output.ts';
import { signingKey } from '../signing-key.ts';

interface ArchiveOptions {
  readonly epoch?: number;
  readonly before?: Date;
  readonly signed?: true;
  readonly key?: string;
  readonly reason?: string;
}

/** How much room was freed: about, since a store may only estimate it. */
const sizeOf = (bytes: number): string =>
  bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;

export const verb: Verb = (command, perform) => {
  command
    .argument('<file>', 'where to write it; a file that has what was archived before is extended')
    .option('--epoch <number>', 'at most up to this epoch', wholeNumber('--epoch', 1))
    .option('--before <time>', 'only what is older: a time (RFC 3339), or how long ago, such as 90d', (text) =>
      parseSince(text, Date.now()),
    )
    .option('--signed', 'with the head signed, so that others can check all of it')
    .option(
      '--key <file>',
      'what signs it: an Ed25519 private key in PEM (default: one of your own, made at the first time)',
    )
    .addOption(reasonOption('why; required'))
    .action(
      perform(async (context, file: string, options: ArchiveOptions): Promise<Answer> => {
        const { signed, key: named, reason = '', epoch, before } = options;
        const key = signed || named !== undefined ? await signingKey(context, named) : undefined;
        const control = await context.control();
        const value = await control.archiveLog({ file, key, reason, epoch, before });
        const { events, head, fingerprint, freed } = value;
        return {
          value,
          text: [
            `${shownId(file)} has the log up to epoch ${head.epoch}: ${count(events, 'event')}, hash ${head.hash}.`,
            ...(fingerprint === null ? [] : [`It is signed by ${fingerprint}.`]),
            `The store has dropped what comes before that event: ${sizeOf(freed)} are free again. Keep the file: nobody else has those events.`,
          ],
        };
      }),
    );
};
