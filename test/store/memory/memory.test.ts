import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GENESIS, isKillSwitchError, type KillSwitchErrorCode } from '../../../flags/index.ts';
import { memoryControlStore } from '../../../store/memory/control.ts';
import { Memory, type MemoryFault, memoryStore } from '../../../store/memory/index.ts';
import type { Push } from '../../../store/ports.ts';
import { fakeClock } from '../../../testing/index.ts';
import { change, kill, plan, StoreSession } from '../../../testing/store/session.ts';
import { temporaryFolder } from '../../servers/lifetime.ts';

async function open(memory = new Memory(), requestTimeoutMs = 20) {
  const session = new StoreSession({
    store: memoryStore({ memory }),
    controlStore: memoryControlStore({ memory }),
    wipe: async () => memory.wipe(),
    copy: async () => {},
    restore: async () => {},
    plantBeat: async () => {},
    dispose: async () => {},
  });
  const control = memoryControlStore({ memory }).open({ organizationId: 'default', requestTimeoutMs });
  await change(control, 'init', { generation: 'g' });
  const scope = { organizationId: 'default', executorId: 'x', executorName: 'x', requestTimeoutMs };
  const executor = memoryStore({ memory }).open(scope);
  const beat = session.executor({ id: 'x', name: 'x' }).beat;
  return { memory, control, executor, beat };
}

const outcome = (work: Promise<unknown>): Promise<KillSwitchErrorCode | 'done'> =>
  work.then(
    () => 'done' as const,
    (error: unknown) => {
      if (isKillSwitchError(error)) return error.code;
      throw error;
    },
  );

describe('a memory that is set to', () => {
  const outcomes: ReadonlyArray<[MemoryFault, Record<'load' | 'confirm' | 'append', KillSwitchErrorCode | 'done'>]> = [
    ['unreachable', { load: 'STORE_UNREACHABLE', confirm: 'STORE_UNREACHABLE', append: 'STORE_UNREACHABLE' }],
    ['hang', { load: 'STORE_UNREACHABLE', confirm: 'STORE_UNREACHABLE', append: 'STORE_UNREACHABLE' }],
    ['read-only', { load: 'done', confirm: 'STORE_READ_ONLY', append: 'STORE_READ_ONLY' }],
    ['corrupt', { load: 'CORRUPT', confirm: 'CORRUPT', append: 'CORRUPT' }],
    ['lost-reply', { load: 'done', confirm: 'done', append: 'STORE_UNREACHABLE' }],
  ];
  for (const [fault, expected] of outcomes) {
    test(`${fault} does so, and answers as before once the fault is over`, async () => {
      const { memory, control, executor, beat } = await open();
      const planned = await plan(control, 'kill', { id: 'k', target: 'all', mode: 'full_stop', expires_at: null });
      memory.fault = fault;
      expect({
        load: await outcome(executor.load(null, 'n')),
        confirm: await outcome(executor.confirm(beat(null), 'n')),
        append: await outcome(control.append(planned)),
      }).toEqual(expected);
      memory.fault = null;
      // it had been appended, only its answer was lost
      expect(await control.append(planned)).toBe(fault !== 'lost-reply');
      expect((await executor.load(null, 'n')).head).toEqual(planned.head);
    });
  }

  test('be unreachable pushes trouble, and a gap when that ends', async () => {
    const { memory, executor, control } = await open();
    const pushes: Push['type'][] = [];
    executor.follow(({ type }) => pushes.push(type));
    memory.fault = 'unreachable';
    await outcome(control.read([]));
    memory.fault = null;
    await kill(control, 'all');
    await outcome(control.read([]));
    expect(pushes).toEqual(['trouble', 'gap', 'event']);
  });
});

test('a memory has the time of the clock that it was given', async () => {
  const clock = fakeClock();
  const { control } = await open(new Memory({ clock }));
  clock.pass(1500);
  expect((await control.read([])).time).toBe('2026-01-01T00:00:01.500Z');
});

test('an event that does not follow is refused before anything is changed', async () => {
  const { control } = await open();
  const planned = await plan(control, 'kill', { id: 'k', target: 'all', mode: 'full_stop', expires_at: null });
  const stray = { ...planned, event: { ...planned.event, prev: GENESIS } };
  expect(await outcome(control.append(stray))).toBe('INVALID_STATE');
  expect((await control.read([])).head).toEqual(planned.expected);
});

test('an executor that is far behind must load', async () => {
  const { control, executor, beat } = await open();
  const held = (await control.read([])).head;
  for (let number = 0; number < 1000; number += 1) await kill(control, `run:${number}`);
  expect((await executor.confirm(beat(held), 'n')).events).toHaveLength(1000);
  await kill(control, 'all');
  expect((await executor.confirm(beat(held), 'n')).events).toBe('reload');
});

test('an anchor is kept in a file where one is given', async () => {
  const folder = temporaryFolder('memory');
  onTestFinished(() => folder.remove());
  const scope = { organizationId: 'default', executorId: 'x', executorName: 'x', requestTimeoutMs: 20 };
  const { control } = await open();
  const head = (await control.read([])).head;
  if (!head) throw new Error('no head');
  const anchor = join(folder.path, 'anchor.json');
  memoryStore({ anchor })
    .open(scope)
    .anchor?.write({ head, generations: ['g'] });
  expect(memoryStore({ anchor }).open(scope).anchor?.read()).toEqual({ head, generations: ['g'] });
  expect(memoryStore().open(scope).anchor?.read()).toBe(null);
});
