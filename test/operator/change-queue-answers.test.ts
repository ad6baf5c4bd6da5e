import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KillSwitchError, type LogEvent } from '../../flags/index.ts';
import type { Check } from '../../operator/plan.ts';
import { Desk, kill, T0 } from './desk.ts';
import { limit, RETRY_MS, setUp, unreachable } from './queue-of-fates.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a change whose answer was lost', () => {
  test('is found in the log, and answered with its event and the head of that', async () => {
    const { give, fates, desk, ends, passes, sizes } = setUp();
    fates.push('answer lost');
    give(kill());
    await passes(100);
    const [event] = desk.events.slice(1);
    expect(ends).toMatchObject([
      { is: 'recorded', event, change: null, head: { generation: 'g0', epoch: 2, hash: event?.hash } },
    ]);
    expect(sizes()).toEqual([1]);
  });

  test('is not taken for recorded by another person’s event under the same command id', async () => {
    const { give, fates, sent, ends, forge, passes } = setUp();
    fates.push('did not come');
    give(kill({ target: 'agent:a' }));
    await passes(0);
    forge(kill({ target: 'agent:b' }), sent[0]?.[0]?.data['command_id']);
    await passes(100);
    expect(ends).toMatchObject([
      { is: 'recorded', event: { actor: 'unverified:ann', data: { target: 'agent:a' } }, change: {} },
    ]);
    expect(sent).toHaveLength(2);
  });

  test('is answered, and one beside it that was never sent is then sent', async () => {
    const { give, fates, reads, ends, passes, types } = setUp();
    fates.push('answer lost');
    give(limit('first'));
    await passes(0);
    reads.push(() => new Promise((resolve) => void setTimeout(resolve, 100)));
    give(limit('slow'));
    await passes(50);
    give(limit('second'));
    await passes(100); // both are due together
    expect(ends).toMatchObject([
      { event: { data: { name: 'slow' } }, change: {} },
      { event: { data: { name: 'first' } }, change: null },
      { event: { data: { name: 'second' } }, change: {} },
    ]);
    expect(types()).toEqual([['limit'], ['limit'], ['limit']]);
  });

  test('is found beside others, each where it may be', async () => {
    const { give, fates, reads, ends, passes, sizes, searched } = setUp();
    fates.push('answer lost', 'answer lost');
    for (const name of ['first', 'second']) {
      give(limit(name));
      await passes(0);
    }
    reads.push(() => new Promise((resolve) => void setTimeout(resolve, 100)));
    give(limit('slow'));
    await passes(200);
    expect(ends).toMatchObject([
      { event: { data: { name: 'slow' } }, change: {} },
      { event: { data: { name: 'first' } }, change: null },
      { event: { data: { name: 'second' } }, change: null },
    ]);
    expect([sizes(), searched]).toEqual([[1, 1, 1], [1]]);
  });

  test('is found although it is the first of its log', async () => {
    const { give, fates, ends, passes, sizes } = setUp({ desk: new Desk() });
    fates.push('answer lost');
    give({ type: 'init', generation: 'g0' });
    await passes(100);
    expect(ends).toMatchObject([{ is: 'recorded', change: null, head: { epoch: 1 } }]);
    expect(sizes()).toEqual([1]);
  });

  test('is looked for from where it was first sent, and where the log has moved on since', async () => {
    const { give, fates, searched, desk, forge, passes, ends } = setUp();
    fates.push('did not come', 'did not come', 'did not come');
    give(kill());
    await passes(20);
    expect(searched).toEqual([]); // sent again, for there is nothing behind the head that it was planned on
    forge(limit('l'), 'c');
    await passes(40);
    expect([searched, desk.epoch]).toEqual([[1], 2]);
    forge(limit('m'), 'c');
    await passes(200);
    expect([searched, desk.epoch, ends.length]).toEqual([[1, 1], 4, 1]);
  });

  test('is no longer looked for behind the last place where it may be', async () => {
    const { give, fates, forge, passes, ends, desk } = setUp();
    fates.push('did not come');
    give(kill());
    await passes(0);
    for (const name of ['a', 'b', 'c']) forge(limit(name), name);
    const seen: number[] = [];
    const { events } = desk;
    vi.spyOn(events, 'filter').mockImplementation(() =>
      events.map((event) => new Proxy(event, { get: (one, key: keyof LogEvent) => (seen.push(one.seq), one[key]) })),
    );
    await passes(100);
    expect(ends).toHaveLength(1);
    expect(Math.max(...seen)).toBe(3);
  });

  const record = { type: 'second', data: { kind: 'limit', name: 'l' } } as const;
  const pending: Check = () => ({ is: 'pending', request: { id: 'r1', expires_at: T0 }, record });

  test('and was a request that waits for somebody else ends as that when it is found', async () => {
    for (const fate of ['taken', 'answer lost'] as const) {
      const { give, fates, ends, passes, types } = setUp({ checks: [pending] });
      fates.push(fate);
      give(limit('l'));
      await passes(100);
      expect(ends).toEqual([{ is: 'pending', request: { id: 'r1', expires_at: T0 } }]);
      expect(types()).toEqual([['second']]);
    }
  });
});

describe('a failure', () => {
  test.each(['CLOSED', 'CORRUPT', 'NETWORK_FILESYSTEM', 'NOT_PERMITTED', 'UNKNOWN_ENTRY', 'UNKNOWN_EVENT'] as const)(
    'that trying again cannot mend (%s) is told at once, as it is',
    async (code) => {
      const { give, fates, reads, ends, passes, sizes } = setUp();
      const error = new KillSwitchError(code, 'so it is');
      fates.push(error);
      give(limit('a'));
      give(limit('b'));
      await passes(0);
      expect(ends).toEqual([error, error]);
      reads.push(() => Promise.reject(error));
      give(limit('c'));
      await passes(0);
      expect(ends).toEqual([error, error, error]);
      await passes(RETRY_MS);
      expect(sizes()).toEqual([2]);
    },
  );

  test('of a kill that a store does not take says first that it was not recorded', async () => {
    const { give, fates, ends, passes } = setUp();
    const cause = new KillSwitchError('CORRUPT', 'The log is damaged.');
    fates.push(cause);
    give({ type: 'kill', target: 'all', mode: 'full_stop', expiresAt: null });
    await passes(0);
    const message = 'The kill was NOT recorded. The log is damaged.';
    expect(ends).toEqual([new KillSwitchError('CORRUPT', message, { cause })]);
  });

  test.each(['INVALID_ARGUMENT', 'INVALID_STATE'] as const)(
    'of a batch in which one is wrong (%s) has each tried alone',
    async (code) => {
      const { give, fates, ends, passes, sizes } = setUp();
      const error = new KillSwitchError(code, 'one of them');
      fates.push(error, 'taken', error);
      for (const name of ['a', 'b', 'c']) give(limit(name));
      await passes(0);
      expect(sizes()).toEqual([3, 1, 1, 1]);
      expect(ends).toEqual([
        expect.objectContaining({ is: 'recorded' }),
        error,
        expect.objectContaining({ is: 'recorded' }),
      ]);
    },
  );

  test('to read is told when the time is over, as not recorded', async () => {
    const { give, reads, ends, passes, sizes } = setUp();
    for (let tries = 0; tries < 20; tries += 1) reads.push(() => Promise.reject(unreachable()));
    give(kill());
    await passes(RETRY_MS - 300);
    expect(ends).toEqual([]);
    await passes(300);
    expect(ends).toMatchObject([
      {
        code: 'STORE_UNREACHABLE',
        message: expect.stringMatching(/^The kill was not recorded, because .* could not be read: no way there /),
        cause: { message: 'no way there' },
      },
    ]);
    expect(sizes()).toEqual([]);
  });

  test('to append is told when the time is over, as perhaps recorded; one without a code as an unreachable store', async () => {
    const { give, fates, ends, passes } = setUp();
    for (let tries = 0; tries < 20; tries += 1) fates.push(new Error('reset'));
    give(limit('l'));
    await passes(RETRY_MS);
    expect(ends).toMatchObject([
      {
        code: 'STORE_UNREACHABLE',
        message: expect.stringMatching(/^The limit was not acknowledged .* may or may not have been recorded: reset /),
      },
    ]);
  });

  test('has its own code where it has one', async () => {
    const { give, fates, ends, passes } = setUp();
    for (let tries = 0; tries < 20; tries += 1) fates.push(new KillSwitchError('STORE_READ_ONLY', 'full'));
    give(limit('l'));
    await passes(RETRY_MS);
    expect(ends).toMatchObject([{ code: 'STORE_READ_ONLY', message: expect.stringContaining('full') }]);
  });

  test('is followed by a longer wait each time, up to a bound', async () => {
    const { give, fates, sent, passes } = setUp();
    const times: number[] = [];
    for (let tries = 0; tries < 20; tries += 1) fates.push(unreachable());
    give(limit('l'));
    for (let ms = 0; ms < RETRY_MS; ms += 1) {
      await passes(ms === 0 ? 0 : 1);
      while (times.length < sent.length) times.push(ms);
    }
    expect(times).toEqual([0, 20, 60, 140, 300, 550, 800]);
  });

  test('makes the batch smaller, and each success makes it larger', async () => {
    const { give, fates, passes, sizes } = setUp();
    fates.push(unreachable(), unreachable());
    for (let number = 0; number < 41; number += 1) give(limit(`l${number}`));
    await passes(500);
    expect(sizes()).toEqual([41, 20, 10, 11, 20]);
  });
});

describe('a batch', () => {
  test('is planned on the entries of its changes, each read once, and searches no log', async () => {
    const { give, asked, searched, passes } = setUp();
    for (const target of ['agent:a', 'agent:b', 'agent:a']) give(kill({ target }));
    await passes(0);
    expect(asked.map((keys) => keys.filter((key) => key.startsWith('kill:')))).toEqual([
      ['kill:agent:a', 'kill:agent:b'],
    ]);
    expect(searched).toEqual([]);
  });

  test('has at most 250 changes, also after others have succeeded', async () => {
    const { give, passes, sizes } = setUp();
    for (let number = 0; number < 600; number += 1) give(limit(`l${number}`));
    await passes(0);
    expect(sizes()).toEqual([250, 250, 100]);
  });

  test('is tried when the first that waits is due, and waits up to twice as long at random', async () => {
    const { give, fates, reads, passes, sizes } = setUp();
    vi.mocked(Math.random).mockReturnValue(1);
    fates.push(unreachable());
    give(limit('a'));
    await passes(30);
    reads.push(() => Promise.reject(unreachable()));
    give(limit('b'));
    await passes(9);
    expect(sizes()).toEqual([1]);
    await passes(2);
    expect(sizes()).toEqual([1, 1]);
    await passes(30);
    expect(sizes()).toEqual([1, 1, 1]);
  });
});

describe('an overtaken batch', () => {
  test('that takes authority away waits a few milliseconds, and goes together again', async () => {
    const { give, fates, passes, sizes } = setUp();
    vi.mocked(Math.random).mockReturnValue(0.99);
    fates.push('overtaken', 'overtaken');
    for (const id of ['a', 'b', 'c']) give(kill({ target: `run:${id}` }));
    await passes(2);
    expect(sizes()).toEqual([3, 3]);
    await passes(4);
    expect(sizes()).toEqual([3, 3, 3]);
  });

  test('of other changes waits longer, and its first half goes first', async () => {
    const { give, fates, passes, sizes, ends } = setUp();
    fates.push('overtaken');
    for (const name of ['a', 'b', 'c']) give({ type: 'feature', name, stage: 'live', reason: 'launch' });
    await passes(19);
    expect(sizes()).toEqual([3]);
    await passes(1);
    expect(sizes()).toEqual([3, 2, 1]);
    expect(ends).toHaveLength(3);
  });

  test('is given up as a conflict when its time is over', async () => {
    const { give, fates, ends, passes } = setUp();
    for (let tries = 0; tries < 2000; tries += 1) fates.push('overtaken');
    give({ type: 'feature', name: 'f', stage: 'live', reason: 'launch' });
    await passes(RETRY_MS);
    expect(ends).toMatchObject([{ code: 'CONFLICT', message: expect.stringContaining('moved on') }]);
  });
});

describe('the time of a change', () => {
  test('begins when the log has been read for the first time, however long that took', async () => {
    const { give, reads, fates, ends, passes } = setUp();
    reads.push(() => new Promise((resolve) => void setTimeout(resolve, 5 * RETRY_MS)));
    fates.push(unreachable());
    give(kill());
    await passes(5 * RETRY_MS + 100);
    expect(ends).toMatchObject([{ is: 'recorded' }]);
  });

  test('does not begin anew with a later try', async () => {
    const { give, reads, fates, ends, passes } = setUp();
    fates.push(unreachable());
    reads.push(async () => {});
    reads.push(() => new Promise((_, reject) => void setTimeout(() => reject(unreachable()), RETRY_MS)));
    give(kill());
    await passes(RETRY_MS + 100);
    expect(ends).toMatchObject([{ code: 'STORE_UNREACHABLE' }]);
  });
});

describe('an answer that was lost', () => {
  const perhaps = /^The limit was not acknowledged .* may or may not have been recorded: /;

  test.each([
    ['CLOSED', 'STORE_UNREACHABLE'],
    ['CORRUPT', 'CORRUPT'],
    ['INVALID_STATE', 'INVALID_STATE'],
  ] as const)('is said where the store then fails for good (%s)', async (code, told) => {
    const { give, fates, reads, ends, passes } = setUp();
    fates.push('answer lost');
    reads.push(
      async () => {},
      () => Promise.reject(new KillSwitchError(code, 'so it is')),
    );
    give(limit('a'));
    await passes(RETRY_MS);
    expect(ends).toMatchObject([{ code: told, message: expect.stringMatching(perhaps) }]);
  });

  test('is said where others were first ever since', async () => {
    const { give, fates, ends, passes } = setUp();
    vi.mocked(Math.random).mockReturnValue(1);
    fates.push('did not come', ...Array.from({ length: 300 }, () => 'overtaken' as const));
    give(limit('a'));
    await passes(RETRY_MS * 2);
    expect(ends).toMatchObject([{ code: 'STORE_UNREACHABLE', message: expect.stringMatching(perhaps) }]);
  });
});
