import { Argument } from 'commander';
import { invalid, shownId } from '../../../flags/index.ts';
import { nameArgument } from '../arguments.ts';
import type { Answer, Verb } from '../command.ts';
import { type DrillTyped, parseKind, windowOption, withTarget } from '../drill-options.ts';

interface Options extends Pick<DrillTyped, 'target' | 'recipient'> {
  readonly window: number;
}

export const verb: Verb = (command, perform) => {
  withTarget(
    command
      .addArgument(nameArgument('name', 'the name of a schedule'))
      .addArgument(new Argument('<kind>', 'the kind of drill; or off: this schedule is removed'))
      .addArgument(new Argument('[time]', 'days, a time of day and a time zone: "Mon 10:00 Europe/Berlin"')),
  )
    .addOption(windowOption())
    .action(
      perform(
        async (context, name: string, kind: string, at: string | undefined, options: Options): Promise<Answer> => {
          const control = await context.control();
          if (kind === 'off') {
            const gone = await control.removeDrillSchedule(name);
            const text = `The schedule ${shownId(name)} is removed, at epoch ${gone.epoch}.`;
            return { value: gone, text, recorded: text };
          }
          if (at === undefined)
            throw invalid('Say when: kill-switch drill schedule NAME KIND "Mon 10:00 Europe/Berlin"');
          const { window: windowMs, target, recipient } = options;
          const answer = await control.scheduleDrill({ name, kind: parseKind(kind), at, windowMs, target, recipient });
          const schedule = (await control.drillSchedules()).data.find((each) => each.name === name);
          const text = `The drill ${shownId(name)} is scheduled, at epoch ${answer.epoch}${schedule ? `, next at ${schedule.next_at}` : ''}. Only an operating process runs it: ${context.advice('kill-switch watch')}`;
          return { value: { ...answer, schedule: schedule ?? null }, text, recorded: text };
        },
      ),
    );
};
