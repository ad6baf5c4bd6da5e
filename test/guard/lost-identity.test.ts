import { AsyncResource } from 'node:async_hooks';
import { OpenFeature } from '@openfeature/server-sdk';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type CreateKillSwitchOptions,
  createKillSwitch,
  type GuardedAction,
  type Outcome,
  type Run,
} from '../../index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { loader, sharedByRuns, timerOfTheModule } from './shared-work.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

afterEach(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

/** A switch under which the agent `guilty` is killed, and everybody else is not. */
async function setUp(options: Partial<CreateKillSwitchOptions> = {}) {
  const store = memoryStore();
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const killSwitch = await createKillSwitch({ store, domain: `lost-${Math.random()}`, ...options });
  onTestFinished(async () => {
    await killSwitch.close();
    await control.close();
  });
  const kill = async (agentId: string): Promise<void> => {
    await control.kill({ target: `agent:${agentId}` });
    await vi.waitFor(() => expect(killSwitch.check({ agentId }).verdict).toBe('block'));
  };
  await kill('guilty');
  const act = killSwitch.action({ name: 'work.do', execute: () => 1 });
  return { control, killSwitch, act, kill };
}

type Act = GuardedAction<unknown, number>;
const asItIs = (_run: Run, act: Act) => (): Promise<Outcome<number>> => act.attempt(undefined);
const RECIPES = {
  'run.bind': (run: Run, act: Act) => run.bind(() => act.attempt(undefined)),
  'run.attempt': (run: Run, act: Act) => () => run.attempt(act, undefined),
  'run.call': (run: Run, act: Act) => () =>
    run.call(act, undefined).then(
      () => ({ status: 'executed' }),
      (error) => ({ status: 'blocked', decision: error.decision }),
    ),
  'AsyncResource.bind': (_run: Run, act: Act) => AsyncResource.bind(() => act.attempt(undefined)),
};
const executedAs = (agentId: string) => ({ status: 'executed', decision: { agentId } });
const stopped = { status: 'blocked', decision: { agentId: 'guilty', cause: { kind: 'kill', target: 'agent:guilty' } } };

describe('what runs share calls back as another run', () => {
  test('lets a killed agent act under that run’s name; each recipe keeps it stopped', async () => {
    const { killSwitch, act } = await setUp();
    for (const shared of await sharedByRuns()) {
      onTestFinished(shared.close);
      /** What comes of an action of the killed agent's in a callback, where another run was the first to come. */
      const outcome = (call: (run: Run, act: Act) => () => unknown): Promise<unknown> => {
        void killSwitch.run({ agentId: 'innocent' }, () => shared.use(() => {}));
        return killSwitch.run(
          { agentId: 'guilty' },
          (run) =>
            new Promise((resolve) => {
              const perform = call(run, act);
              shared.use(() => resolve(perform()));
            }),
        );
      };
      expect(await outcome(asItIs), shared.name).toMatchObject(executedAs('innocent'));
      for (const [recipe, call] of Object.entries(RECIPES)) {
        expect(await outcome(call), `${shared.name}, ${recipe}`).toMatchObject(stopped);
      }
    }
  });

  test('a loader of batches works as whoever asked first; run.attempt gives each key its own', async () => {
    const { killSwitch, act } = await setUp();
    const asks = async (ask: (run: Run) => Promise<unknown>) => {
      const first = killSwitch.run({ agentId: 'innocent' }, ask);
      return [await killSwitch.run({ agentId: 'guilty' }, ask), await first];
    };
    const plain = loader((keys: readonly number[]) => Promise.all(keys.map(() => act.attempt(undefined))));
    expect(await asks(() => plain(1))).toMatchObject([executedAs('innocent'), executedAs('innocent')]);
    const afterwards = await asks(async () => {
      await plain(1);
      return act.attempt(undefined);
    });
    expect(afterwards, 'who awaits goes on as itself').toMatchObject([stopped, executedAs('innocent')]);
    const named = loader((runs: readonly Run[]) => Promise.all(runs.map((run) => run.attempt(act, undefined))));
    expect(await asks((run) => named(run))).toMatchObject([stopped, executedAs('innocent')]);
  });
});

describe('what is outside all runs', () => {
  const inTimer = (killSwitch: Awaited<ReturnType<typeof setUp>>['killSwitch'], call: (run: Run) => () => unknown) => {
    const shared = timerOfTheModule();
    onTestFinished(shared.close);
    return killSwitch.run(
      { agentId: 'guilty' },
      (run) =>
        new Promise((resolve) => {
          const perform = call(run);
          shared.use(() => resolve(perform()));
        }),
    );
  };

  test('acts as the switch’s own agent, though the run’s is killed; each recipe keeps it stopped', async () => {
    const { killSwitch, act } = await setUp({ agentId: 'by-default' });
    expect(await inTimer(killSwitch, (run) => asItIs(run, act))).toMatchObject(executedAs('by-default'));
    for (const recipe of Object.values(RECIPES)) {
      expect(await inTimer(killSwitch, (run) => recipe(run, act))).toMatchObject(stopped);
    }
  });

  test('acts as nobody with requireRun, and the error says what to do', async () => {
    const { killSwitch, act } = await setUp({ agentId: 'by-default', requireRun: true });
    const refused = {
      verdict: 'block',
      agentId: undefined,
      cause: { kind: 'identity', message: expect.stringMatching(/requireRun.*run\.bind/s) },
    };
    expect(await inTimer(killSwitch, (run) => asItIs(run, act))).toMatchObject({
      status: 'blocked',
      decision: refused,
    });
    await expect(act(undefined)).rejects.toMatchObject({ code: 'BLOCKED', decision: refused });
    expect(killSwitch.check()).toMatchObject(refused);
    expect(killSwitch.check({ agentId: 'by-default' }).verdict).toBe('allow');
    expect(await inTimer(killSwitch, (run) => RECIPES['run.bind'](run, act))).toMatchObject(stopped);
    expect(await killSwitch.run({}, () => act.attempt(undefined))).toMatchObject(executedAs('by-default'));
    expect(await killSwitch.job({}, () => act.attempt(undefined))()).toMatchObject({
      result: executedAs('by-default'),
    });
  });

  test('is refused with requireRun also where the switch has no agent of its own', async () => {
    const { act } = await setUp({ requireRun: true });
    expect(await act.attempt(undefined)).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'identity' } },
    });
  });
});

describe('a bound function', () => {
  test('keeps its run when that has ended: later kills still reach it, of the run and of those above', async () => {
    const { killSwitch, act, control } = await setUp();
    for (const target of ['agent:late', 'run:ended', 'mission:above']) {
      const bound = await killSwitch.run({ missionId: 'above', agentId: 'boss' }, () =>
        killSwitch.run({ agentId: 'late', runId: 'ended' }, (run) => run.bind(() => act.attempt(undefined))),
      );
      expect(await bound()).toMatchObject(executedAs('late'));
      const { epoch } = await control.kill({ target });
      await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).epoch).toBeGreaterThanOrEqual(epoch));
      expect(await bound()).toMatchObject({ status: 'blocked', decision: { cause: { target } } });
      const revived = await control.revive({ target, reason: 'next' });
      await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).epoch).toBeGreaterThanOrEqual(revived.epoch));
    }
  });

  test('passes on arguments, this, result and errors; runs that it opens are children', async () => {
    const { killSwitch } = await setUp();
    const lineage = await killSwitch.run({ agentId: 'a' }, async (run) => {
      const bound = run.bind(function (this: { readonly base: number }, more: number) {
        return this.base + more;
      });
      expect(bound.call({ base: 1 }, 2)).toBe(3);
      const failing = run.bind(() => {
        throw new Error('mine');
      });
      expect(failing).toThrow('mine');
      expect(() => run.bind(1 as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      return run.bind(() => killSwitch.run({ agentId: 'b' }, (child) => child.lineage));
    });
    expect(Buffer.from(await lineage(), 'base64url').toString()).toContain('["a","b"]');
  });
});

test('an action of another switch is refused: it would not run as this run', async () => {
  const { killSwitch } = await setUp();
  const other = await setUp({ agentId: 'by-default' });
  await killSwitch.run({ agentId: 'guilty' }, async (run) => {
    const error = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('work.do') };
    await expect(run.attempt(other.act, undefined)).rejects.toMatchObject(error);
    await expect(run.call(other.act, undefined)).rejects.toMatchObject(error);
    await expect(run.call((() => Promise.resolve(1)) as never, undefined)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
