import { Argument } from 'commander';
import { oneOf } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { SCRIPTS, type Shell, SHELLS } from '../completion/scripts.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(new Argument('<shell>', `one of ${SHELLS.join(', ')}`).argParser(oneOf('a shell', SHELLS)))
    .action(
      perform(async (_context, shell: Shell) => ({
        value: { shell, script: SCRIPTS[shell] },
        text: SCRIPTS[shell].trimEnd(),
      })),
    );
};
