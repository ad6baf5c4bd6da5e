import type { Verb } from '../command.ts';
import { reasonOption } from '../arguments.ts';
import { shownId } from '../../../flags/index.ts';

interface Asked {
  readonly reason?: string;
  readonly create?: true;
  readonly exclude?: string[];
  readonly include?: string[];
}

export const verb: Verb = (command, perform) => {
  command
    .addOption(reasonOption())
    .option('--create', 'also where nothing shows that there was a control plane: it was lost without a trace')
    .option('--exclude <name...>', 'ignore what this executor reports of forks ("uid 1001": the owner of its files)')
    .option('--include <name...>', 'let its reports of forks count again')
    .action(
      perform(async (context, { reason, ...asked }: Asked) => {
        const value = await (await context.control()).recover({ reason: reason ?? '', ...asked });
        const givenUp = value.given_up.map(
          ({ epoch, generation, hash }) => `  epoch ${epoch} of ${generation} (${hash})`,
        );
        const left = value.given_up_count - givenUp.length;
        const more = left > 0 ? [`  … and ${left} lower ones`] : [];
        return {
          value,
          recorded: `The recover is recorded, at epoch ${value.epoch}.`,
          text: [
            value.created
              ? `A control plane is begun in ${context.store.location}, which was empty, at epoch ${value.epoch}, in draft_only. Executors that reach this store follow it. Agents that use another store are not stopped by anything that is done here.`
              : `The store is accepted as it is now, at epoch ${value.epoch}. Executors that reach it follow it again.`,
            givenUp.length === 0
              ? 'No credible report names a change that this store has lost.'
              : `Given up, because executors had seen these changes and the store has lost them:\n${[...givenUp, ...more].join('\n')}`,
            ...(value.ignored.length === 0
              ? []
              : [
                  `Reports that were ignored, and are not in the log:\n${value.ignored.map(({ executor, why }) => `  ${shownId(executor)}: ${why}`).join('\n')}`,
                ]),
            ...(value.excluded.length === 0
              ? []
              : [`Excluded: reports of forks are ignored from now on from ${value.excluded.map(shownId).join(', ')}`]),
            'Kills, restrictions and everything else that was set and then lost are NOT in force any more. Check, and kill again what must not run:',
            context.advice('  kill-switch kills'),
            context.advice('  kill-switch status'),
          ].join('\n'),
        };
      }),
    );
};
