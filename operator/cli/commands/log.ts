import type { LogEvent } from '../../../flags/index.ts';
import { afterOption } from '../arguments.ts';
import type { Answer, Verb } from '../command.ts';
import { eventLine } from '../event-line.ts';
import { followed } from '../followed.ts';

export const verb: Verb = (command, perform) => {
  command
    .addOption(afterOption())
    .option('--follow', 'go on with each new event, until Ctrl-C')
    .action(
      perform(async (context, { after, follow = false }: { after: number; follow?: boolean }) => {
        const control = await context.control();
        if (follow)
          return { lines: asLines(followed(context, control, { after, signal: context.untilInterrupted() })) };
        const events = control.log({ after });
        return context.json ? listed(events) : { lines: asLines(events) };
      }),
    );
};

async function* asLines(events: AsyncIterable<LogEvent>): AsyncGenerator<Pick<Answer, 'value' | 'text'>> {
  for await (const event of events) yield { value: event, text: eventLine(event) };
}

async function listed(events: AsyncIterable<LogEvent>): Promise<Answer> {
  const data: LogEvent[] = [];
  for await (const event of events) data.push(event);
  return { value: { data, count: data.length }, text: '' };
}
