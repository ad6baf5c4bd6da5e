import { shownId } from '../../../flags/index.ts';
import type { Answer, Item, Lines, Verb } from '../command.ts';
import { count } from '../output.ts';
import { signingKey } from '../signing-key.ts';

interface ExportOptions {
  readonly signed?: true;
  readonly key?: string;
}

export const verb: Verb = (command, perform) => {
  command
    .argument('[file]', 'where to write it (default: it is printed)')
    .option('--signed', 'with the head signed, so that others can check all of it')
    .option(
      '--key <file>',
      'what signs it: an Ed25519 private key in PEM (default: one of your own, made at the first time)',
    )
    .action(
      perform(
        async (context, file: string | undefined, { signed, key: named }: ExportOptions): Promise<Answer | Lines> => {
          const key = signed || named !== undefined ? await signingKey(context, named) : undefined;
          const control = await context.control();
          if (file === undefined) return { lines: printed(control.exportLines({ key })), exact: true };
          const value = await control.exportLog({ file, key });
          const { events, head, fingerprint } = value;
          return {
            value,
            text: [
              `${shownId(file)} has the log: ${count(events, 'event')}, epoch ${head.epoch}, hash ${head.hash}.`,
              ...(fingerprint === null ? [] : [`Its head is signed by ${fingerprint}.`]),
            ],
          };
        },
      ),
    );
};

async function* printed(lines: AsyncIterable<string>): AsyncGenerator<Item> {
  for await (const line of lines) yield { value: line, text: line };
}
