import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
import { openControlPlane, type RollbackAnswer } from '../../operator/index.ts';
import { closeAfterwards, type Sides } from './open-switch.ts';
import { allStores } from './real-sides.ts';

const WAIT = { waitMs: 5000, reason: 'wrong values' };

/** For what executors report with their next beat. */
const LONG = { timeout: 20_000, interval: 50 };

/** Two people, an executor that has set a row to 1, 2, 3, and what is done to it. `restore`: how that is undone. */
async function open({ store, controlStore }: Sides, restore: (to: number) => unknown = () => sleep(20)) {
  const [ann, erik] = await Promise.all(
    ['ann', 'erik'].map((id) => openControlPlane({ store: controlStore, operator: { id } })),
  );
  if (!ann || !erik) throw new Error('unreachable');
  closeAfterwards(ann, erik);
  await ann.init();
  await ann.setMode({ mode: 'live', reason: 'test' });
  const row = { is: 0, active: 0, most: 0, restored: [] as string[] };
  const executor = async (name: string, undo = restore) => {
    const killSwitch = await createKillSwitch({
      ...{ store, domain: `together-${Math.random()}`, executor: { name }, agentId: 'x', leaseMs: 1000 },
    });
    closeAfterwards(killSwitch);
    const set = killSwitch.action({
      name: 'row.set',
      reverse: { action: 'row.restore', input: (result: { was: number }) => result },
      async execute({ to }: { to: number }) {
        const was = row.is;
        row.is = to;
        return { was };
      },
    });
    killSwitch.action({
      name: 'row.restore',
      async execute({ was }: { was: number }) {
        row.active += 1;
        row.most = Math.max(row.most, row.active);
        await undo(was);
        row.active -= 1;
        row.is = was;
        row.restored.push(`${name} ${was}`);
      },
    });
    await vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', LONG);
    return { killSwitch, set };
  };
  const registered = (count: number) => vi.waitUntil(async () => (await ann.surfaces()).count === 2 * count, LONG);
  return { ann, erik, row, executor, registered };
}

/** Sets the row to 1, 2, 3 in a run. */
const setIn = (killSwitch: KillSwitch, set: (input: { to: number }) => Promise<unknown>, runId: string) =>
  killSwitch.run({ runId, missionId: 'm' }, async () => {
    for (const to of [1, 2, 3]) await set({ to });
  });

const outcomes = ({ actions }: RollbackAnswer): string => actions.map(({ outcome }) => outcome).join(' ');

describe.each(allStores)('two rollbacks at a time, in %s', (_name, openPlace) => {
  test('of the same run are one: the second person follows the first, and it is undone in order', async () => {
    const { ann, erik, row, executor, registered } = await open(await openPlace());
    const { killSwitch, set } = await executor('first');
    await registered(1);
    await setIn(killSwitch, set, 'r');
    const answers = await Promise.all([ann, erik].map((each) => each.rollback({ run: 'r', ...WAIT, waitMs: 30_000 })));
    expect(row).toMatchObject({ is: 0, most: 1, restored: ['first 2', 'first 1', 'first 0'] });
    for (const answer of answers)
      expect([outcomes(answer), answer.stopped]).toEqual(['reversed reversed reversed', null]);
    expect(new Set(answers.map(({ rollback }) => rollback?.id)).size).toBe(1);
  });

  test('of a run and of its mission never run at once', async () => {
    const { ann, erik, row, executor, registered } = await open(await openPlace(), () => sleep(100));
    const { killSwitch, set } = await executor('first');
    await registered(1);
    await setIn(killSwitch, set, 'r');
    const answers = await Promise.all([ann.rollback({ run: 'r', ...WAIT }), erik.rollback({ mission: 'm', ...WAIT })]);
    expect(row.most).toBe(1);
    // Whichever stop came last has ended the other rollback; asked again, there is nothing that is in the way.
    const again = await ann.rollback({ mission: 'm', ...WAIT });
    expect([again.stopped, row.is], JSON.stringify(answers.map(({ stopped }) => stopped))).toEqual([null, 0]);
    expect(row.restored).toEqual(['first 2', 'first 1', 'first 0']);
  });

  test('of two runs are performed one after the other by the one executor that has both', async () => {
    const { ann, erik, row, executor, registered } = await open(await openPlace(), () => sleep(50));
    const { killSwitch, set } = await executor('first');
    await registered(1);
    await setIn(killSwitch, set, 'r');
    await setIn(killSwitch, set, 's');
    const answers = await Promise.all([ann.rollback({ run: 's', ...WAIT }), erik.rollback({ run: 'r', ...WAIT })]);
    expect(answers.map(({ stopped }) => stopped)).toEqual([null, null]);
    expect(row.most).toBe(1);
  });

  test('a rollback that has some of the same to undo and goes on is waited for, and named where it takes long', async () => {
    let goOn = (): void => {};
    const hangs = new Promise<void>((resolve) => void (goOn = resolve));
    onTestFinished(() => goOn());
    const { ann, erik, row, executor, registered } = await open(await openPlace(), () => hangs);
    const { killSwitch, set } = await executor('first');
    await registered(1);
    await killSwitch.run({ runId: 'r', missionId: 'm' }, () => set({ to: 1 }));
    await killSwitch.run({ runId: 's', missionId: 'm' }, () => set({ to: 2 }));
    const left = await ann.rollback({ mission: 'm', ...WAIT, signal: AbortSignal.timeout(2000) });
    expect([outcomes(left), left.goes_on]).toEqual(['reversing reversing', true]);
    expect(left.actions[0]?.detail).toBe('by row.restore, now, in the executor first');
    const other = await erik.rollback({ run: 'r', reason: 'that one first', waitMs: 500 });
    expect([other.rollback, outcomes(other)]).toEqual([null, 'failed']);
    expect(other.stopped).toContain('the rollback of mission:m, asked by unverified:ann, has some of the same to undo');
    goOn();
    const again = await erik.rollback({ run: 'r', ...WAIT });
    expect([again.stopped, outcomes(again), row.is, row.most]).toEqual([null, 'reversed', 0, 1]);
    expect(row.restored).toEqual(['first 1', 'first 0']);
  });

  test('taken over twice, and back by the first, it goes on and is waited for to its end', async () => {
    let isSlow = true;
    const told = (to: number): unknown => (isSlow && to === 2 ? sleep(60_000, undefined, { ref: false }) : null);
    const { ann, erik, row, executor, registered } = await open(await openPlace(), () => null);
    const { killSwitch, set } = await executor('first', told);
    await registered(1);
    await setIn(killSwitch, set, 'r');
    const first = ann.rollback({ run: 'r', ...WAIT, timeoutMs: 500 });
    await vi.waitUntil(() => row.active > 0, LONG);
    isSlow = false;
    const second = await executor('second');
    expect(second.killSwitch).toBeDefined();
    await registered(2);
    const over = [
      erik.rollback({ run: 'r', ...WAIT, takeOver: true }),
      erik.rollback({ run: 'r', ...WAIT, takeOver: true }),
    ];
    const answers = await Promise.all([first, ...over]);
    for (const answer of answers) {
      expect([outcomes(answer).replace('failed', 'unknown'), answer.stopped]).toEqual([
        'unknown reversed reversed',
        null,
      ]);
      expect(answer.rollback?.performer.name).toBe('second');
    }
    expect(row.restored).toEqual(['second 1', 'second 0']);

    await setIn(killSwitch, set, 's');
    isSlow = true;
    const third = ann.rollback({ run: 's', ...WAIT, timeoutMs: 500 });
    await vi.waitUntil(async () => (await ann.executors()).data.some(({ in_flight }) => in_flight > 1), LONG);
    isSlow = false;
    const begun: string[] = [];
    const onBegun = ({ performer }: { readonly performer: { readonly name: string } }) =>
      void begun.push(performer.name);
    const once = erik.rollback({ run: 's', ...WAIT, takeOver: true, onBegun });
    await vi.waitUntil(() => begun.length === 1, LONG);
    const twice = erik.rollback({ run: 's', ...WAIT, takeOver: true, onBegun });
    const ends = await Promise.all([third, once, twice]);
    expect(begun).toHaveLength(2);
    for (const end of ends)
      expect([end.goes_on, end.stopped, end.rollback?.performer.name]).toEqual([false, null, begun[1]]);
  });
});
