import { expect, test } from 'vitest';
import { KeptSwitch } from '../../operator/kept-switch.ts';
import { openControlPlane } from '../../operator/index.ts';
import { CATCH_UP_EVENTS } from '../../store/answers.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';

const SCOPE = { organizationId: 'default', requestTimeoutMs: 1000, onReading: () => {} };

async function open() {
  const store = memoryControlStore(memoryStore());
  const control = await openControlPlane({ store, operator: { id: 'dana' } });
  await control.init();
  const connection = store.open(SCOPE);
  let loads = 0;
  const counted: Pick<ControlConnection, 'load' | 'log' | 'read'> = {
    load: (...given) => {
      loads += 1;
      return connection.load(...given);
    },
    log: (after) => connection.log(after),
    read: (keys) => connection.read(keys),
  };
  const kept = new KeptSwitch(counted, { location: 'memory', organizationId: 'default' });
  const look = () => kept.use(async ({ state }) => ({ epoch: state.epoch, entries: [...state.entries()] }));
  const fresh = async () => {
    const { head, entries } = await connection.load(null, 'n');
    return { epoch: head?.epoch, entries: [...entries] };
  };
  return { control, look, fresh, kept, loads: () => loads };
}

test('it is loaded once, and then follows whatever is changed', async () => {
  const { control, look, fresh, loads } = await open();
  const changes = [
    () => control.kill({ target: 'agent:a', waitMs: 0 }),
    () => control.kill({ target: 'agent:a', waitMs: 0 }),
    () => control.setFeature({ name: 'f', stage: 'shadow', reason: 'x', waitMs: 0 }),
    () => control.revive({ target: 'agent:a', reason: 'x' }),
    () => control.setBudget({ scope: 'day', usd: 5 }),
    () => control.setMode({ mode: 'live', reason: 'x' }),
    () => control.recover({ reason: 'x' }),
  ];
  for (const change of changes) {
    expect(await look()).toEqual(await fresh());
    await change();
  }
  expect(await look()).toEqual(await fresh());
  expect(loads()).toBe(2); // and once more after `recover`, which begins another generation
});

test('what is too far ahead is loaded', async () => {
  const { control, look, fresh, loads } = await open();
  await look();
  const targets = Array.from({ length: CATCH_UP_EVENTS + 1 }, (_, at) => `agent:a-${at}`);
  await Promise.all(targets.map((target) => control.kill({ target, waitMs: 0 })));
  expect(await look()).toEqual(await fresh());
  expect(loads()).toBe(2);
});

test('nobody sees a state that changes while it is looked at, and one who fails keeps nobody from looking', async () => {
  const { control, kept } = await open();
  let go = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    go = resolve;
  });
  const first = kept.use(async ({ state }) => {
    const before = state.epoch;
    await waiting;
    return [before, state.epoch];
  });
  await control.kill({ target: 'agent:a', waitMs: 0 });
  const second = kept.use(async () => Promise.reject(new Error('no')));
  const third = kept.use(async ({ state }) => state.epoch);
  go();
  expect(await first).toEqual([1, 1]);
  await expect(second).rejects.toThrow('no');
  expect(await third).toBe(2);
});

test('of the kills of a status as many are named as are asked for, the newest first', async () => {
  const { control } = await open();
  for (const target of ['agent:a', 'agent:b', 'agent:c', 'agent:d']) await control.kill({ target, waitMs: 0 });
  await control.kill({ target: 'agent:b', waitMs: 0 }); // seconded, and so changed last
  const all = await control.status();
  for (const page of [{ limit: 2 }, { skip: 1, limit: 2 }, { skip: 3 }, { skip: 9, limit: 1 }, { limit: 4000 }]) {
    const { skip = 0, limit = 4000 } = page;
    const status = await control.status(page);
    expect(status.kills).toEqual(all.kills.slice(skip, skip + limit));
    expect(status).toMatchObject({ active_kills: 4, killed_since: all.kills.at(-1)?.killed_at });
    expect((await control.kills(page)).data).toEqual(status.kills);
  }
  expect(all.kills.map(({ target }) => target)).toEqual(['agent:b', 'agent:d', 'agent:c', 'agent:a']);
});
