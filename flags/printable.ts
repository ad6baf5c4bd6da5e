import { UNSEEN } from './unseen.ts';

// A character with the marks, or the parts of a Korean syllable, that follow it. Two spellings can look the same only
// within one of these.
const COMPOSED = /.[\p{M}\u1160-\u11ff]+|[^\p{ASCII}]/gsu;
const NOT_ASCII = /[^\p{ASCII}]/gu;

/** A character as JSON, and as JavaScript, writes it. */
const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/**
 * The text with every character escaped that cannot be seen, or that is not in Unicode's composed form (NFC), because
 * another spelling looks the same. Letters of two alphabets that look alike stay as they are: no rule finds them, only
 * tables and typefaces.
 */
export const escapeUnseen = (text: string): string =>
  text
    .replace(UNSEEN, escaped)
    .replace(COMPOSED, (part) => (part.normalize('NFC') === part ? part : part.replace(NOT_ASCII, escaped)));

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text from the store or the command line, fit for one line of a terminal. Applying it twice changes nothing more. */
export const printable = (text: string): string =>
  escapeUnseen(text.replace(/[\n\r\t]/g, (character) => NAMED[character] ?? ''));

/** JSON has no NaN, no Infinity and no bigint. */
const isNumeric = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

/** The value as JSON; only its type where it has none (a circle, a getter that throws). */
function asJson(value: unknown): string {
  try {
    return isNumeric(value) ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return `(${typeof value})`;
  }
}

/** In quotes, with a mark at the beginning escaped: it would combine with the quote before it. */
const quote = (value: unknown): string =>
  escapeUnseen(
    asJson(value).replace(/^("(?:[a-z]+:)?)(\p{M}+)/u, (_, start: string, marks: string) => start + escaped(marks)),
  );

/** A short, printable form of an id for messages, in quotes. */
export const quoteId = (id: unknown): string => {
  const text = quote(id);
  return text.length > 80 ? `${text.slice(0, 76)}…"` : text;
};

/** An id or a name for people: as it is; in quotes and escaped where it could be taken for another. */
export const shownId = (id: string): string =>
  oddity(id) !== null || id === '' || id.startsWith('"') ? quote(id) : id;

/** Why a reader could take this id, or the id of this target, for another; null when nobody could. */
export function oddity(id: string): string | null {
  if (/^(?:[a-z]+:)?\s|\s$/u.test(id)) return 'has white space at an end';
  if (id.search(UNSEEN) >= 0) return 'has characters that cannot be seen, or that look like a space';
  if (/^(?:[a-z]+:)?\p{M}/u.test(id)) return 'begins with a mark that belongs to the character before it';
  return escapeUnseen(id) === id ? null : 'is not spelt in the usual composed form of Unicode (NFC)';
}

/** A word, quoted where a shell needs it. */
export const shellWord = (word: string): string => {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const ascii = escapeUnseen(word);
  return ascii === word
    ? `'${word.replaceAll("'", `'\\''`)}'`
    : `$'${escapeUnseen(word.replace(/[\\']/g, '\\$&')).replace(/\\ud[89ab]..\\ud[c-f]../g, wideEscape)}'`;
};

/** A surrogate pair as shells write it: one escape for both halves. */
const wideEscape = (pair: string): string =>
  `\\U${(JSON.parse(`"${pair}"`).codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`;
