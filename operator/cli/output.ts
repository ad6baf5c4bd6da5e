const hex = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

// C0, DEL, C1, line and paragraph separators, marks that turn the direction of writing, and halves of surrogate pairs: they forge what a terminal shows.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text from the store or the command line, fit for one line of a terminal. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => NAMED[character] ?? hex(character));

/** The same in quotes, as reasons are shown. */
export const quoted = (text: string): string => `"${printable(text)}"`;

/** JSON that is safe in a terminal: `JSON.stringify` leaves everything above C0 as it is. */
export const toJson = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? 'null').replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : hex(character),
  );

const WIDEST = 40;
const width = (cell: string): number => [...cell].length;

/** Columns under their headings; a long cell pushes the rest of its row aside, so that nothing has to be cut. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map((cell) => printable(String(cell ?? '-'))))];
  const widths = headings.map((_, column) =>
    Math.min(WIDEST, Math.max(...cells.map((row) => width(row[column] ?? '')))),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)))).join('  ');
  return cells.map((row) => line(row).trimEnd()).join('\n');
}

/** `1 executor`, `2 executors`. */
export const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

/** A time without its fractions of seconds. */
export const shortTime = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

/** The text without what may be a credential: anything before an `@` in a URL. */
export const withoutCredentials = (text: string): string =>
  text.replace(/\b([a-z][a-z0-9+.-]*:\/\/|rediss?:)\S*@/gi, '$1***@');
