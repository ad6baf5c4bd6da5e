import { describe, expect, test } from 'vitest';
import { GENESIS, type LogEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { LogChain } from '../../../store/file/log-chain.ts';

let made = 0;
const next = (before: LogEvent | null, type = 'kill', seq = (before?.seq ?? 0) + 1, at?: string): LogEvent =>
  sealEvent({
    seq,
    at: at ?? new Date(made).toISOString(),
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

const unsealed = { seq: 3, at: a.at, actor: 'unverified:test', type: 'flags', reason: null, prev: b.hash };

const withoutHash = ({ hash: _, ...event }: LogEvent): Omit<LogEvent, 'hash'> => event;

/** The events that one write appends after `before`. */
function batch(before: LogEvent, count: number): LogEvent[] {
  const events = [next(before)];
  for (let last = events[0]; last && events.length < count; events.push(last))
    last = next(last, 'kill', last.seq + 1, last.at);
  return events;
}

type LineLike = LogEvent | string | Uint8Array;
const bytes = (line: LineLike): Uint8Array =>
  line instanceof Uint8Array ? line : Buffer.from(typeof line === 'string' ? line : serializeEvent(line));

/** The events that these lines make, or the error. */
const read = (...lines: LineLike[]): LogEvent[] | string => readAs('for reading', lines);
const readForWriting = (...lines: LineLike[]): LogEvent[] | string => readAs('for writing', lines);

const readAs = (reads: 'for reading' | 'for writing', lines: readonly LineLike[]): LogEvent[] | string => {
  const chain = new LogChain();
  try {
    const events = lines.map((line) => chain.take(bytes(line))).filter((event) => event !== null);
    chain.finish(reads);
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

  test('of two that follow the same event, the first wins, whatever follows the other', () => {
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

  test('at the end that are not events may have been events that count', () => {
    for (const line of ['{', 'null', '[]', '{}', '"x"', changed(b), serializeEvent(b).slice(0, -1)]) {
      expect(read(a, line), line).toBe('CORRUPT');
      expect(read(line), line).toBe('CORRUPT');
    }
    expect(read(a, next(null, 'init'), '{')).toBe('CORRUPT');
  });

  test('prove by later ones that one was changed, removed, moved or put in', () => {
    expect(read(a, changed(b), c)).toBe('CORRUPT');
    expect(read(a, c, d)).toBe('CORRUPT');
    expect(read(b, c)).toBe('CORRUPT');
    expect(read(a, c, b, d)).toBe('CORRUPT');
    const inserted = next(a);
    expect(read(a, inserted, b, c)).toBe('CORRUPT');
    expect(read(a, b, inserted, c)).toEqual([a, b, c]);
  });

  test('that one write appended are lost together when its first has lost', () => {
    const lost = batch(a, 4);
    expect(read(a, b, ...lost)).toEqual([a, b]);
    expect(read(a, b, ...lost, c, ...lost.slice(0, 2), d)).toEqual([a, b, c, d]);
    expect(read(a, ...lost, b)).toEqual([a, ...lost]);
    // A write that was cut between its lines wins or loses with its whole ones; lines after it are not of that write.
    expect(readForWriting(a, b, ...lost.slice(0, 2), serializeEvent(lost[2] as LogEvent).slice(0, 50))).toEqual([a, b]);
    expect(read(a, b, ...lost, next(lost[3] as LogEvent))).toBe('CORRUPT');
    expect(read(a, b, lost[0] as LogEvent, c, lost[1] as LogEvent)).toBe('CORRUPT');
  });

  test('that one write appended are passed over when the first was appended to a torn line', () => {
    const [first, second, third] = batch(b, 3) as [LogEvent, LogEvent, LogEvent];
    const joined = `${serializeEvent(c).slice(0, 40)}${serializeEvent(first)}`;
    for (const how of [read, readForWriting]) {
      expect(how(a, b, joined, second, third, first, second, third)).toEqual([a, b, first, second, third]);
      expect(how(a, b, joined, second, third, c)).toEqual([a, b, c]);
    }
    expect(readForWriting(a, b, joined, second, third)).toEqual([a, b]);
    expect(read(a, b, joined, second, third)).toBe('CORRUPT');
  });

  test('can be read on from the middle of one write', () => {
    const lost = batch(a, 3);
    for (const read of [1, 2, 3]) {
      let chain = new LogChain();
      for (const line of [a, b, ...lost.slice(0, read)]) chain.take(bytes(line));
      chain = chain.continued();
      for (const line of lost.slice(read)) expect(chain.take(bytes(line))).toBe(null);
      expect(chain.take(bytes(c))).toEqual(c);
    }
  });

  test('must be numbered one by one, but a recover may skip the numbers of lost events', () => {
    expect(read(a, next(a, 'kill', 3))).toBe('CORRUPT');
    expect(read(a, next(a, 'kill', 1))).toBe('CORRUPT');
    const recover = next(a, 'recover', 9);
    expect(read(a, recover, next(recover))).toHaveLength(3);
  });

  describe('that our own writers can leave behind are passed over by a writer, never by a reader:', () => {
    const text = Buffer.from(
      serializeEvent(next(b, 'kill', 3, '2026-01-01T00:00:00.000Z')).replace('unverified:test', 'unverified:é🛑'),
    );
    const cuts = [...text.keys()].slice(1).map((length) => text.subarray(0, length));
    const zeros = Buffer.alloc(700);
    const passes = (...torn: readonly Uint8Array[]): void => {
      expect(readForWriting(a, b, ...torn), String(torn)).toEqual([a, b]);
      expect(read(a, b, ...torn), String(torn)).toBe('CORRUPT');
      expect(read(a, b, ...torn, c), String(torn)).toEqual([a, b, c]);
      expect(readForWriting(...torn), String(torn)).toEqual([]);
    };

    test('a line that was cut anywhere, alone or several in a row', () => {
      for (const cut of cuts) passes(cut);
      passes(...cuts);
    });

    test('several cut lines in one, with and without a whole event at the end', () => {
      for (const cut of cuts) {
        passes(Buffer.concat([cut, cut]));
        passes(Buffer.concat([cut, cuts[80] as Uint8Array, cut]));
        passes(Buffer.concat([cut, bytes(c)]));
        passes(Buffer.concat([cut, cut, bytes(c)]));
      }
      passes(Buffer.concat([bytes(d), bytes(c)]));
      passes(Buffer.concat([bytes(d), cuts[9] as Uint8Array]));
    });

    test('the zero bytes that a power failure leaves', () => {
      passes(zeros);
      for (const cut of cuts) {
        passes(Buffer.concat([cut, zeros]));
        passes(Buffer.concat([zeros, cut]));
        passes(Buffer.concat([cut, zeros, bytes(c)]));
      }
      passes(Buffer.concat([bytes(c), zeros]));
    });

    test('a cut line of a newer version, whose event has more members', () => {
      const newer = { ...unsealed, data: {}, aa: { actor: 1 }, scope: 'x', zone: [1] };
      const line = bytes(sealEvent(newer));
      for (const length of [...line.keys()].slice(1)) {
        passes(line.subarray(0, length));
        if (length % 7 === 0) passes(Buffer.concat([line.subarray(0, length), line]));
      }
    });

    test('a cut line of an event with nested data', () => {
      const definition = {
        flags: { x: { targeting: { if: [{ actor: 'a' }, '\\"{\u0001', null, -1.5e-7, true, []] } } },
      };
      const line = bytes(sealEvent({ ...unsealed, data: { definition } }));
      for (const length of [...line.keys()].slice(1)) passes(line.subarray(0, length));
      for (const length of [...line.keys()].slice(1)) passes(Buffer.concat([line.subarray(0, length), line]));
    });
  });

  test('that were whole and then changed, or never ours, stop a writer too', () => {
    const text = serializeEvent(c);
    const others = [
      'hello',
      'null',
      '[]',
      '{}',
      '"x"',
      '{"flags":{}}',
      '{"actor":1}',
      ` ${text}`,
      `\ufeff${text}`,
      `[${text}]`,
      text.slice(1),
      text.slice(60),
    ];
    const edited = [
      changed(c),
      text.replace('"seq":3', '"seq":4'),
      `${changed(c)}{`,
      `${text}x`,
      `${text} `,
      `${text.slice(0, 40)}${changed(c)}`,
    ];
    for (const line of [...others, ...edited]) {
      expect(readForWriting(a, b, line), line).toBe('CORRUPT');
      expect(readForWriting(a, b, line, text.slice(0, 40)), line).toBe('CORRUPT');
      expect(readForWriting(a, b, text.slice(0, 40), line), line).toBe('CORRUPT');
    }
    expect(readForWriting(a, b, text.slice(0, 40), d)).toBe('CORRUPT');
  });

  test('of a newer version are events, unless they were changed after it wrote them', () => {
    for (const members of [{ scope: 'x' }, { reason: { text: 'x' } }, { at: 'now' }, { actor: 7, type: [] }]) {
      const newer = sealEvent({ ...withoutHash(c), ...members } as LogEvent);
      const after = next(newer);
      const taken = read(a, b, newer, after);
      expect(taken).toEqual([a, b, expect.objectContaining({ seq: 3, unknown: expect.any(String) }), after]);
      expect(readForWriting(a, b, newer)).toHaveLength(3);
      expect(readForWriting(a, b, changed(newer).replace('x', 'y').replace('now', 'nov').replace('7', '8'))).toBe(
        'CORRUPT',
      );
    }
    const unlinked = sealEvent({ ...withoutHash(c), prev: 'x' });
    expect(readForWriting(a, b, unlinked)).toBe('CORRUPT');
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
