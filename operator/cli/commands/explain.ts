import { describeCause, type MetRestriction, shownId } from '../../../flags/index.ts';
import { outputOption, type ListOptions } from '../list-options.ts';
import { formOf } from '../listing.ts';
import { quoted } from '../output.ts';
import type { Verb } from '../command.ts';
import { noteWhoIsMissing, type QuestionOptions, questionOf, withQuestion } from '../question.ts';
import { modeCell } from '../standing-out.ts';
import { type Column, tableLines } from '../table.ts';

const COLUMNS: readonly Column<MetRestriction>[] = [
  { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
  { heading: 'TARGET', cell: ({ target }) => target },
  {
    heading: 'CAUSE',
    cell: ({ cause }) => ({ ready: describeCause(cause, { id: shownId, words: quoted }) }),
    gives: true,
  },
];

export const verb: Verb = (command, perform) => {
  withQuestion(command)
    .addOption(outputOption())
    .action(
      perform(async (context, options: QuestionOptions & Pick<ListOptions, 'output'>) => {
        const value = await (await context.control()).explain(questionOf(options));
        noteWhoIsMissing(context, options);
        const { decision, restrictions } = value;
        const table =
          restrictions.length === 0
            ? ['Nothing restricts it.']
            : tableLines(COLUMNS, restrictions, formOf(context, options));
        return { value, text: [decision.message, '', ...table] };
      }),
    );
};
