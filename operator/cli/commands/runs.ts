import { shownId } from '../../../flags/index.ts';
import type { Verb } from '../command.ts';
import { IdArgument } from '../arguments.ts';
import { type ListOptions, withListOptions } from '../list-options.ts';
import { type Listing, listAnswer } from '../listing.ts';
import { count } from '../output.ts';
import type { RunRow } from '../../run-rows.ts';
import { canBeUndone, type RunAnswer, type RunEntry } from '../../runs.ts';
import { runIn } from '../run-words.ts';
import { entryColumns, runColumns } from '../run-tables.ts';

const runs: Listing<RunRow> = {
  noun: 'run',
  order: ', those that are open and have journaled nothing first, then the one that began last',
  none: 'No run is open, and none has journaled anything: only actions with reverse, irreversible or journal: true are.',
  filters: {},
  list: async (context, { skip, limit }) => (await context.control()).runs({ skip, limit }),
  columns: () => runColumns(),
};

const entriesOf = (typed: string, keep: (answer: RunAnswer) => void): Listing<RunEntry> => ({
  noun: 'entry',
  none: '',
  filters: {},
  async list(context, { skip, limit }) {
    const answer = await (await context.control()).run(runIn(typed), { skip, limit });
    keep(answer);
    const { entries, count: total } = answer;
    const run = answer.run_id === null ? 'outside any run' : `in the run ${shownId(answer.run_id)}`;
    const undone = entries.filter(canBeUndone).length;
    const unknown = entries.filter(({ state, reversal }) => state === 'unknown' && !reversal).length;
    const unclear = entries.filter(({ state, reversal }) => state === 'unknown' && reversal).length;
    const shown = entries.length === total ? '' : ' of those shown';
    return {
      data: entries,
      count: total,
      title: `${total} ${total === 1 ? 'entry' : 'entries'} ${run}, oldest first; ${undone}${shown} can still be undone`,
      below: [
        ...(unknown === 0
          ? []
          : [
              `${count(unknown, 'unknown one')}${shown}: look whether it has landed, then: ${context.advice(`kill-switch runs resolve ${shownId(runIn(typed) ?? '')} KEY --landed --reason "…"`)} (or --not-landed)`,
            ]),
        ...(unclear === 0
          ? []
          : [
              `Of ${count(unclear, 'unknown one')}${shown} nobody knows whether it is undone: kill-switch rollback says under which key, and how to say so.`,
            ]),
      ],
    };
  },
  columns: () => entryColumns(),
});

export const verb: Verb = (command, perform) => {
  command.addArgument(new IdArgument('[run]', 'the id of a run: shows what it has done, and what can be undone'));
  withListOptions(command, {}).action(
    perform(async (context, typed: string | undefined, options: ListOptions) => {
      if (typed === undefined) return listAnswer(runs, context, options);
      let found: RunAnswer | undefined;
      const answer = await listAnswer(
        entriesOf(typed, (each) => {
          found = each;
        }),
        context,
        options,
      );
      return { ...answer, value: found };
    }),
  );
};
