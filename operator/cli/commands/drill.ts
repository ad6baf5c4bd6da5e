import { Option } from 'commander';
import { invalid } from '../../../flags/index.ts';
import { type Answer, EXIT, type Verb } from '../command.ts';
import { drillLines, previewLines } from '../drill-words.ts';
import { type DrillTyped, scopeTyped, windowOption, withDrillScope } from '../drill-options.ts';
import { writePage } from '../drill-file.ts';

interface Options extends DrillTyped {
  readonly window: number;
  readonly yes?: boolean;
  readonly html?: string;
}

export const verb: Verb = (command, perform) => {
  withDrillScope(command)
    .addOption(windowOption())
    .addOption(new Option('--yes', 'do not ask; needed where nobody can be asked'))
    .addOption(new Option('--html <file>', 'also write the report as one page that needs nothing else'))
    .action(
      perform(async (context, options: Options): Promise<Answer> => {
        const scope = { ...scopeTyped(options), windowMs: options.window };
        const control = await context.control();
        if (options.yes !== true) {
          const preview = await control.previewDrill(scope);
          const answer = await context.ask([...previewLines(preview), 'Go on? [y/N] ']);
          if (answer === null)
            throw invalid(
              `A drill really stops ${preview.target}, and there is no terminal to ask on. Say that it may: --yes`,
            );
          if (!/^y(es)?$/i.test(answer.trim()))
            return { value: { started: false }, text: 'Nothing was stopped.', exitCode: EXIT.failed };
        }
        const signal = context.untilInterrupted({ waits: true });
        const onProgress = (line: string): void => context.reached(line);
        const drill = await control.drill({ ...scope, signal, onProgress });
        const written = options.html === undefined ? [] : [await writePage(options.html, drill)];
        return {
          value: drill,
          text: [...drillLines(drill, context), ...written],
          recorded: `The drill ${drill.id} is recorded as ${drill.state}: kill-switch drills show ${drill.id}`,
          exitCode: drill.state === 'passed' ? EXIT.done : signal.aborted ? EXIT.interrupted : EXIT.failed,
        };
      }),
    );
};
