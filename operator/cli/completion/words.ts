// How shells write words, as far as completing one takes it.

/** The word at the end of a command line. */
export interface LastWord {
  /** What it means, as far as it is typed. */
  readonly text: string;
  /** From where on in it bash puts something else in its place: it takes `:` and `=` for ends of words. */
  readonly from: number;
  /** The quote in which it ends; '' outside one. */
  readonly quote: '' | "'" | '"';
}

/** A command line up to the cursor: the words before the last one, and that one, which may be empty. */
export interface TypedLine {
  readonly words: readonly string[];
  readonly last: LastWord;
}

const NO_WORD: LastWord = { text: '', from: 0, quote: '' };

/** In double quotes a backslash stands for itself, but before these. */
const ESCAPED_IN_QUOTES = '$`"\\\n';

/**
 * Reads a command line as bash does.
 * @param breaks the characters that end a word for bash where they are typed without quotes: COMP_WORDBREAKS
 */
export function readLine(line: string, breaks: string): TypedLine {
  const words: string[] = [];
  const begun: { last: LastWord | null } = { last: null };
  let quote: LastWord['quote'] = '';
  const add = (text: string, isBreak = false): void => {
    const before = begun.last ?? NO_WORD;
    const whole = before.text + text;
    begun.last = { text: whole, from: isBreak ? whole.length : before.from, quote };
  };
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (begun.last) words.push(begun.last.text);
      begun.last = null;
    } else if (char === quote) {
      quote = '';
      add('');
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      add('', true);
    } else if (char === '\\' && quote !== "'" && at + 1 < line.length) {
      at += 1;
      const next = line.charAt(at);
      add(quote === '' || ESCAPED_IN_QUOTES.includes(next) ? next : `\\${next}`);
    } else add(char, quote === '' && breaks.includes(char));
  }
  return { words, last: begun.last ?? NO_WORD };
}

/** What bash puts in the place of the end of a word; null where it cannot be written there. */
export function forBash(value: string, { from, quote }: Pick<LastWord, 'from' | 'quote'>): string | null {
  const rest = value.slice(from);
  if (quote === "'") return rest.includes("'") ? null : rest;
  if (quote === '"') return rest.replace(/[$`"\\]/g, '\\$&');
  return rest.replace(/[^\p{L}\p{N}_@%+=:,./-]/gu, '\\$&');
}

/** A word that fish has not unquoted, because it is still typed. */
export const readWord = (typed: string): string => {
  const { words, last } = readLine(typed, '');
  return words.length === 0 ? last.text : typed;
};
