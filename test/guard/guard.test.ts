import { AsyncLocalStorageTransactionContextPropagator, OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { EFFECTS, MODES, verdictFor } from '../../flags/index.ts';
import { ActionInputError, createKillSwitch, isActionStoppedError, type KillSwitch } from '../../index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

const setUp = (options: Parameters<typeof openMemorySwitch>[0] = {}) => openMemorySwitch({ leaseMs: 1000, ...options });

const changed = async (killSwitch: KillSwitch, agentId: string, verdict: string): Promise<void> =>
  vi.waitFor(() => expect(killSwitch.check({ agentId }).verdict).toBe(verdict));

/** An action that counts what it really did. */
function counter(killSwitch: KillSwitch, name = 'mail.send') {
  const done: string[] = [];
  const action = killSwitch.action({
    name,
    execute: async (input: { to: string }) => {
      done.push(input.to);
      return `sent to ${input.to}`;
    },
  });
  return { done, action };
}

describe('an action', () => {
  test('runs when it is allowed, and gives its result in both forms', async () => {
    const { killSwitch } = await setUp();
    const { action, done } = counter(killSwitch);
    await killSwitch.run({ agentId: 'mailer' }, async () => {
      expect(await action({ to: 'a' })).toBe('sent to a');
      expect(await action.attempt({ to: 'b' })).toMatchObject({
        status: 'executed',
        result: 'sent to b',
        decision: { verdict: 'allow', mode: 'live', cause: { kind: 'mode' }, agentId: 'mailer', action: 'mail.send' },
      });
    });
    expect(done).toEqual(['a', 'b']);
  });

  test('that is killed never starts; the error and the outcome carry the same decision', async () => {
    const { killSwitch, control } = await setUp();
    const { action, done } = counter(killSwitch);
    await control.kill({ target: 'agent:mailer', reason: 'wrong mails' });
    await changed(killSwitch, 'mailer', 'block');
    await killSwitch.run({ agentId: 'mailer' }, async () => {
      const outcome = await action.attempt({ to: 'a' });
      expect(outcome).toMatchObject({
        status: 'blocked',
        decision: {
          mode: 'full_stop',
          cause: { kind: 'kill', target: 'agent:mailer', killedBy: 'unverified:ann', reason: 'wrong mails' },
        },
      });
      const error = await action({ to: 'a' }).catch((thrown: unknown) => thrown);
      expect(isActionStoppedError(error)).toBe(true);
      expect(error).toMatchObject({ code: 'BLOCKED', decision: outcome.decision });
      expect(String(error)).toContain('wrong mails');
    });
    await killSwitch.run({ agentId: 'another' }, () => action({ to: 'b' }));
    expect(done).toEqual(['b']);
  });

  test('outside any run is blocked, unless the kill switch has an agent of its own', async () => {
    const first = await setUp();
    const unnamed = counter(first.killSwitch);
    expect(await unnamed.action.attempt({ to: 'a' })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'identity' } },
    });
    const second = await setUp({ agentId: 'digest' });
    const named = counter(second.killSwitch);
    await named.action({ to: 'a' });
    expect([unnamed.done, named.done]).toEqual([[], ['a']]);
  });

  test('what it throws itself is rethrown as it is', async () => {
    const { killSwitch } = await setUp({ agentId: 'x' });
    const failure = new TypeError('mine');
    const action = killSwitch.action({ name: 'a.b', execute: () => Promise.reject(failure) });
    await expect(action(undefined)).rejects.toBe(failure);
    await expect(action.attempt(undefined)).rejects.toBe(failure);
  });

  test('an input that does not fit its schema is an error of its own name, before anything is decided', async () => {
    const { killSwitch, control } = await setUp({ agentId: 'x' });
    const execute = vi.fn();
    const action = killSwitch.action({ name: 'a.b', inputSchema: z.object({ cents: z.number() }), execute });
    await control.kill({ target: 'all' });
    const error = await action.attempt({ cents: 'many' } as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ActionInputError);
    expect(error).toMatchObject({ name: 'ActionInputError', code: 'INVALID_INPUT', issues: [{ path: 'cents' }] });
    expect(execute).not.toHaveBeenCalled();
  });

  test('in approval_gated mode a write is held, and a read runs', async () => {
    const { killSwitch, control } = await setUp({ agentId: 'x' });
    await control.setMode({ mode: 'approval_gated' });
    await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).verdict).toBe('hold'));
    const write = killSwitch.action({ name: 'a.write', execute: () => 1 });
    const read = killSwitch.action({ name: 'a.read', effect: 'read', execute: () => 2 });
    expect(await write.attempt(undefined)).toMatchObject({ status: 'held', decision: { cause: { kind: 'approval' } } });
    expect(await read(undefined)).toBe(2);
  });
});

describe('check()', () => {
  test('says for every mode and effect what the table says', async () => {
    const { killSwitch, control } = await setUp();
    for (const mode of MODES) {
      await control.setMode({ mode, reason: 'test' });
      await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).mode).toBe(mode));
      for (const effect of EFFECTS) {
        expect(killSwitch.check({ agentId: 'x', effect }).verdict).toBe(verdictFor(mode, effect));
      }
    }
  });

  test('without an agent, or with an invalid name, is a block', async () => {
    const { killSwitch } = await setUp();
    expect(killSwitch.check()).toMatchObject({ verdict: 'block', cause: { kind: 'identity' } });
    for (const agentId of ['', 7, null, ['x']] as never[]) {
      expect(killSwitch.check({ agentId })).toMatchObject({ verdict: 'block', cause: { kind: 'identity' } });
    }
    expect(killSwitch.check({ agentId: 'x', runId: 7 as never }).verdict).toBe('block');
  });

  test('after close everything is blocked, also what had been allowed', async () => {
    const { killSwitch } = await setUp({ agentId: 'x' });
    const { action, done } = counter(killSwitch);
    await killSwitch.close();
    expect(killSwitch.check()).toMatchObject({ verdict: 'block', cause: { code: 'CLOSED' } });
    expect(await action.attempt({ to: 'a' })).toMatchObject({ status: 'blocked' });
    expect(done).toEqual([]);
  });
});

describe('identity', () => {
  test('of concurrent runs never mixes, and a nested run is a child', async () => {
    const { killSwitch, control } = await setUp();
    const { action, done } = counter(killSwitch);
    await control.kill({ target: 'agent:parent' });
    await changed(killSwitch, 'parent', 'block');
    const [child, other] = await Promise.all([
      killSwitch.run({ agentId: 'parent' }, () =>
        killSwitch.run({ agentId: 'child' }, async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          return action.attempt({ to: 'child' });
        }),
      ),
      killSwitch.run({ agentId: 'other' }, () => action.attempt({ to: 'other' })),
    ]);
    expect(child).toMatchObject({
      status: 'blocked',
      decision: { agentId: 'child', cause: { target: 'agent:parent' } },
    });
    expect(other.status).toBe('executed');
    expect(done).toEqual(['other']);
  });

  test('is not lost, nor changed, by a transaction context of the app’s', async () => {
    const { killSwitch, control } = await setUp();
    OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
    const { action } = counter(killSwitch);
    await control.kill({ target: 'agent:guilty' });
    await changed(killSwitch, 'guilty', 'block');
    const inTransaction = <T>(work: () => Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        OpenFeature.setTransactionContext(
          { agent_id: 'innocent', user: 'u-1' },
          () => void work().then(resolve, reject),
        );
      });
    const outcomes = await Promise.all([
      killSwitch.run({ agentId: 'guilty' }, () => inTransaction(() => action.attempt({ to: 'a' }))),
      inTransaction(() => killSwitch.run({ agentId: 'guilty' }, () => action.attempt({ to: 'b' }))),
      inTransaction(() => killSwitch.run({ agentId: 'other' }, () => action.attempt({ to: 'c' }))),
    ]);
    expect(outcomes.map(({ status, decision }) => [status, decision.agentId])).toEqual([
      ['blocked', 'guilty'],
      ['blocked', 'guilty'],
      ['executed', 'other'],
    ]);
  });

  test('a lineage from another process makes the work a child, and can only add restrictions', async () => {
    const { killSwitch, control } = await setUp();
    const { action } = counter(killSwitch);
    const lineage = await killSwitch.run({ agentId: 'boss', missionId: 'm-1', runId: 'r-1' }, (run) => run.lineage);
    const asChild = (target: string) => async () => {
      await control.kill({ target });
      const outcome = await vi.waitFor(async () => {
        const made = await killSwitch.run({ agentId: 'worker', lineage }, () => action.attempt({ to: 'x' }));
        expect(made.status).toBe('blocked');
        return made;
      });
      await control.revive({ target, reason: 'test' });
      await vi.waitFor(async () => {
        expect((await killSwitch.run({ agentId: 'worker', lineage }, () => action.attempt({ to: 'x' }))).status).toBe(
          'executed',
        );
      });
      return outcome;
    };
    for (const target of ['agent:boss', 'mission:m-1', 'run:r-1']) {
      expect(await asChild(target)()).toMatchObject({ decision: { agentId: 'worker', cause: { target } } });
    }
    await expect(killSwitch.run({ agentId: 'worker', lineage: 'nonsense' }, () => 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test.each(['', 'x'.repeat(513), 'a\nb'])('a run of %j is refused', async (agentId) => {
    const { killSwitch } = await setUp();
    await expect(killSwitch.run({ agentId }, () => 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(killSwitch.run({ agentId: 'x', runId: agentId }, () => 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test.each(['__proto__', 'constructor', '*a', 'a:b', '{x}', '🛑', 'x'.repeat(512)])(
    '%s is an agent like any other',
    async (agentId) => {
      const { killSwitch, control } = await setUp();
      const { action } = counter(killSwitch);
      expect((await killSwitch.run({ agentId }, () => action.attempt({ to: 'x' }))).status).toBe('executed');
      await control.kill({ target: `agent:${agentId}` });
      await changed(killSwitch, agentId, 'block');
      expect((await killSwitch.run({ agentId }, () => action.attempt({ to: 'x' }))).status).toBe('blocked');
    },
  );
});

describe('nothing of the app’s loosens a decision', () => {
  test('an OpenFeature hook that names another agent changes nothing', async () => {
    const { killSwitch, control } = await setUp();
    OpenFeature.addHooks({ before: () => ({ agent_id: 'innocent', lineage_agents: [] }) });
    const { action } = counter(killSwitch);
    await control.kill({ target: 'agent:guilty' });
    await changed(killSwitch, 'guilty', 'block');
    expect((await killSwitch.run({ agentId: 'guilty' }, () => action.attempt({ to: 'x' }))).status).toBe('blocked');
  });

  test.each([
    [
      'throws before',
      {
        before: () => {
          throw new Error('mine');
        },
      },
    ],
    [
      'throws after',
      {
        after: () => {
          throw new Error('mine');
        },
      },
    ],
    [
      'rewrites the answer',
      {
        finally: (_context: unknown, details: { value: unknown }) => {
          details.value = 'live';
        },
      },
    ],
  ])('a hook that %s blocks, or leaves a kill a kill', async (_name, hook) => {
    const { killSwitch, control } = await setUp();
    OpenFeature.addHooks(hook as never);
    const { action } = counter(killSwitch);
    await control.kill({ target: 'agent:guilty' });
    await changed(killSwitch, 'guilty', 'block');
    expect((await killSwitch.run({ agentId: 'guilty' }, () => action.attempt({ to: 'x' }))).status).toBe('blocked');
  });

  test('a hook that hangs blocks at the deadline of the evaluation', async () => {
    const { killSwitch } = await setUp({ agentId: 'x' });
    OpenFeature.addHooks({ before: () => new Promise<never>(() => {}) as never });
    const { action } = counter(killSwitch);
    expect(await action.attempt({ to: 'x' })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'DEADLINE_EXCEEDED' } },
    });
  });
});

describe('createKillSwitch', () => {
  test.each([
    ['nothing to ask', {}],
    ['a lease that is too short', { store: memoryStore(), leaseMs: 10 }],
    ['an agent without a name', { store: memoryStore(), agentId: '' }],
    ['an organisation with a line break', { store: memoryStore(), organizationId: 'a\nb' }],
  ])('rejects %s', async (_name, options) => {
    await expect(createKillSwitch(options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('a domain has one open kill switch, and is free when its close() has ended', async () => {
    const { store, domain, killSwitch } = await setUp();
    const taken = /close it first \(await its close\(\)\), or give/;
    await expect(createKillSwitch({ store, domain })).rejects.toThrow(taken);
    const closed = killSwitch.close();
    await expect(createKillSwitch({ store, domain })).rejects.toThrow(taken);
    await closed;
    await (await createKillSwitch({ store, domain })).close();
  });

  test('an unreachable store is full_stop, not a crash, and it recovers by itself', async () => {
    const store = memoryStore();
    const control: ControlPlane = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' } });
    await control.init();
    store.memory.fault = 'unreachable';
    const killSwitch = await createKillSwitch({ store, domain: 'unreachable', leaseMs: 500, agentId: 'x' });
    closeAfterwards(killSwitch);
    expect(killSwitch.check()).toMatchObject({ mode: 'full_stop', cause: { code: 'STORE_UNREACHABLE' } });
    store.memory.fault = null;
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('draft_only'));
  });
});
