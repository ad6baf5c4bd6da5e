import { Option } from 'commander';
import { shellWord, shownId, TRIP_MODES, type TripMode } from '../../../flags/index.ts';
import { givenOn } from '../../given/tripwire.ts';
import { breakGlassOption, epochOption, nameArgument, oneOf, parseLimit, reasonOption } from '../arguments.ts';
import { tripwireText } from '../budgets.ts';
import type { Verb } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { saidOfNames } from '../named.ts';

interface Typed {
  readonly on?: string;
  readonly limit?: number;
  readonly window?: number;
  readonly scope?: 'run' | 'agent';
  readonly do?: TripMode;
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a tripwire'))
    .addOption(
      new Option(
        '--on <what>',
        'repeats (the same call again), failures, refusals, interventions, interventions:KIND or report:NAME',
      ).argParser(givenOn),
    )
    .addOption(
      new Option('--limit <number>', 'so many pass, and the next trips; a report trips above it').argParser(parseLimit),
    )
    .addOption(new Option('--window <duration>', 'in which time, for instance 10m').argParser(parseDuration))
    .addOption(
      new Option('--scope <scope>', 'what it counts for, and stops: run or agent (default: run)').argParser(
        oneOf('the scope of a tripwire', ['run', 'agent']),
      ),
    )
    .addOption(
      new Option('--do <mode>', `what it leaves: ${TRIP_MODES.join(', ')} (default: paused)`).argParser(
        oneOf('what a tripwire does', TRIP_MODES),
      ),
    )
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(
      perform(async (context, name: string, { window, ...options }: Typed) => {
        const control = await context.control();
        const answer = await control.setTripwire({ name, windowMs: window, ...options });
        // It is recorded by then, also where it cannot be read again.
        const rows = await control.tripwires().then(
          ({ data }) => data.filter((row) => row.name === name),
          () => [],
        );
        const how = answer.already ? 'so already' : 'set';
        const again = (near: string): string =>
          `kill-switch tripwire set ${shellWord(name)} --on ${shellWord(`report:${near}`)} --reason "…"`;
        const what = shownId(options.on ?? '');
        const { before, after } = saidOfNames(context, [{ matched: answer.matched, what, again }]);
        const is = `The tripwire ${shownId(name)} is ${how}, at epoch ${answer.epoch}.`;
        return { value: { tripwire: name, ...answer }, text: [...before, is, ...rows.map(tripwireText), ...after] };
      }),
    );
};
