import type { LogEvent } from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';
import { afterOption, tailOption } from '../arguments.ts';
import type { Answer, Context, Item, Lines, Verb } from '../command.ts';
import { eventColumns, eventLine } from '../event-line.ts';
import { followed } from '../followed.ts';
import { type TypedFilters, typedFilters, type ListOptions, SCREEN_ROWS, withListOptions } from '../list-options.ts';
import { forAll, formOf, onlyLine } from '../listing.ts';
import { count } from '../output.ts';
import { tableLines } from '../table.ts';

interface LogOptions extends ListOptions {
  readonly after: number;
  readonly tail?: number;
  readonly follow?: boolean;
}

/** A part of the log: its first changes after some that are left out, or its last ones. */
type Part = { readonly skip: number; readonly limit: number } | { readonly tail: number };

const FILTERS = {
  target:
    'only changes of this target: its kills, rules, stops, stages, budgets and rollbacks, decisions on what it asked; all: also the base mode',
  agent: 'only changes of this agent, and decisions on what it asked',
  action: 'only changes of this action, of patterns that match it, or of what this pattern matches',
  actor: 'only changes by this operator',
  type: 'only events of this type, such as kill, revive or mode',
  since: 'only changes from then on: a time (RFC 3339), or how long ago, such as 2h',
};

export const verb: Verb = (command, perform) => {
  withListOptions(command, FILTERS)
    .addOption(afterOption())
    .addOption(tailOption())
    .option('--follow', 'go on with each new change, until Ctrl-C')
    .action(
      perform(async (context, options: LogOptions): Promise<Answer | Lines> => {
        const control = await context.control();
        const asked = { after: options.after, ...typedFilters(options) };
        if (options.after === 0) await noteArchived(context, control);
        const part = partOf(options);
        if (options.follow) return { lines: lines(followedPart(context, control, asked, part), options) };
        if (!context.json && context.screen === null) return { lines: lines(partly(control, asked, part), options) };
        return listed({ context, control, asked }, options);
      }),
    );
};

/** What is missing of a list that begins at the start. */
async function noteArchived(context: Context, control: ControlPlane): Promise<void> {
  const begins = await control.archived();
  if (begins)
    context.note(
      `The events before epoch ${begins.epoch} are archived: they are in the file that log archive has written, and not in this list.`,
    );
}

const partOf = ({ skip, limit = Number.POSITIVE_INFINITY, tail }: LogOptions): Part =>
  tail === undefined ? { skip, limit } : { tail };

type Asked = { readonly after: number } & TypedFilters;

/** What there is of that part, and then each new change. */
async function* followedPart(
  context: Context,
  control: ControlPlane,
  { after, ...filters }: Asked,
  part: Part,
): AsyncGenerator<LogEvent> {
  const signal = context.untilInterrupted();
  if (!('tail' in part)) {
    yield* behind(followed(context, control, { after, ...filters, signal }), part);
    return;
  }
  const { epoch } = await control.head();
  for await (const event of partly(control, { after, ...filters }, part)) if (event.seq <= epoch) yield event;
  yield* followed(context, control, { after: Math.max(after, epoch), ...filters, signal });
}

async function* partly(control: ControlPlane, asked: Asked, part: Part): AsyncGenerator<LogEvent> {
  if ('tail' in part) yield* (await collected(control, asked, part)).data;
  else yield* behind(control.log(asked), part);
}

/** The events after those that are left out. */
async function* behind(
  events: AsyncIterable<LogEvent>,
  part: Exclude<Part, { tail: number }>,
): AsyncGenerator<LogEvent> {
  let at = 0;
  for await (const event of events) {
    at += 1;
    if (at > part.skip) yield event;
    if (at >= part.skip + part.limit) return;
  }
}

/** The events of a part, and how many there are. */
async function collected(
  control: ControlPlane,
  asked: Asked,
  part: Part,
): Promise<{ readonly data: readonly LogEvent[]; readonly count: number }> {
  const most = 'tail' in part ? part.tail : part.skip + part.limit;
  let kept: LogEvent[] = [];
  const from = asked.after === 0 ? ((await control.archived())?.epoch ?? 1) - 1 : asked.after;
  const after = await beginning(control, { ...asked, after: from }, part);
  let total = after - from;
  for await (const event of control.log({ ...asked, after })) {
    total += 1;
    if ('tail' in part || total <= most) kept.push(event);
    if (kept.length >= 2 * most + 1000) kept = lastOf(kept, most);
  }
  return { data: 'tail' in part ? lastOf(kept, most) : kept.slice(part.skip), count: total };
}

/**
 * After which event reading begins: where the last changes of all are asked for, those before them are counted by their
 * numbers, and not read. A recovery may have skipped numbers.
 */
async function beginning(control: ControlPlane, { after, ...filters }: Asked, part: Part): Promise<number> {
  if (!('tail' in part) || Object.keys(filters).length > 0) return after;
  const head = await control.head().catch(() => null); // reading the log says what is wrong
  return head === null || head.recovered ? after : Math.max(after, head.epoch - part.tail);
}

const lastOf = <T>(items: readonly T[], most: number): T[] => items.slice(Math.max(0, items.length - most));

async function* lines(events: AsyncIterable<LogEvent>, { output }: LogOptions): AsyncGenerator<Item> {
  for await (const event of events) yield { value: event, text: eventLine(event, output) };
}

interface Listing {
  readonly context: Context;
  readonly control: ControlPlane;
  readonly asked: Asked;
}

async function listed({ context, control, asked }: Listing, options: LogOptions): Promise<Answer> {
  // Whoever looks at a screen wants the newest, which are the last.
  const isPlain = options.limit === undefined && options.skip === 0 && options.after === 0;
  const onScreen: Part = isPlain ? { tail: SCREEN_ROWS } : { skip: options.skip, limit: options.limit ?? SCREEN_ROWS };
  const part = context.json || options.tail !== undefined ? partOf(options) : onScreen;
  const { data, count: total } = await collected(control, asked, part);
  const left = total - data.length;
  const isTail = 'tail' in part;
  const rest = isTail ? left : left - part.skip;
  return {
    value: { data, count: total },
    text: data.length === 0 ? [] : tableLines(eventColumns(), data, formOf(context, options)),
    remarks: {
      before: [
        titleOf(total, data.length, part),
        ...(isTail && rest > 0 && data.length > 0
          ? [`… ${rest} before these: --tail ${2 * data.length} for more, ${forAll(context, options, 'tail')}`]
          : []),
      ],
      after:
        !isTail && rest > 0
          ? [`… and ${rest} more: --after ${data.at(-1)?.seq} for the next ones, ${forAll(context, options, 'limit')}`]
          : [],
    },
  };
}

function titleOf(total: number, shown: number, part: Part): string {
  if (total === 0) return 'No change matches.';
  if (shown > 0) return `${count(total, 'change')}, oldest first:`;
  return 'tail' in part ? `${count(total, 'change')}; --tail 0 shows none.` : onlyLine(total, 'change');
}
