import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';
import { mails } from './mails.ts';
import { slowStep } from './slow-work.ts';

describe('what cannot be held after the call is refused', () => {
  test.each([
    ['a timer', () => setTimeout(() => {}, 50), /is a timer/],
    [
      'a stream that has lost its push()',
      () => Object.assign(new Readable({ read() {} }), { push: undefined }),
      /reads cannot be checked/,
    ],
    ['a frozen stream', () => Object.freeze(new Readable({ read() {} })), /frozen/],
    [
      'a lazy query in an object',
      () => ({
        query: new (class Lazy {
          // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
          then(): void {}
        })(),
      }),
      /await it inside execute/,
    ],
  ])('%s, by name, and it leaves nothing in flight', async (_kind, make, said) => {
    const { killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({ name: 'odd.result', execute: (_input: null): unknown => make() });
    await expect(action.attempt(null)).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringMatching(said),
    });
    await inFlight(0);
  });

  test('what an SDK gives to be iterated is held when it is iterated, and its other methods are refused by name', async () => {
    const { killSwitch, kill } = await openOngoing();
    const sent: number[] = [];
    class Cursor {
      readonly name = 'orders';
      [Symbol.asyncIterator](): AsyncGenerator<number> {
        return mails(sent).asyncGenerator();
      }
      async toArray(): Promise<number[]> {
        return sent;
      }
    }
    const action = killSwitch.action({ name: 'orders.find', execute: (_input: null) => new Cursor() });
    const cursor = await action(null);
    expect(cursor.name).toBe('orders');
    expect(() => cursor.toArray()).toThrow(/orders\.find returned goes on after the call, and its toArray\(\)/);
    const iterator = cursor[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toBe(1);
    await kill();
    await expect(iterator.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(() => cursor[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'ABORTED' }));
    expect(sent).toEqual([1]);
  });

  test('what was begun beside something that is refused is in flight until it is over', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const { step, seen, end } = slowStep();
    const child = spawn('sleep', ['60']);
    const action = killSwitch.action({
      name: 'timer.give',
      execute: (_input: null) => [setTimeout(() => {}, 5), step(), child],
    });
    await expect(action(null)).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringMatching(/Everything else in it that goes on has been ended\.$/),
    });
    await once(child, 'exit');
    expect((await kill(5000)).acknowledgements.executors).toMatchObject([
      { state: 'draining', in_flight: 1, draining: 1 },
    ]);
    end();
    await inFlight(0, 0);
    expect(seen.ended).toBe(1);
  });

  test.each<[string, (act: () => void) => unknown]>([
    ['an immediate', (act) => setImmediate(act)],
    ['the second of two timers', (act) => [setTimeout(act, 5), setTimeout(act, 5)]],
    ['the second of two timers of different kinds', (act) => ({ a: setTimeout(act, 5), b: setImmediate(act) })],
  ])('%s that is refused never fires', async (_kind, make) => {
    const { killSwitch } = await openOngoing();
    const act = vi.fn<() => void>();
    const action = killSwitch.action({ name: 'timer.give', execute: (_input: null) => make(act) });
    await expect(action(null)).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    await sleep(30);
    expect(act).not.toHaveBeenCalled();
  });
});
