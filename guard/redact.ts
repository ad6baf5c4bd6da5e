/** Keys whose values are never recorded, at any depth: the name, or a part of it, in any spelling. */
const SECRET_KEY =
  /passw(or)?d|passphrase|secret|token|authori[sz]ation|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|card|cvv|cvc|iban|ssn|bearer|^pin$/i;

const REDACTED = '[redacted]';
const MAX_DEPTH = 12;
const MAX_ITEMS = 100;
const MAX_TEXT = 2000;

/** The longest recorded input, in characters of JSON. */
export const MAX_INPUT_LENGTH = 8192;

/** A copy for the record: no secrets by key name, no functions or cycles, bounded in depth, width and length. It never throws. */
export function redact(value: unknown): unknown {
  const seen = new Set<unknown>();
  const copy = (item: unknown, depth: number): unknown => {
    if (typeof item === 'string') return item.length > MAX_TEXT ? `${item.slice(0, MAX_TEXT)}…` : item.toWellFormed();
    if (typeof item === 'bigint') return item.toString();
    if (typeof item === 'number') return Number.isFinite(item) ? item : String(item);
    if (item === null || typeof item === 'boolean') return item;
    if (typeof item !== 'object') return undefined;
    if (seen.has(item)) return '[cycle]';
    if (depth >= MAX_DEPTH) return '[too deep]';
    seen.add(item);
    try {
      if (item instanceof Date) return Number.isNaN(item.getTime()) ? 'Invalid Date' : item.toISOString();
      if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) return `[${item.byteLength} bytes]`;
      if (item instanceof Map) return copy(Object.fromEntries(item), depth + 1);
      if (item instanceof Set || Array.isArray(item)) {
        return [...item].slice(0, MAX_ITEMS).map((inner) => copy(inner, depth + 1) ?? null);
      }
      const entries = Object.entries(item).slice(0, MAX_ITEMS);
      return Object.fromEntries(
        entries.map(([key, inner]) => [key, SECRET_KEY.test(key) ? REDACTED : copy(inner, depth + 1)]),
      );
    } finally {
      seen.delete(item);
    }
  };
  try {
    const redacted = copy(value, 0) ?? null;
    const length = JSON.stringify(redacted).length;
    return length > MAX_INPUT_LENGTH ? `[too long to record: ${length} characters]` : redacted;
  } catch {
    return '[unreadable]'; // a getter or a proxy of the user's threw: the record says so, the decision is not held up
  }
}
