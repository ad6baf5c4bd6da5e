import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KillSwitchError } from '../../flags/index.ts';
import { limit, RETRY_MS, setUp, unreachable } from './queue-of-fates.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('closing a queue', () => {
  const closed = { code: 'CLOSED', message: 'This control plane has been closed.' };
  const perhaps = {
    code: 'STORE_UNREACHABLE',
    message: expect.stringMatching(/^The limit was not acknowledged .* may or may not have been recorded: /),
  };

  test('refuses what is asked for afterwards, and what waits to be sent or tried again', async () => {
    const { give, close, reads, ends, sizes, passes } = setUp();
    for (let tries = 0; tries < 2; tries += 1) reads.push(() => Promise.reject(unreachable()));
    give(limit('a'));
    await passes(0);
    give(limit('b'));
    await passes(0);
    await close();
    give(limit('c'));
    await passes(RETRY_MS);
    expect(ends).toMatchObject([closed, closed, closed]);
    expect(sizes()).toEqual([]);
  });

  test('refuses what was being read for, and sends nothing more', async () => {
    const { give, close, reads, ends, sizes, passes } = setUp();
    let read = (): void => {};
    reads.push(
      () =>
        new Promise((resolve) => {
          read = resolve;
        }),
    );
    give(limit('a'));
    await passes(0);
    await close();
    read();
    await passes(RETRY_MS);
    expect(ends).toMatchObject([closed]);
    expect(sizes()).toEqual([]);
  });

  test.each([
    ['taken', { is: 'recorded' }],
    ['overtaken', closed],
    ['answer lost', perhaps],
    [new KillSwitchError('STORE_READ_ONLY', 'full'), { ...perhaps, code: 'STORE_UNREACHABLE' }],
    [new KillSwitchError('CLOSED', 'not sent'), { code: 'CLOSED' }],
  ] as const)('waits for what is being appended, and answers it as it is (%s)', async (fate, end) => {
    const { give, close, fates, held, ends, passes } = setUp();
    fates.push(fate);
    let letGo = (): void => {};
    held.push(
      new Promise((resolve) => {
        letGo = resolve;
      }),
    );
    give(limit('a'));
    await passes(0);
    let isClosed = false;
    void close().then(() => {
      isClosed = true;
    });
    await passes(1000);
    expect([ends, isClosed]).toEqual([[], false]);
    letGo();
    await passes(0);
    expect(ends).toMatchObject([end]);
    expect(isClosed).toBe(true);
  });

  test('waits no longer than five seconds', async () => {
    const { give, close, held, passes } = setUp();
    held.push(new Promise(() => {}));
    give(limit('a'));
    await passes(0);
    let isClosed = false;
    void close().then(() => {
      isClosed = true;
    });
    await passes(4999);
    expect(isClosed).toBe(false);
    await passes(10);
    expect(isClosed).toBe(true);
  });

  test('says of a change whose answer was lost before that it may have been recorded', async () => {
    const { give, close, fates, ends, passes } = setUp();
    fates.push('answer lost');
    give(limit('a'));
    await passes(0);
    await close();
    expect(ends).toMatchObject([perhaps]);
  });
});
