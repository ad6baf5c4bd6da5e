import { describe, expect, test } from 'vitest';
import { GENESIS, type LogEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { LogChain } from '../../../store/file/log-chain.ts';

let made = 0;
const next = (before: LogEvent | null, type = 'kill', seq = (before?.seq ?? 0) + 1): LogEvent =>
  sealEvent({
    seq,
    at: '2026-01-01T00:00:00.000Z',
    actor: 'unverified:test',
    type,
    data: { number: made++ },
    reason: null,
    prev: before?.hash ?? GENESIS,
  });

const a = next(null, 'init');
const b = next(a);
const c = next(b);
const d = next(c);

type LineLike = LogEvent | string | Uint8Array;
const bytes = (line: LineLike): Uint8Array =>
  line instanceof Uint8Array ? line : Buffer.from(typeof line === 'string' ? line : serializeEvent(line));

/** The events that these lines make, or the error. */
const read = (...lines: LineLike[]): LogEvent[] | string => {
  const chain = new LogChain();
  try {
    const events = lines.map((line) => chain.take(bytes(line))).filter((event) => event !== null);
    chain.finish();
    return events;
  } catch (error) {
    return (error as { code: string; message: string }).code;
  }
};

const changed = (event: LogEvent): string => serializeEvent(event).replace('unverified:test', 'unverified:evil');

describe('the lines of a log', () => {
  test('make the log when each follows the one before it', () => {
    expect(read(a, b, c, d)).toEqual([a, b, c, d]);
    expect(read()).toEqual([]);
  });

  test('of two that follow the same event, the first wins, whatever comes of the other', () => {
    const other = next(a);
    expect(read(a, b, other, c)).toEqual([a, b, c]);
    expect(read(a, other, b)).toEqual([a, other]);
    expect(read(a, b, c, other, d, next(null, 'init'))).toEqual([a, b, c, d]);
    expect(read(a, b, other, next(other))).toBe('CORRUPT');
  });

  test('count once when they are there twice', () => {
    expect(read(a, b, b, a, c, c)).toEqual([a, b, c]);
  });

  test('may have been cut short by a crash when a later one still follows', () => {
    const torn = serializeEvent(c).slice(0, 40);
    expect(read(a, b, torn, c)).toEqual([a, b, c]);
    expect(read(a, torn, '', torn, b, c)).toEqual([a, b, c]);
    expect(read(a, b, `${torn}${serializeEvent(c)}`, c)).toEqual([a, b, c]);
    expect(read(torn, a)).toEqual([a]);
    expect(read(a, Buffer.from([0, 0, 0xff, 0xfe]), b)).toEqual([a, b]);
  });

  test('that are not events at the end may have been events that count', () => {
    for (const line of ['{', 'null', '[]', '{}', '"x"', changed(b), serializeEvent(b).slice(0, -1)]) {
      expect(read(a, line), line).toBe('CORRUPT');
      expect(read(line), line).toBe('CORRUPT');
    }
    expect(read(a, next(null, 'init'), '{')).toBe('CORRUPT');
  });

  test('prove by what follows that one was changed, removed, moved or put in', () => {
    expect(read(a, changed(b), c)).toBe('CORRUPT');
    expect(read(a, c, d)).toBe('CORRUPT');
    expect(read(b, c)).toBe('CORRUPT');
    expect(read(a, c, b, d)).toBe('CORRUPT');
    const inserted = next(a);
    expect(read(a, inserted, b, c)).toBe('CORRUPT');
    expect(read(a, b, inserted, c)).toEqual([a, b, c]);
  });

  test('must be numbered one by one, but a recover may go on beyond what was lost', () => {
    expect(read(a, next(a, 'kill', 3))).toBe('CORRUPT');
    expect(read(a, next(a, 'kill', 1))).toBe('CORRUPT');
    const recover = next(a, 'recover', 9);
    expect(read(a, recover, next(recover))).toHaveLength(3);
  });

  test('are the bytes that were written, in UTF-8', () => {
    const latin = Buffer.from(serializeEvent({ ...b, actor: 'unverified:é' }), 'latin1');
    expect(read(a, latin)).toBe('CORRUPT');
    expect(read(a, `\ufeff${serializeEvent(b)}`)).toBe('CORRUPT');
    expect(read(a, ` ${serializeEvent(b)}`)).toBe('CORRUPT');
  });

  test('can be read on from any event', () => {
    const chain = new LogChain({ hash: b.hash, epoch: b.seq });
    expect(chain.take(bytes(c))).toEqual(c);
    expect(chain.take(bytes(next(b)))).toBe(null);
    expect(chain.end).toEqual({ hash: c.hash, epoch: c.seq });
  });
});
