import { describe, expect, onTestFinished, test } from 'vitest';
import { isKillSwitchError, KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { type Memory, memoryStore } from '../../store/memory/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { aroundAppend } from '../store/around-append.ts';

/** A control plane over a memory whose appends can be looked at and hindered. */
async function setUp(hinder: (memory: Memory, events: readonly LogEvent[]) => Promise<void> | void = () => {}) {
  const { memory } = memoryStore();
  const inner = memoryControlStore({ memory });
  const batches: Array<readonly LogEvent[]> = [];
  let eventsRead = 0;
  const counted: ControlStore = {
    ...inner,
    open(scope) {
      const connection = inner.open(scope);
      return {
        ...connection,
        async *log(after) {
          for await (const event of connection.log(after)) {
            eventsRead += 1;
            yield event;
          }
        },
      };
    },
  };
  const store = aroundAppend(counted, async (changes, append) => {
    const events = changes.map(({ event }) => event);
    batches.push(events);
    await hinder(memory, events);
    return append();
  });
  const open = async (through: ControlStore = store): Promise<ControlPlane> => {
    const control = await openControlPlane({ store: through, operator: { id: 'ann' }, retryMs: 5000 });
    onTestFinished(() => control.close());
    return control;
  };
  const control = await open();
  await control.init();
  batches.splice(0);
  return { memory, control, batches, another: () => open(inner), eventsRead: () => eventsRead };
}

const targets = (count: number): string[] => Array.from({ length: count }, (_, index) => `agent:a${index}`);

describe('changes of one control plane', () => {
  test('that are asked for at once are appended together, in order, each as an event of its own', async () => {
    const { control, batches } = await setUp();
    const answers = await Promise.all(targets(20).map((target) => control.kill({ target })));
    expect(batches.map((events) => events.length)).toEqual([20]);
    expect(answers.map(({ epoch, kill }) => [epoch, kill.target])).toEqual(
      targets(20).map((target, index) => [index + 2, target]),
    );
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 21 });
  });

  test('kills go before all else, and of one target all but the first are recorded as seconded', async () => {
    const { control, batches } = await setUp();
    const [mode, ...kills] = await Promise.all([
      control.setMode({ mode: 'live', reason: 'launch' }),
      ...Array.from({ length: 5 }, () => control.kill({ target: 'all' })),
    ]);
    expect(batches.map((events) => events.map(({ type }) => type))).toEqual([
      ['kill', 'second', 'second', 'second', 'second'],
      ['mode'],
    ]);
    expect(kills.map(({ already }) => already)).toEqual([false, true, true, true, true]);
    expect(new Set(kills.map(({ kill }) => kill.id)).size).toBe(1);
    expect(mode).toMatchObject({ already: false });
  });

  test('kills go before what has waited for longer', async () => {
    let busy = Promise.resolve();
    let release = (): void => {};
    const { control, batches } = await setUp(() => busy);
    busy = new Promise((resolve) => {
      release = resolve;
    });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const first = control.setLimit({ name: 'l', value: 1 });
    while (batches.length === 0) await turn();
    const waiting = control.setLimit({ name: 'm', value: 1 });
    for (let turns = 0; turns < 5; turns += 1) await turn();
    const kill = control.kill({ target: 'all' });
    for (let turns = 0; turns < 5; turns += 1) await turn();
    release();
    await Promise.all([first, waiting, kill]);
    expect(batches.map((events) => events.map(({ type }) => type))).toEqual([['limit'], ['kill'], ['limit']]);
  });

  test('a refused one does not fail the others, and a revive sees the kill that is planned before it', async () => {
    const { control } = await setUp();
    await control.kill({ target: 'agent:a0' });
    const read = (await control.status()).epoch;
    const [revived, missing, again] = await Promise.allSettled([
      control.revive({ target: 'agent:a0', reason: 'fixed', epoch: read }),
      control.revive({ target: 'agent:none', reason: 'fixed' }),
      control.kill({ target: 'agent:a0' }),
    ]);
    expect(again).toMatchObject({ status: 'fulfilled', value: { already: true } });
    expect(revived).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } });
    expect(missing).toMatchObject({ status: 'rejected', reason: { code: 'NOT_KILLED' } });
    expect((await control.kills()).data).toHaveLength(1);
  });

  test('a revive answers with the kill that it has lifted, also with one that was recorded while it was asked for', async () => {
    const { control } = await setUp();
    const [killed, revived] = await Promise.all([
      control.kill({ target: 'agent:a0', reason: 'odd mails' }),
      control.revive({ target: 'agent:a0', reason: 'fixed', epoch: 2 }),
    ]);
    expect(revived).toMatchObject({
      epoch: 3,
      kill: { id: killed.kill.id, reason: 'odd mails', revive_reason: 'fixed' },
    });
  });

  test('tightening and loosening are never in one batch, so that a store with full memory takes the former', async () => {
    const { control, batches } = await setUp();
    await Promise.all([
      control.setAutonomy({ action: 'a.b', stage: 'trusted', reason: 'launch' }),
      control.setLimit({ name: 'l', value: 5 }),
      control.setLimit({ name: 'm', value: 5 }),
    ]);
    expect(batches.map((events) => events.map(({ type }) => type))).toEqual([['autonomy'], ['limit', 'limit']]);
  });

  test('overtaken by another process they are planned anew, until they are recorded once', async () => {
    let overtake = async (): Promise<void> => {};
    const { control, another } = await setUp(async () => overtake());
    const other = await another();
    let number = 0;
    overtake = async () => {
      if (number < 3) await other.setLimit({ name: `n${++number}`, value: 1 });
    };
    await Promise.all(targets(10).map((target) => control.kill({ target })));
    expect(number).toBe(3);
    expect((await control.status()).active_kills).toBe(10);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 14 });
  });

  test('are looked for in the log only where an answer was lost, and only where they may be', async () => {
    let hinder = async (_memory: Memory): Promise<void> => {};
    const { control, another, eventsRead } = await setUp((memory) => hinder(memory));
    const other = await another();
    let number = 0;
    const overtake = async (): Promise<void> => {
      const names = Array.from({ length: 50 }, () => `n${number++}`);
      await Promise.all(names.map((name) => other.setLimit({ name, value: 1 })));
    };
    const before = eventsRead();
    hinder = async () => {
      hinder = async () => {};
      await overtake();
    };
    await control.kill({ target: 'agent:a' });
    expect(eventsRead() - before).toBe(0); // the store has said that it was overtaken

    hinder = async (memory) => {
      hinder = async () => {};
      await overtake(); // so it is not in the log, which nobody tells
      memory.fault = 'unreachable';
      setTimeout(() => {
        memory.fault = null;
      });
    };
    expect(await control.kill({ target: 'agent:b' })).toMatchObject({ already: false });
    expect(eventsRead() - before).toBeLessThan(5);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 103 });
  });

  test('whose answer was lost are found in the log, each by its own command', async () => {
    let lose = false;
    const { control, batches } = await setUp((memory) => {
      memory.fault = lose ? 'lost-reply' : null;
      lose = false;
    });
    lose = true;
    const answers = await Promise.all(targets(10).map((target) => control.kill({ target })));
    expect(batches.map((events) => events.length)).toEqual([10]);
    expect(answers.map(({ epoch }) => epoch)).toEqual(targets(10).map((_, index) => index + 2));
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 11 });
  });

  test('where a batch does not fit, smaller ones are tried, down to one by one', async () => {
    const { control, batches } = await setUp((_memory, events) => {
      if (events.length > 3) throw new Error('no room for so many');
    });
    await Promise.all(targets(16).map((target) => control.kill({ target })));
    expect(batches.map((events) => events.length).slice(0, 4)).toEqual([16, 8, 4, 2]);
    expect((await control.status()).active_kills).toBe(16);
  });

  test('one that nobody may append is refused alone', async () => {
    const { control } = await setUp((_memory, events) => {
      if (!events.some(({ data }) => data['target'] === 'agent:a3')) return;
      throw new KillSwitchError('INVALID_ARGUMENT', 'too long');
    });
    const outcomes = await Promise.allSettled(targets(6).map((target) => control.kill({ target })));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  test('whatever shows its progress cannot make a recorded kill fail, or return early', async () => {
    const { control } = await setUp();
    const started = performance.now();
    const onProgress = (): void => {
      throw new Error('the terminal is gone');
    };
    expect(await control.kill({ target: 'all', onProgress })).toMatchObject({ epoch: 2 });
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  test('a wrong target is refused before anything is asked; that it was tried is recorded', async () => {
    const { control, batches } = await setUp();
    await expect(control.kill({ target: 'nonsense' })).rejects.toSatisfy(isKillSwitchError);
    // Only that somebody has tried it is recorded, and nobody waits for that.
    await control.settled();
    expect(batches.flat().map((appended) => appended.type)).toEqual(['refused']);
  });
});
