import { ANY_VALUE, isSecret, REDACTED } from './secret-keys.ts';
import { FIELD_MEMBERS, NAME_MEMBERS, VALUE_MEMBERS } from './secret-members.ts';

const SAID = [...NAME_MEMBERS, 'type', ...FIELD_MEMBERS].join('|');
const HELD = VALUE_MEMBERS.join('|');

const QUOTES = `["'\\\\]{0,6}`;
const OPEN = `\\\\{0,3}["']`;
const NAME_MEMBER = new RegExp(
  `(?<![\\w-])(?:${SAID})${QUOTES}[ \\t]{0,3}[:=]\\s{0,4}${OPEN}([^"'\\\\\\n]{1,120})`,
  'gi',
);
const VALUE_MEMBER = new RegExp(`(?<![\\w-])(?:${HELD})${QUOTES}[ \\t]{0,3}[:=]\\s{0,4}(?=${OPEN})`, 'i');

/** How far from a name its value is looked for, in characters. */
const NEAR = 300;

/** Each matches a name, and ends right before the value. */
const BEFORE_QUOTED: readonly RegExp[] = [
  /["'`]([^"'`\n]{1,120})["'`]\s{0,8},\s{0,8}(?=["'`])/g, // fill('#password', '…'), ["Authorization", "…"]
  /(?<![\w-])([\w-]{1,80})[ \t]{1,4}(?=["'`])/g, // PASSWORD '…'
  /\bidentified\s{1,8}(by)\s{1,8}(?=["'`])/gi,
];
const BEFORE_TEXT: readonly RegExp[] = [
  // <entry key="password">…
  /<[^<>]{0,200}[\s:](?:name|key|id)\s{0,3}=\s{0,3}["']([^"'<>]{1,120})["'][^<>]{0,200}>(?=[^<])/gi,
  />\s{0,20}([\w.-]{1,80})\s{0,20}<\/[\w:.-]{1,40}>\s{0,40}<[\w:.-]{1,40}>(?=[^<])/g, // <key>password</key><string>…
];
/** A part of a form: its name, the rest of its head, an empty line. */
const PART = /\bname="([^"\r\n]{1,120})"[^\r\n]{0,200}(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n/g;
/** A key of YAML whose value stands on the lines below it. */
const BLOCK =
  /(?:^|\n)[ \t]{0,80}(?:- )?["']?([\w.-]{1,80})["']?:[ \t]{0,4}(?:[|>][+\d-]{0,2})?[ \t]{0,4}\r?\n(?=([ \t]{1,80})\S)/g;
/** Words of `.netrc`, on one line or on a line of their own. */
const NETRC =
  /(?:\b(?:login|user|machine)\s{1,8}\S{1,256}\s{1,8}|(?:^|\n)[ \t]{0,20})(password|passwd)[ \t]{1,8}(?=\S+\s*(?:\n|$|machine\b|account\b))/gi;
/** Parameters of an address that are often secrets. */
const QUERY = /([?&](?:key|code|ticket|assertion)=)[^&#\s"'<>]{8,}/gi;

/** True when this name makes a value beside it a secret. `IDENTIFIED BY '…'` of SQL names one, too. */
const namesSecret = (name: string, value: string): boolean =>
  /^by$/i.test(name) ? value !== REDACTED && value !== '' : isSecret(name, value);

/** Begin and end of the quoted text at `from`. It ends with the quote that opened it, escaped in the same way. */
function quotedAt(text: string, from: number): readonly [number, number] {
  let open = from;
  while (text[open] === '\\') open += 1;
  const close = text.slice(from, open + 1);
  let end = text.indexOf(close, open + 1);
  while (end > 0 && text[end - 1] === '\\' && close.length === 1) end = text.indexOf(close, end + 1);
  return [open + 1, end === -1 ? text.length : end];
}

function textAt(text: string, from: number): readonly [number, number] {
  const end = text.indexOf('<', from);
  return [from, end === -1 ? text.length : end];
}

/** The content of a part of a form, up to the line that ends it. */
function partAt(text: string, from: number): readonly [number, number] {
  const end = text.indexOf('\n--', from);
  if (end === -1) return [from, text.length];
  return [from, text[end - 1] === '\r' ? end - 1 : end];
}

/** The lines that are indented as far as the first one. */
function blockAt(text: string, from: number, indent: string): readonly [number, number] {
  let end = from;
  for (let start = from; start < text.length && text.startsWith(indent, start); ) {
    const line = text.indexOf('\n', start);
    end = line === -1 ? text.length : line;
    start = end + 1;
  }
  return [from + indent.length, end];
}

function wordAt(text: string, from: number): readonly [number, number] {
  let end = from;
  while (end < text.length && !/\s/.test(text[end] ?? '')) end += 1;
  return [from, end];
}

/** Replaces the value behind each match whose name makes it a secret. Each value is looked at once. */
function redactBehind(
  text: string,
  pattern: RegExp,
  valueAt: (text: string, from: number, indent: string) => readonly [number, number],
): string {
  let [clean, done] = ['', 0];
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const [all, name = '', indent = ''] = found;
    if (!namesSecret(name, ANY_VALUE)) continue;
    const [begin, end] = valueAt(text, found.index + all.length, indent);
    if (!namesSecret(name, text.slice(begin, end))) continue;
    clean += text.slice(done, begin) + REDACTED;
    done = end;
    pattern.lastIndex = end;
  }
  return clean + text.slice(done);
}

/**
 * The value beside a name in the same object or tag, on either side: `"name":"Authorization","value":"…"`,
 * `value='…' key='password'`.
 */
function redactBeside(text: string): string {
  let [clean, done] = ['', 0];
  NAME_MEMBER.lastIndex = 0;
  for (let found = NAME_MEMBER.exec(text); found; found = NAME_MEMBER.exec(text)) {
    const [all, name = ''] = found;
    if (!isSecret(name, ANY_VALUE)) continue;
    const from = found.index + all.length;
    const place = valueBehind(text, from) ?? valueBefore(text, Math.max(done, found.index - NEAR), found.index);
    if (!place || !isSecret(name, text.slice(...place))) continue;
    clean += text.slice(done, place[0]) + REDACTED;
    done = place[1];
    NAME_MEMBER.lastIndex = Math.max(from, done);
  }
  return clean + text.slice(done);
}

function valueBehind(text: string, from: number): readonly [number, number] | null {
  const near = text.slice(from, from + NEAR);
  const end = near.search(/[{}<>]/);
  const found = VALUE_MEMBER.exec(end === -1 ? near : near.slice(0, end));
  return found && quotedAt(text, from + found.index + found[0].length);
}

function valueBefore(text: string, from: number, to: number): readonly [number, number] | null {
  const near = text.slice(from, to);
  const begin = Math.max(...['{', '}', '<', '>'].map((bracket) => near.lastIndexOf(bracket))) + 1;
  const found = VALUE_MEMBER.exec(near.slice(begin));
  if (!found) return null;
  const place = quotedAt(text, from + begin + found.index + found[0].length);
  return place[1] <= to ? place : null;
}

/**
 * The text without the values that a name beside them makes secrets: in JSON (also cut, or among words), XML, forms,
 * YAML, SQL, `.netrc` and addresses.
 */
export function redactNeighbours(text: string): string {
  let clean = redactBeside(text);
  for (const pattern of BEFORE_QUOTED) clean = redactBehind(clean, pattern, quotedAt);
  for (const pattern of BEFORE_TEXT) clean = redactBehind(clean, pattern, textAt);
  clean = redactBehind(clean, PART, partAt);
  clean = redactBehind(clean, BLOCK, blockAt);
  clean = redactBehind(clean, NETRC, wordAt);
  return clean.replace(QUERY, (_, start: string) => start + REDACTED);
}
