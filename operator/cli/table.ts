import { shownId } from '../../flags/index.ts';
import type { Line, Span, Style } from './text.ts';
import { cut, share, width } from './width.ts';

/** How a table is shown. `columns`: the width of the terminal; null: nothing is cut, as in a pipe. */
export interface Form {
  readonly columns: number | null;
  /** With further columns, and nothing is cut. */
  readonly wide: boolean;
}

/**
 * A cell of a table. A text is shown as an id is, `null` as `-`. `ready` is text that is fit to print; `brief` says the
 * same in fewer characters, where tables are cut.
 */
export type Cell =
  | string
  | number
  | null
  | { readonly ready: string; readonly brief?: string | undefined; readonly style?: Style | undefined };

export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => Cell;
  /** True: only in the wide form. */
  readonly wide?: true;
  /** True: never cut, because each character counts. */
  readonly fixed?: true;
  /** True: cut before any other column. */
  readonly gives?: true;
}

/** To how many columns of the terminal a column may be cut; and one that gives way, before others are. */
const [LEAST, GIVEN] = [8, 16];
/** How far a long cell widens its column where nothing is cut; what is longer pushes the rest of its row aside. */
const WIDEST = 40;

interface Shown {
  readonly text: string;
  readonly style: Style | undefined;
  /** An id, of which the end counts as well. */
  readonly isId: boolean;
}

/** The heading, and a line for each row. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], form: Form): Line[] {
  const whole = form.columns === null || form.wide;
  const shown = columns.filter((column) => form.wide || column.wide !== true);
  const cells: readonly (readonly Shown[])[] = [
    shown.map(({ heading }) => ({ text: heading, style: undefined, isId: false })),
    ...rows.map((row) => shown.map(({ cell }) => shownCell(cell(row), whole))),
  ];
  const widest = (at: number): number => cells.reduce((most, line) => Math.max(most, width(line[at]?.text ?? '')), 0);
  const natural = shown.map((_, at) => widest(at));
  if (form.columns === null || form.wide) {
    const widths = natural.map((each) => Math.min(each, WIDEST));
    return cells.map((line) => padded(line, widths));
  }
  const room = form.columns;
  const widths = widthsIn(room - GAP.length * (shown.length - 1), shown, natural);
  return cells.map((line) =>
    within(
      room,
      padded(
        line.map((each, at) => cutCell(each, widths[at] ?? 0)),
        widths,
      ),
    ),
  );
}

/** How wide columns are where a line has so much room for them. */
function widthsIn(
  room: number,
  columns: readonly Pick<Column<never>, 'fixed' | 'gives'>[],
  natural: readonly number[],
): number[] {
  const asked = columns.map(({ gives }, at) => Math.min(natural[at] ?? 0, gives ? GIVEN : Number.POSITIVE_INFINITY));
  if (asked.reduce((sum, each) => sum + each, 0) <= room) return share(room, natural, asked);
  const least = columns.map(({ fixed }, at) => Math.min(natural[at] ?? 0, fixed ? Number.POSITIVE_INFINITY : LEAST));
  return share(room, asked, least);
}

/** One row by itself, whole. */
export const rowText = <Row>(columns: readonly Column<Row>[], row: Row, form: Pick<Form, 'wide'>): string =>
  columns
    .filter((column) => form.wide || column.wide !== true)
    .map(({ cell }) => shownCell(cell(row), true).text)
    .join(GAP);

const GAP = '  ';

function shownCell(cell: Cell, whole: boolean): Shown {
  if (cell === null) return { text: '-', style: undefined, isId: false };
  if (typeof cell !== 'object') return { text: shownId(String(cell)), style: undefined, isId: true };
  return { text: whole ? cell.ready : (cell.brief ?? cell.ready), style: cell.style, isId: false };
}

const cutCell = (cell: Shown, columns: number): Shown => ({
  ...cell,
  text: cut(cell.text, Math.max(1, columns), cell.isId ? 'middle' : 'end'),
});

/** One line. Nothing stands behind its last cell. */
function padded(cells: readonly Shown[], widths: readonly number[]): Line {
  const parts = cells.flatMap(({ text, style }, at): (string | Span)[] => {
    const isLast = cells.slice(at + 1).every((later) => later.text === '');
    const gap = isLast ? '' : ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(text))) + GAP;
    return style === undefined ? [text + gap] : [{ text, style }, gap];
  });
  return parts.every((part) => typeof part === 'string') ? parts.join('') : parts;
}

/** A line in so many columns of a terminal: for one that is too narrow even for cut cells. Its text is fit to print. */
export function within(columns: number, line: Line): Line {
  if (typeof line === 'string') return cut(line, columns);
  let left = columns;
  return line.map((part) => {
    const text = left <= 0 ? '' : cut(typeof part === 'string' ? part : part.text, left);
    left -= width(text);
    return typeof part === 'string' ? text : { ...part, text };
  });
}
