import { type LogEvent, logEventSchema, readEvent } from '../../flags/index.ts';

/**
 * The members of an event of this version, in the order in which its line has them. Another version may write more,
 * which stand between these in the same order.
 */
const MEMBERS = Object.keys(logEventSchema.shape).sort();

/**
 * The character with which a writer spoils a cut line before it ends it. No event contains it, so even a line of which
 * only the end is missing is no event then.
 */
export const SPOILED = '\x18';

const isFiller = (character: string | undefined): boolean => character === '\0' || character === SPOILED;

/** True for a line that holds nothing else: a writer spoiled a cut line that another writer had ended meanwhile. */
export const isOnlySpoiled = (line: Uint8Array): boolean => line.length === 1 && line[0] === SPOILED.charCodeAt(0);

/**
 * Recognises a line that our own writers can have left, though it is no event: writes that were cut anywhere (a full
 * disk, a quota, `kill -9`, also in the middle of a character), with what the next writers appended to them, and the
 * zero bytes that a power failure leaves in the place of a write. Such a line never counted, so writers may pass over
 * it. Null for anything else: a whole event that was changed, other text, an event whose beginning is missing.
 * @returns the whole events that were appended to it: they do not count, nor do the lines that their writers put right
 * after them
 */
export function tornLine(line: Uint8Array): { readonly joined: readonly LogEvent[] } | null {
  // One character for each byte, so that a character may be cut anywhere.
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1');
  const joined: LogEvent[] = [];
  const starts = [0];
  const seen = new Set(starts);
  let torn = false;
  for (let start = starts.pop(); start !== undefined; start = starts.pop()) {
    const next = (at: number): void => {
      if (at === text.length) torn = true;
      else if (!seen.has(at)) starts.push(at);
      seen.add(at);
    };
    if (isFiller(text[start])) {
      let end = start + 1;
      while (isFiller(text[end])) end += 1;
      next(end);
      continue;
    }
    const { valid, end } = eventFrom(text, start);
    if (end !== null) {
      const event = wholeEvent(line.subarray(start, end));
      if (event) {
        joined.push(event);
        next(end);
      }
    } else if (valid === text.length) torn = true;
    for (let at = start + 1; at <= valid && at !== end; at += 1) {
      if (text[at] === '{' || isFiller(text[at])) next(at);
    }
  }
  return torn ? { joined } : null;
}

function wholeEvent(bytes: Uint8Array): LogEvent | null {
  try {
    return readEvent(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}

const TOKEN = /"(?:[^"\\\x00-\x1f]|\\.)*"|[{}[\],:]|[-+.\w]+/y;
const UNFINISHED = /"(?:[^"\\\x00-\x1f]|\\.)*\\?/y;

/**
 * Up to where the text from `start` on may be the beginning of an event (`valid`), and where that event ends, if it
 * does.
 */
function eventFrom(text: string, start: number): { readonly valid: number; readonly end: number | null } {
  const open: string[] = [];
  let members = 0;
  let lastKey = '';
  let last = '';
  for (let at = start; at < text.length; ) {
    TOKEN.lastIndex = at;
    UNFINISHED.lastIndex = at;
    const token = TOKEN.exec(text)?.[0] ?? UNFINISHED.exec(text)?.[0];
    if (token === undefined) return { valid: at, end: null };
    const inObject = open.at(-1) === '{';
    let kind = token[0] === '"' ? 'text' : /^[{}[\],:]$/.test(token) ? token : 'word';
    if (!mayFollow(last, kind, inObject)) return { valid: at, end: null };
    if (kind === 'text' && inObject && last !== ':') {
      kind = 'key';
      if (open.length === 1) {
        const member = `"${MEMBERS[members] ?? ''}"`;
        if (member.startsWith(token)) members += 1;
        else if (token <= lastKey || (members < MEMBERS.length && token > member)) {
          return { valid: at + alike(member, token), end: null };
        }
        lastKey = token;
      }
    }
    at += token.length;
    if (kind === '{' || kind === '[') open.push(kind);
    if (kind === '}' || kind === ']') open.pop();
    if (open.length === 0) return { valid: at, end: at };
    last = kind;
  }
  return { valid: text.length, end: null };
}

/** How many characters both begin with. */
function alike(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** Whether this token may come next in JSON without white space. */
function mayFollow(last: string, kind: string, inObject: boolean): boolean {
  const isValue = kind === 'text' || kind === 'word' || kind === '{' || kind === '[';
  switch (last) {
    case '':
      return kind === '{';
    case '{':
      return kind === 'text' || kind === '}';
    case '[':
      return isValue || kind === ']';
    case 'key':
      return kind === ':';
    case ':':
      return isValue;
    case ',':
      return inObject ? kind === 'text' : isValue;
    default:
      return kind === ',' || kind === (inObject ? '}' : ']');
  }
}
