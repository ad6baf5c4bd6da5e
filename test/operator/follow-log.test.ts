import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import type { ControlPlane } from '../../operator/control-plane.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { startRedis, temporaryFolder } from '../servers/index.ts';

const STORES: Readonly<Record<string, () => Promise<ControlStore>>> = {
  memory: async () => memoryControlStore(memoryStore()),
  file: async () => fileControlStore({ directory: temporaryFolder('follow').path }),
  redis: async () => redisControlStore({ url: (await startRedis()).url }),
};

/** The same store, and the questions for its log that were begun. */
function counted(store: ControlStore): { readonly store: ControlStore; readonly asked: () => number } {
  let asked = 0;
  const open: ControlStore['open'] = (scope) => {
    const connection = store.open(scope);
    const log: typeof connection.log = (after) => {
      asked += 1;
      return connection.log(after);
    };
    return { ...connection, log };
  };
  return { store: { ...store, open }, asked: () => asked };
}

async function opened(store: ControlStore): Promise<ControlPlane> {
  const control = await openControlPlane({ store, operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  return control;
}

/** A follower for whose next event somebody waits, in a log of one event. */
async function waiting(store: ControlStore) {
  const control = await opened(store);
  await control.init();
  const events = control.follow({ after: 1 })[Symbol.asyncIterator]();
  const next = events.next();
  next.catch(() => {});
  await sleep(100);
  return { control, events, next };
}

const soon = <T>(promise: Promise<T>): Promise<T | 'still waits'> =>
  Promise.race([promise, sleep(250, 'still waits' as const)]);

describe.each(Object.entries(STORES))('a followed log of the %s store', (_name, make) => {
  test('ends a waiting next() at once when it is returned, and asks the store no more', async () => {
    const { store, asked } = counted(await make());
    const { events, next } = await waiting(store);
    expect(await soon(Promise.resolve(events.return?.()))).toEqual({ done: true, value: undefined });
    expect(await soon(next)).toEqual({ done: true, value: undefined });
    const before = asked();
    await sleep(700);
    expect(asked()).toBe(before);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('rejects a waiting next() with CLOSED when the control plane is closed', async () => {
    const { store, asked } = counted(await make());
    const { control, events, next } = await waiting(store);
    const closing = control.close();
    await expect(soon(next)).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    const before = asked();
    await sleep(400);
    expect(asked()).toBe(before);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await expect(control.follow()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('is a stream that can be destroyed while it waits', async () => {
    const { store, asked } = counted(await make());
    const control = await opened(store);
    await control.init();
    const stream = Readable.from(control.follow({ after: 1 }));
    const closed = new Promise<'closed'>((resolve) => stream.once('close', () => resolve('closed')));
    stream.resume();
    await sleep(100);
    stream.destroy();
    expect(await soon(closed)).toBe('closed');
    const before = asked();
    await sleep(400);
    expect(asked()).toBe(before);
  });
});

describe('a followed log', () => {
  test.each([2, 9])('that was replaced before any event was given (after %d) is LOG_REPLACED', async (after) => {
    let memory = memoryControlStore(memoryStore());
    const store: ControlStore = {
      ...memory,
      open: (scope) => {
        const first = memory.open(scope);
        return {
          ...first,
          log: (seq) => memory.open(scope).log(seq),
          read: (keys) => memory.open(scope).read(keys),
          append: (...changes) => memory.open(scope).append(...changes),
        };
      },
    };
    const control = await opened(store);
    await control.init();
    await control.setFeature({ name: 'a', stage: 'live', reason: 'r' });
    const next = control.follow({ after })[Symbol.asyncIterator]().next();
    next.catch(() => {});
    await sleep(100);
    memory = memoryControlStore(memoryStore());
    await control.init();
    for (let made = 0; made < 12; made += 1) await control.setFeature({ name: `b${made}`, stage: 'live', reason: 'r' });
    await expect(next).rejects.toMatchObject({ code: 'LOG_REPLACED' });
  });

  test('gives only what comes after the number that it was asked for, also one beyond the head', async () => {
    const control = await opened(memoryControlStore(memoryStore()));
    await control.init();
    const next = control.follow({ after: 3 })[Symbol.asyncIterator]().next();
    await sleep(100);
    for (const name of ['a', 'b', 'c']) await control.setFeature({ name, stage: 'live', reason: 'r' });
    expect(await next).toMatchObject({ value: { seq: 4 } });
  });
});
