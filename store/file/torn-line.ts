import { type LogEvent, logEventSchema, readEvent } from '../../flags/index.ts';

/** The members of an event, in the order in which its one text has them. */
const MEMBERS = Object.keys(logEventSchema.shape).sort();

/**
 * What a writer puts at the end of a line that was cut before it ends that line: no text of an event has it, so even
 * one that is whole but for its end is none.
 */
export const SPOILED = '\x18';

const isFiller = (character: string | undefined): boolean => character === '\0' || character === SPOILED;

/** True for a line that a writer spoiled where somebody else had just ended it: nothing was there. */
export const isOnlySpoiled = (line: Uint8Array): boolean => line.length === 1 && line[0] === SPOILED.charCodeAt(0);

/**
 * What of a line that is no event our own writers can have left: writes that were cut anywhere (a full disk, a quota,
 * `kill -9`, also in the middle of a character), with what the next writers joined to them, and the zero bytes that a
 * power failure leaves where something was to be written. Such a line never counted, so who writes may pass over it.
 * Null for anything else: a whole event that was changed, other text, an event cut at its beginning.
 * @returns the whole events that were joined to it: they do not count, nor does what their writer wrote behind them
 */
export function tornLine(line: Uint8Array): { readonly joined: readonly LogEvent[] } | null {
  // One character a byte: where a character was cut makes no difference then.
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

/** How far the text is what an event begins with, and where that event ends, when it does. */
function eventFrom(text: string, start: number): { readonly valid: number; readonly end: number | null } {
  const open: string[] = [];
  let members = 0;
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
      // The keys of the event itself are known, and so is their order.
      const member = open.length === 1 ? `"${MEMBERS[members++]}"` : token;
      if (!member.startsWith(token)) return { valid: at + alike(member, token), end: null };
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

/** Whether JSON without white space goes on like this. */
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
