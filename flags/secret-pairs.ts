import { ANY_VALUE, endsInSecretPhrase, isSecret, REDACTED } from './secret-keys.ts';

/**
 * A separator, with a look-behind for the name before it: `name:`, `"name" :`, `\"name\":`, `name=`, `name =>`, `the
 * api key:`.
 */
const SEPARATOR = /[:=](?<=(?:([\w.-]{1,40}) )?([\w.-]{1,80})[\\"'`]{0,6}[ \t]{0,3}[:=])[:=>]{0,2}[ \t]{0,4}/g;
/** An option with its value behind a space, and an element of XML. */
const OPTION = /(?<![^\s"'])--?([A-Za-z][\w-]{1,60})[ \t]+(?!-)/g;
const ELEMENT = /<([\w:.-]{1,80})(?: [^<>]{0,200})?>(?!<)/g;
/** In a sentence: `the password is …`. */
const SENTENCE = /\b(password|passcode|passphrase|pin|otp|secret|code) (?:is|was)[ \t:]{1,4}/gi;

/**
 * The value that begins here. A quoted value ends with its quote; any other with the word, or, for names whose values
 * have several words, with the line.
 */
const QUOTED = /(\\{0,3})(["'`])/y;
const WORD = /(?:(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?[^\s&;"'`<>]+/iy;
const LINE = /[^\n\r"'<>]+/y;
const TEXT = /[^<]+/y;
/** Names whose values have several words. */
const LONG = /authori[sz]ation|cookie|mnemonic|phrase|seed/i;

const at = (pattern: RegExp, text: string, index: number): RegExpExecArray | null => {
  pattern.lastIndex = index;
  return pattern.exec(text);
};

/** The end of the quoted text whose content begins at `from`; the end of the whole text where no quote closes it. */
function endOfQuoted(text: string, from: number, escapes: string, quote: string): number {
  const close = escapes + quote;
  for (let index = text.indexOf(close, from); index >= 0; index = text.indexOf(close, index + 1)) {
    let backslashes = 0;
    while (text[index - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return index;
  }
  return text.length;
}

/** The end of the object or list that begins at `from`. */
function endOfNested(text: string, from: number): number {
  let depth = 0;
  for (let index = from; index < text.length; index += 1) {
    const character = text[index];
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return text.length;
}

/** Begin and end of the value at `from`, without its quotes. */
function valueAt(text: string, from: number, name: string, xml: boolean): readonly [number, number] {
  if (xml) return [from, from + (at(TEXT, text, from)?.[0].length ?? 0)];
  const quoted = at(QUOTED, text, from);
  if (quoted) {
    const [open, escapes = '', quote = ''] = quoted;
    return [from + open.length, endOfQuoted(text, from + open.length, escapes, quote)];
  }
  if (text[from] === '{' || text[from] === '[') return [from, endOfNested(text, from)];
  const [found = ''] = at(LONG.test(name) ? LINE : WORD, text, from) ?? [];
  return [from, from + found.replace(/[)}\],.]{1,4}$/, '').length];
}

/** The text with every value replaced that a name before it makes a secret. Each part of the text is looked at once. */
function redactAfter(text: string, pattern: RegExp): string {
  let [clean, done] = ['', 0];
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const from = found.index + found[0].length;
    const name = found[2] ?? found[1] ?? '';
    const named = (value: string): boolean =>
      pattern === SENTENCE ? isTold(name, value) : isSecret(name, value) || isSecretPhrase(found[1], found[2], value);
    if (from >= text.length || !named(ANY_VALUE)) continue; // its end is looked for only where it matters
    const [begin, end] = valueAt(text, from, name, pattern === ELEMENT);
    if (!named(text.slice(begin, end))) continue;
    clean += text.slice(done, begin) + REDACTED;
    done = end;
    pattern.lastIndex = end;
  }
  return clean + text.slice(done);
}

const isSecretPhrase = (before: string | undefined, last: string | undefined, value: string): boolean =>
  before !== undefined &&
  last !== undefined &&
  value !== REDACTED &&
  value !== '' &&
  endsInSecretPhrase(`${before} ${last}`);

/** `the password is hunter2`, but not `the password is wrong`; `the code is 123456`, but not `the code is broken`. */
const isTold = (name: string, value: string): boolean =>
  value !== REDACTED &&
  (/^code$/i.test(name)
    ? value === ANY_VALUE || /^\d{4,10}$/.test(value)
    : !/^(?:$|n[o']|too$|being$|required|missing|wrong|in|un|expired|empty|the|a$|set|short|long|weak)/i.test(value));

/**
 * The text without the values that a name before them makes secrets: `password=…`, `"apiKey": "…"`, `?api_key=…`,
 * `--token …`, `Cookie: …`, `<pin>…`.
 */
export const redactPairs = (text: string): string =>
  [SEPARATOR, OPTION, ELEMENT, SENTENCE].reduce((clean, pattern) => redactAfter(clean, pattern), text);
