import { escapeUnseen, printable, shownId } from '../../flags/index.ts';
import { width } from './width.ts';

/** A reason in quotes. */
export const quoted = (text: string): string => `"${printable(text)}"`;

/** JSON without invisible characters and without any that control a terminal: `JSON.stringify` escapes only C0. */
export const toJson = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? 'null').split('\n').map(escapeUnseen).join('\n');

/** A text as a program in JavaScript writes it. */
export function quotedText(text: string): string {
  const json = toJson(text);
  return /['"\\]/.test(json.slice(1, -1)) ? json : `'${text}'`;
}

/** A cell of a table. A text is shown as an id is; `{ ready }` is text that is fit to print already. */
export type Cell = string | number | null | { readonly ready: string };

const cellText = (cell: Cell): string =>
  cell === null ? '-' : typeof cell === 'object' ? cell.ready : shownId(String(cell));

const WIDEST = 40;

/** Columns under their headings. Nothing is cut: a long cell pushes the rest of its row aside. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(cellText))];
  const widths = headings.map((_, column) =>
    Math.min(
      WIDEST,
      cells.reduce((most, row) => Math.max(most, width(row[column] ?? '')), 0),
    ),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)))).join('  ');
  return cells.map((row) => line(row).trimEnd()).join('\n');
}

/** `1 executor`, `2 executors`. */
export const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

/** A time without its fractions of seconds. */
export const shortTime = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

/** Masks what may be credentials: everything before an `@` in a URL. */
export const withoutCredentials = (text: string): string =>
  text.replace(/\b([a-z][a-z0-9+.-]*:\/\/|rediss?:)\S*@/gi, '$1***@');
