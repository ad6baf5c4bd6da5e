import { escapeUnseen, printable } from '../../flags/index.ts';

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

/** `1 executor`, `2 executors`. */
export const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

/** A time without its fractions of seconds. */
export const shortTime = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

/** Masks what may be credentials: everything before an `@` in a URL. */
export const withoutCredentials = (text: string): string =>
  text.replace(/\b([a-z][a-z0-9+.-]*:\/\/|rediss?:)\S*@/gi, '$1***@');
