import type { Option } from 'commander';
import type { ListAnswer } from '../lists.ts';
import type { Answer, Context, Lines, Verb } from './command.ts';
import { type FilterHelp, typedFilters, type ListOptions, SCREEN_ROWS, withListOptions } from './list-options.ts';
import { count } from './output.ts';
import { type Column, type Form, tableLines } from './table.ts';

/** What a list is asked for: a part of it, and its filters. */
export type AskedList = Pick<ListOptions, 'skip'> & { readonly limit?: number } & ReturnType<typeof typedFilters>;

/** A list, and what is to be said of it beside. */
export interface Listed<Row> extends ListAnswer<Row> {
  /** Lines under the table. */
  readonly below?: readonly string[] | undefined;
  /** Further members of the value in JSON. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
  /** What the title says, where `count` and `noun` do not say all. */
  readonly title?: string | undefined;
}

/** A verb that lists. To add one, say what it lists, from where, by which filters, in which columns. */
export interface Listing<Row> {
  /** One row of it, as `1 active kill` says it. */
  readonly noun: string;
  /** What the title says after how many there are: `, newest first`. */
  readonly order?: string;
  /** What is said where there is none at all. */
  readonly none: string;
  readonly filters: FilterHelp;
  readonly list: (context: Context, asked: AskedList) => Promise<Listed<Row>>;
  readonly columns: (rows: readonly Row[], context: Context) => readonly Column<Row>[];
  /** A further option, and what is done in place of listing where it is given. */
  readonly instead?: {
    readonly option: Option;
    readonly run: (context: Context, options: ListOptions) => Promise<Lines>;
  };
}

export const listing =
  <Row>(listed: Listing<Row>): Verb =>
  (command, perform) => {
    withListOptions(command, listed.filters);
    if (listed.instead) command.addOption(listed.instead.option);
    command.action(
      perform(async (context, options: ListOptions & Readonly<Record<string, unknown>>): Promise<Answer | Lines> => {
        const { instead } = listed;
        if (instead && options[instead.option.attributeName()] === true) return instead.run(context, options);
        return listAnswer(listed, context, options);
      }),
    );
  };

/** How tables are shown here. */
export const formOf = ({ screen }: Pick<Context, 'screen'>, { output }: Pick<ListOptions, 'output'>): Form => ({
  columns: screen?.columns ?? null,
  wide: output === 'wide',
});

/** A list is whole, but on a terminal, and where somebody says how many rows they want. */
const limitOf = ({ json, screen }: Pick<Context, 'json' | 'screen'>, { limit }: Pick<ListOptions, 'limit'>) =>
  limit ?? (json || screen === null ? undefined : SCREEN_ROWS);

/** The answer of a verb that lists. */
export async function listAnswer<Row>(listed: Listing<Row>, context: Context, options: ListOptions): Promise<Answer> {
  const { skip } = options;
  const limit = limitOf(context, options);
  const filters = typedFilters(options);
  const found = await listed.list(context, { skip, ...(limit !== undefined && { limit }), ...filters });
  const { data, count: total, below = [], more = {} } = found;
  const rest = total - skip - data.length;
  const title = found.title ?? `${count(total, listed.noun)}${listed.order ?? ''}`;
  const none = Object.keys(filters).length > 0 ? `No ${listed.noun} matches.` : listed.none;
  return {
    value: { data, count: total, ...more },
    text: data.length === 0 ? [] : tableLines(listed.columns(data, context), data, formOf(context, options)),
    remarks: {
      before: [total === 0 ? none : data.length === 0 ? onlyLine(total, listed.noun) : `${title}:`],
      after: [
        ...below,
        ...(rest > 0
          ? [`… and ${rest} more: --skip ${skip + data.length} for the next ones, ${forAll(context, options, 'limit')}`]
          : []),
      ],
    },
  };
}

/** What is said where `--skip` leaves out all of them. */
export const onlyLine = (total: number, noun: string): string =>
  `There ${total === 1 ? 'is' : 'are'} only ${count(total, noun)}.`;

/** How all rows are seen: where stdout is no terminal lists are whole, but where it was typed how many are wanted. */
export function forAll(
  { screen }: Pick<Context, 'screen'>,
  options: { readonly limit?: number; readonly tail?: number },
  bound: 'limit' | 'tail',
): string {
  if (options[bound] === undefined) return '| less for all';
  return screen === null ? `leave out --${bound} for all` : `| less without --${bound} for all`;
}
