import { describe, expect, test, vi } from 'vitest';
import { type Intervention, type Mode, type Reading, type Subject } from '../../flags/index.ts';
import type { Guard } from '../../guard/guard.ts';
import { createIdentityStorage } from '../../guard/identity.ts';
import type { CheckOptions } from '../../guard/check.ts';
import { killSwitchOf } from '../../guard/kill-switch.ts';
import { Registry } from '../../guard/registry.ts';
import type { Run } from '../../guard/run.ts';
import { bareGuard, type BareParts, HandSwitch } from './bare-guard.ts';

/** A switch over a guard without I/O; what its copy was asked about, what was recorded, and what is kept of runs. */
function open(parts: Partial<BareParts & Pick<Guard, 'requireRun'>> = {}) {
  const hand = new HandSwitch();
  const records: Intervention[] = [];
  const looked: Subject[] = [];
  const storage = createIdentityStorage();
  const bare = bareGuard({ hand, record: async (more) => void records.push(...more), ...parts });
  const byDefault = bare.identity();
  const reading = (subject: Subject): Reading => {
    looked.push(subject);
    return hand.reading();
  };
  const guard: Guard = {
    ...bare,
    requireRun: parts.requireRun ?? false,
    replica: bare.replica && { ...bare.replica, reading },
    identity: () => storage.getStore() ?? byDefault,
    parent: () => storage.getStore() ?? byDefault,
  };
  const checkpoints = {
    saveCheckpoint: async () => {},
    lastCheckpoint: async () => null,
    removeCheckpoint: vi.fn(async (_runId: string) => {}),
  };
  const registry = new Registry(() => {});
  const killSwitch = killSwitchOf({
    ...{ guard, storage, registry, actions: new Map(), checkpoints, outcomes: null, close: async () => {} },
  });
  return { hand, guard, killSwitch, registry, records, looked, checkpoints };
}

describe('check()', () => {
  test('decides about whom it names, as a write where it names no effect that there is', () => {
    const { killSwitch, looked } = open();
    const all = { agentId: 'a', missionId: 'm', runId: 'r', action: 'a.b', surface: 'tool', feature: 'f' } as const;
    expect(killSwitch.check({ ...all, effect: 'read' })).toMatchObject({ verdict: 'allow', agentId: 'a' });
    killSwitch.check({ effect: 'all of it' as never });
    killSwitch.check();
    expect(looked).toMatchObject([
      { ...all, organizationId: 'default', effect: 'read' },
      { agentId: 'x', effect: 'write' },
      { agentId: 'x', effect: 'write', action: undefined },
    ]);
  });

  test('in a run is about that run, with its parents', async () => {
    const { killSwitch, looked } = open();
    await killSwitch.run({ agentId: 'a', missionId: 'm', runId: 'r' }, () => killSwitch.check());
    const own = { agentId: 'a', missionId: 'm', runId: 'r', lineageAgents: ['x'] };
    expect(looked.at(-1)).toMatchObject(own);
    await killSwitch.run({ agentId: 'a', missionId: 'm', runId: 'r' }, () => killSwitch.check({ agentId: 'b' }));
    expect(looked.at(-1)).toMatchObject({ ...own, agentId: 'b' });
  });

  test.each(['agentId', 'missionId', 'runId', 'action', 'surface', 'feature'] as const)(
    'blocks for a wrong %s, and says which it is',
    (what) => {
      const { killSwitch, looked } = open();
      expect(killSwitch.check({ [what]: '' })).toMatchObject({
        verdict: 'block',
        cause: { kind: 'identity', message: expect.stringMatching(`^the ${what} given to check\\(\\) `) },
      });
      expect(looked).toEqual([]);
    },
  );

  test.each<[unknown, RegExp]>([
    ['x', /check/],
    [7, /of check are an object, not 7/],
    [null, /of check are an object, not null/],
    [{ agentID: 'x' }, /"agentID" of check.*"agentId"/],
  ])('blocks for %j, which are no options', (options, message) => {
    expect(open().killSwitch.check(options as CheckOptions)).toMatchObject({
      verdict: 'block',
      cause: { kind: 'identity', message: expect.stringMatching(message) },
    });
  });

  test('blocks where nobody is named, and says what to do', () => {
    for (const [requireRun, message] of [
      [false, 'check() knows no agent to decide about: give it an agentId, or call it inside a run'],
      [true, expect.stringMatching(/^this call came from outside every run/)],
    ] as const)
      expect(open({ agentId: '', requireRun }).killSwitch.check()).toMatchObject({
        verdict: 'block',
        cause: { kind: 'identity', message },
      });
  });

  test('blocks without a store; once closed it says so first', () => {
    const { killSwitch, hand } = open({ hasStore: false });
    expect(killSwitch.check()).toMatchObject({
      verdict: 'block',
      cause: {
        code: 'NO_LOCAL_STATE',
        message:
          'this switch has no store, so check() has no local state to look at: use attempt() of an action instead',
      },
    });
    hand.closed = true;
    expect(killSwitch.check()).toMatchObject({
      verdict: 'block',
      cause: { code: 'CLOSED', message: 'this switch has been closed' },
    });
  });
});

describe('a run', () => {
  test('has a new id where it is given none', async () => {
    const { killSwitch } = open();
    const ids = await Promise.all([1, 2].map(() => killSwitch.run({}, ({ runId }) => runId)));
    expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  test('is closed however it ends, and its checkpoint is forgotten where it has ended well', async () => {
    const { killSwitch, hand, checkpoints } = open();
    const work = async (run: Run, end: () => number): Promise<number> => {
      await run.checkpoint('first');
      expect(hand.inFlight.work.runs).toEqual([run.runId]);
      return end();
    };
    const failing = (): never => {
      throw new Error('mine');
    };
    await expect(killSwitch.run({ runId: 'bad' }, (run) => work(run, failing))).rejects.toThrow('mine');
    expect(hand.inFlight.work.runs).toEqual([]);
    expect(await killSwitch.run({ runId: 'good' }, (run) => work(run, () => 7))).toBe(7);
    expect(hand.inFlight.work.runs).toEqual([]);
    expect(checkpoints.removeCheckpoint.mock.calls).toEqual([['good']]);
  });
});

describe('the options', () => {
  test('of a run are its own', async () => {
    const problem = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('"agentID" of run ') };
    await expect(open().killSwitch.run({ agentID: 'x' } as never, () => 1)).rejects.toMatchObject(problem);
  });

  test('of an attempt are read like those of a call', async () => {
    const action = open().killSwitch.action({ name: 'a.b', execute: () => 1 });
    for (const call of [action, action.attempt])
      await expect(call(undefined, { waitMs: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a tick of a job', () => {
  test('is a run of its own each time, decided as a read on the schedule', async () => {
    const { killSwitch, looked } = open();
    const tick = killSwitch.job({ agentId: 'nightly' }, ({ agentId, runId }) => [agentId, runId]);
    const [first, second] = [await tick(), await tick()];
    expect(first).toEqual({ status: 'ran', result: ['nightly', expect.any(String)] });
    expect(second).not.toEqual(first);
    expect(looked[0]).toMatchObject({ agentId: 'nightly', effect: 'read', surface: 'schedule', action: undefined });
  });

  test('that may not run is skipped and recorded; its work is not called', async () => {
    for (const mode of ['paused', 'full_stop'] as const) {
      const { killSwitch, hand, guard, records } = open();
      hand.mode = mode;
      const work = vi.fn();
      expect(await killSwitch.job({}, work)()).toMatchObject({ status: 'skipped', decision: { mode } });
      await guard.interventions.close();
      expect(records).toMatchObject([{ status: 'skipped', state: 'refused', input: null, surface: 'schedule' }]);
      expect(work).not.toHaveBeenCalled();
    }
  });

  test('is asked for again after each turn for which it waits, and decided by the last answer', async () => {
    let busy = 2;
    const answers: Mode[] = ['live', 'live', 'full_stop'];
    const evaluate = vi.fn(async () => answers.shift() ?? 'live');
    const beforeStart = (): Promise<void> | null =>
      busy-- > 0 ? new Promise((resolve) => setImmediate(resolve)) : null;
    const { killSwitch } = open({ evaluate, turns: { beforeCall: () => null, beforeStart } });
    const work = vi.fn();
    expect(await killSwitch.job({}, work)()).toMatchObject({ status: 'skipped', decision: { mode: 'full_stop' } });
    expect([evaluate.mock.calls.length, work.mock.calls]).toEqual([3, []]);
  });

  test('is counted with the time that it took to decide', async () => {
    const decided = vi.fn();
    const { killSwitch } = open({ decided });
    const before = performance.now();
    await killSwitch.job({}, () => 1)();
    const took = performance.now() - before;
    const [[decision, ms]] = decided.mock.calls as [[unknown, number]];
    expect(decision).toMatchObject({ verdict: 'allow', mode: 'live' });
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(ms).toBeLessThanOrEqual(took);
  });

  test('that fails, fails with its own error', async () => {
    const failing = (): never => {
      throw new Error('mine');
    };
    await expect(open().killSwitch.job({}, failing)()).rejects.toThrow('mine');
  });

  test('of nobody is an error when the job is made, not at its first tick', () => {
    expect(() => open().killSwitch.job({ agentId: '' }, () => 1)).toThrow(/^agentId /);
    expect(() => open().killSwitch.job({ missionId: '' }, () => 1)).toThrow(/^missionId /);
    expect(() => open().killSwitch.job({ runId: '' }, () => 1)).toThrow(/^runId /);
  });
});

describe('an action', () => {
  test('is used by each call of either form, as operators see', async () => {
    const { killSwitch, registry } = open();
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    expect(registry.take()).toMatchObject([{ action: 'a.b', last_used: null }]);
    for (const use of [() => action(undefined), () => action.attempt(undefined)]) {
      await use();
      expect(registry.take()).toMatchObject([{ last_used: expect.any(String) }]);
    }
  });

  test('waits in a pause without end where it is called, and not at all where it is attempted', async () => {
    const { killSwitch, hand } = open();
    hand.mode = 'paused';
    const action = killSwitch.action({ name: 'a.b', execute: () => 'did' });
    for (const options of [undefined, {}]) expect((await action.attempt(undefined, options)).status).toBe('paused');
    const calls = [action(undefined), action(undefined, {})];
    await new Promise((resolve) => setImmediate(resolve));
    hand.mode = 'live';
    hand.changed();
    expect(await Promise.all(calls)).toEqual(['did', 'did']);
    hand.mode = 'paused';
    await expect(action(undefined, { waitMs: 0 })).rejects.toMatchObject({ code: 'PAUSED' });
  });

  test('is known to the runs of its own switch alone', async () => {
    const [{ killSwitch }, other] = [open(), open()];
    const [ours, foreign] = [killSwitch, other.killSwitch].map((of) =>
      of.action({ name: 'a.b', execute: () => 'did' }),
    );
    if (!ours || !foreign) throw new Error('two actions');
    await killSwitch.run({}, async (run) => {
      expect(await run.call(ours, undefined)).toBe('did');
      await expect(run.call(foreign, undefined)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });
  });

  test('that is irreversible takes a store', async () => {
    const definition = { name: 'a.b', irreversible: true, execute: () => 'did' } as const;
    const attempt = (hasStore: boolean) => open({ hasStore }).killSwitch.action(definition).attempt(undefined);
    expect(await attempt(true)).toMatchObject({ status: 'executed', result: 'did' });
    expect(await attempt(false)).toMatchObject({
      status: 'blocked',
      decision: {
        cause: { code: 'UNSUPPORTED', message: expect.stringContaining('needs a store that confirms it') },
      },
    });
  });

  test('gives the result of what was redirected, and an error for what was stopped', async () => {
    const { killSwitch, hand } = open();
    const action = killSwitch.action({
      name: 'a.b',
      execute: (input: string) => `did ${input}`,
      redirect: (input) => `safe ${input}`,
      draft: (input) => `draft of ${input}`,
    });
    hand.mode = 'test_mode';
    expect(await action('it')).toBe('did safe it');
    hand.mode = 'draft_only';
    await expect(action('it')).rejects.toMatchObject({ name: 'ActionStoppedError', code: 'DRAFTED' });
    hand.mode = 'full_stop';
    await expect(action('it')).rejects.toMatchObject({ code: 'BLOCKED', decision: { mode: 'full_stop' } });
  });
});
