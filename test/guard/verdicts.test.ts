import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { EFFECTS, MODES, type Mode, verdictFor } from '../../flags/index.ts';
import { ActionStoppedError, type HandlerContext, type KillSwitch } from '../../index.ts';
import { openMemorySwitch } from './open-switch.ts';

async function setUp(options: Parameters<typeof openMemorySwitch>[0] = {}) {
  const { memory, control, killSwitch } = await openMemorySwitch({ leaseMs: 1000, agentId: 'x', ...options });
  const setMode = async (mode: Mode): Promise<void> => {
    await control.setMode({ mode, reason: 'test' });
    await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).mode).toBe(mode));
  };
  return { memory, control, killSwitch, setMode };
}

const mail = (killSwitch: KillSwitch, more: object = {}) => {
  const sent: unknown[] = [];
  const action = killSwitch.action({
    name: 'mail.send',
    execute: async (input: { to: string; text: string; password?: string }) => {
      sent.push(input);
      return sent.length;
    },
    ...more,
  });
  return { sent, action };
};

test('every mode and effect does what the table says', async () => {
  const { killSwitch, setMode } = await setUp();
  const actions = EFFECTS.map((effect) => {
    const execute = vi.fn(() => 'done');
    const action = killSwitch.action({
      name: `all.${effect}`,
      effect,
      execute,
      redirect: (input: string) => `safe ${input}`,
      draft: (input: string) => `draft of ${input}`,
    });
    return { effect, execute, action };
  });
  let checked = 0;
  for (const mode of MODES) {
    await setMode(mode);
    for (const { effect, execute, action } of actions) {
      execute.mockClear();
      const outcome = await action.attempt('it');
      const expected = {
        allow: { status: 'executed', calls: [['it']] },
        redirect: { status: 'redirected', calls: [['safe it']] },
        draft: { status: 'drafted', calls: [] },
        pause: { status: 'paused', calls: [] },
        hold: { status: 'blocked', calls: [] }, // until there are approvals
        block: { status: 'blocked', calls: [] },
      }[verdictFor(mode, effect)];
      expect({ mode, effect, status: outcome.status }).toEqual({ mode, effect, status: expected.status });
      expect(execute.mock.calls.map(([input]: unknown[]) => [input])).toEqual(expected.calls);
      checked += 1;
    }
  }
  expect(checked).toBe(MODES.length * EFFECTS.length);
});

/**
 * A handler that ends only when its call has given it up; else it would stay in flight, and closing would wait for it.
 */
const untilGivenUp = (_input: unknown, { signal }: HandlerContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));

describe('test_mode', () => {
  const redirect = (input: { to: string; text: string }) => ({ ...input, to: 'owner@example.test' });

  test('executes with the input that redirect gives, and records the original recipient', async () => {
    const { killSwitch, control, setMode } = await setUp();
    const { sent, action } = mail(killSwitch, { redirect });
    await setMode('test_mode');
    expect(await action({ to: 'customer@shop.test', text: 'hi' })).toBe(1);
    expect(sent).toEqual([{ to: 'owner@example.test', text: 'hi' }]);
    await vi.waitFor(async () =>
      expect((await control.interventions()).data[0]).toMatchObject({
        type: 'DOWNGRADE',
        outcome: 'MODIFIED',
        verdict: 'redirect',
        input: { to: 'owner@example.test' },
        original_input: { to: 'customer@shop.test' },
      }),
    );
  });

  test.each([
    ['is missing', {}],
    [
      'throws',
      {
        redirect: () => {
          throw new Error('mine');
        },
      },
    ],
    ['gives nothing', { redirect: () => undefined }],
    ['gives what does not fit the schema', { redirect: () => ({ to: 7 }), inputSchema: z.object({ to: z.string() }) }],
    ['hangs', { redirect: untilGivenUp }],
  ])('blocks an action whose redirect %s', async (_name, more) => {
    const { killSwitch, setMode } = await setUp({ handlerTimeoutMs: 50 });
    const { sent, action } = mail(killSwitch, more);
    await setMode('test_mode');
    expect(await action.attempt({ to: 'a', text: 'b' })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'HANDLER_FAILED' } },
    });
    expect(sent).toEqual([]);
  });
});

describe('draft_only', () => {
  test('runs the draft handler, and executes nothing', async () => {
    const { killSwitch, setMode } = await setUp();
    const { sent, action } = mail(killSwitch, { draft: (input: { text: string }) => `saved: ${input.text}` });
    await setMode('draft_only');
    expect(await action.attempt({ to: 'a', text: 'b' })).toMatchObject({ status: 'drafted', draft: 'saved: b' });
    await expect(action({ to: 'a', text: 'b' })).rejects.toMatchObject({ code: 'DRAFTED' });
    expect(sent).toEqual([]);
  });

  test('records a proposal where there is no handler, and it is there when the call returns', async () => {
    const { killSwitch, control, setMode } = await setUp();
    const { sent, action } = mail(killSwitch);
    await setMode('draft_only');
    const outcome = await action.attempt({ to: 'a', text: 'b', password: 'hunter2' });
    expect(outcome).toMatchObject({ status: 'drafted', draft: { input: { to: 'a', password: '[redacted]' } } });
    const [record] = (await control.interventions()).data;
    expect(record).toMatchObject({ proposal: true, action: 'mail.send', agent_id: 'x' });
    expect(JSON.stringify(record)).not.toContain('hunter2');
    expect(sent).toEqual([]);
  });

  test('blocks where the proposal cannot be recorded, or the handler fails', async () => {
    const { killSwitch, memory, setMode } = await setUp({ handlerTimeoutMs: 50 });
    const bare = mail(killSwitch);
    const broken = mail(killSwitch, { name: 'mail.broken', draft: () => Promise.reject(new Error('mine')) });
    const hanging = mail(killSwitch, { name: 'mail.hanging', draft: untilGivenUp });
    await setMode('draft_only');
    for (const { action } of [broken, hanging]) {
      expect(await action.attempt({ to: 'a', text: 'b' })).toMatchObject({
        decision: { cause: { code: 'HANDLER_FAILED' } },
      });
    }
    memory.fault = 'read-only';
    expect(await bare.action.attempt({ to: 'a', text: 'b' })).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } },
    });
  });
});

describe('a pause', () => {
  test('keeps the call waiting, and decides again from the start when it ends', async () => {
    const { killSwitch, control, setMode } = await setUp();
    const { sent, action } = mail(killSwitch);
    await setMode('paused');
    const waiting = action({ to: 'a', text: 'b' });
    expect(await action.attempt({ to: 'c', text: 'd' })).toMatchObject({ status: 'paused' });
    expect(sent).toEqual([]);
    await control.setMode({ mode: 'live', reason: 'go on' });
    expect(await waiting).toBe(1);
  });

  test('that becomes stricter while a call waits wins', async () => {
    const { killSwitch, control, setMode } = await setUp();
    const { sent, action } = mail(killSwitch);
    await setMode('paused');
    const waiting = action({ to: 'a', text: 'b' });
    const refusal = waiting.catch((error: unknown) => error);
    await control.kill({ target: 'agent:x', reason: 'no' });
    expect(await refusal).toMatchObject({ code: 'BLOCKED', decision: { cause: { kind: 'kill' } } });
    await control.setMode({ mode: 'live', reason: 'go on' });
    await control.revive({ target: 'agent:x', reason: 'yes' });
    expect(sent).toEqual([]); // what was refused is never revived
  });

  test('is waited for as long as the caller says, or until the caller gives up', async () => {
    const { killSwitch, setMode } = await setUp();
    const { action } = mail(killSwitch);
    await setMode('paused');
    expect(await action.attempt({ to: 'a', text: 'b' }, { waitMs: 30 })).toMatchObject({ status: 'paused' });
    const controller = new AbortController();
    const waiting = action({ to: 'a', text: 'b' }, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'PAUSED' });
  });

  test('ends in a block when the switch is closed or its lease runs out', async () => {
    const { killSwitch, memory, setMode } = await setUp();
    const { action } = mail(killSwitch);
    await setMode('paused');
    const first = action({ to: 'a', text: 'b' });
    memory.fault = 'unreachable';
    await expect(first).rejects.toMatchObject({ decision: { cause: { code: 'STORE_UNREACHABLE' } } });
    memory.fault = null;
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('pause'));
    const second = action({ to: 'a', text: 'b' });
    second.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    await killSwitch.close();
    await expect(second).rejects.toBeInstanceOf(ActionStoppedError);
  });
});

describe('work in flight', () => {
  const slow = (killSwitch: KillSwitch, effect: 'read' | 'write' = 'write') => {
    const started = withResolvers<void>();
    const finish = withResolvers<string>();
    let reason: unknown;
    const action = killSwitch.action({
      name: `slow.${effect}`,
      effect,
      execute: (_input: undefined, { signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
        started.resolve();
        return finish.promise;
      },
    });
    return { action, started: started.promise, finish, reason: () => reason };
  };

  test.each([
    [
      'a kill',
      (control: Awaited<ReturnType<typeof setUp>>['control']) => control.kill({ target: 'agent:x', reason: 'stop' }),
    ],
    [
      'a stricter mode',
      (control: Awaited<ReturnType<typeof setUp>>['control']) => control.setMode({ mode: 'read_only' }),
    ],
  ])('is aborted at once by %s, and never reported as a success that nobody saw', async (_name, stop) => {
    const { killSwitch, control } = await setUp();
    const { action, started, finish, reason } = slow(killSwitch);
    const call = action.attempt(undefined);
    await started;
    await stop(control);
    await vi.waitFor(() => expect(reason()).toMatchObject({ verdict: 'block' }));
    finish.resolve('done');
    expect(await call).toMatchObject({ status: 'aborted', landed: 'unknown', decision: { verdict: 'block' } });
    await vi.waitFor(async () =>
      expect((await control.interventions()).data[0]).toMatchObject({ status: 'aborted', state: 'landed' }),
    );
  });

  test('that fails after its signal has fired is aborted; of a read nothing can have landed', async () => {
    const { killSwitch, control } = await setUp();
    const [write, read] = [slow(killSwitch), slow(killSwitch, 'read')];
    const calls = [write.action.attempt(undefined), read.action.attempt(undefined)];
    await Promise.all([write.started, read.started]);
    await control.kill({ target: 'all' });
    await vi.waitFor(() => expect(read.reason()).toBeDefined());
    write.finish.reject(new Error('cut'));
    read.finish.reject(new Error('cut'));
    expect(await Promise.all(calls)).toMatchObject([
      { status: 'aborted', landed: 'unknown' },
      { status: 'aborted', landed: 'no' },
    ]);
  });

  test('that had already landed keeps its result', async () => {
    const { killSwitch, control } = await setUp();
    const { action, started, finish } = slow(killSwitch);
    const call = action.attempt(undefined);
    await started;
    finish.resolve('done');
    expect(await call).toMatchObject({ status: 'executed', result: 'done' });
    await control.kill({ target: 'all' });
  });

  test('drains through a pause, is counted, and is aborted when the lease is lost', async () => {
    const { killSwitch, control, memory, setMode } = await setUp();
    const { action, started, finish, reason } = slow(killSwitch);
    const call = action.attempt(undefined);
    await started;
    await setMode('paused');
    expect(reason()).toBeUndefined();
    const { acknowledgements } = await control.kill({ target: 'agent:someone-else', waitMs: 5000 });
    // a kill of somebody else does not wait for it
    expect(acknowledgements.executors[0]).toMatchObject({ state: 'stopped', in_flight: 1, draining: 0, work: [] });
    const [shown] = (await control.executors()).data;
    expect(shown).toMatchObject({ state: 'draining', in_flight: 1, draining: 1, work: [{ signalled_at: null }] });
    memory.fault = 'unreachable';
    await vi.waitFor(() => expect(reason()).toMatchObject({ cause: { code: 'STORE_UNREACHABLE' } }), 10_000);
    finish.resolve('done');
    expect((await call).status).toBe('aborted');
  });

  test('of the caller’s own signal is the caller’s own affair', async () => {
    const { killSwitch } = await setUp();
    const controller = new AbortController();
    const action = killSwitch.action({
      name: 'a.b',
      execute: (_input: undefined, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const call = action.attempt(undefined, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(new Error('my own'));
    await expect(call).rejects.toThrow('my own');
    expect(await action.attempt(undefined, { signal: controller.signal })).toMatchObject({
      status: 'aborted',
      landed: 'no',
    });
  });
});

describe('a run', () => {
  test('saves its checkpoints, waits while paused, another process can go on from there, and once it has ended well nothing is left', async () => {
    const { killSwitch, control, setMode } = await setUp();
    const steps: string[] = [];
    const running = killSwitch.run({ agentId: 'x', runId: 'r-1' }, async (run) => {
      expect(await run.lastCheckpoint()).toBeNull();
      await run.checkpoint('first', { position: 1 });
      steps.push('first');
      await setMode('paused');
      const second = run.checkpoint('second', { position: 2 });
      await vi.waitFor(async () =>
        expect(await run.lastCheckpoint()).toMatchObject({ name: 'second', state: { position: 2 } }),
      );
      expect(steps).toEqual(['first']);
      await control.setMode({ mode: 'live', reason: 'go on' });
      await second;
      steps.push('second');
      throw new Error('the process dies');
    });
    await expect(running).rejects.toThrow('the process dies');
    await killSwitch.run({ agentId: 'x', runId: 'r-1' }, async (run) => {
      expect(await run.lastCheckpoint()).toMatchObject({ name: 'second', state: { position: 2 } });
    });
    await killSwitch.run({ agentId: 'x', runId: 'r-1' }, async (run) => expect(await run.lastCheckpoint()).toBeNull());
    expect(steps).toEqual(['first', 'second']);
  });

  test('stops at its checkpoint when it is killed, and its signal has fired', async () => {
    const { killSwitch, control } = await setUp();
    await killSwitch.run({ agentId: 'x' }, async (run) => {
      const { signal } = run;
      expect(signal.aborted).toBe(false);
      const fired = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await control.kill({ target: `run:${run.runId}`, reason: 'enough' });
      await fired;
      expect(signal.reason).toMatchObject({ verdict: 'block', cause: { kind: 'kill', reason: 'enough' } });
      await expect(run.checkpoint('next')).rejects.toBeInstanceOf(ActionStoppedError);
    });
  });

  test('does not go on from a checkpoint that could not be saved', async () => {
    const { killSwitch, memory } = await setUp();
    await killSwitch.run({ agentId: 'x' }, async (run) => {
      memory.fault = 'read-only';
      await expect(run.checkpoint('next')).rejects.toMatchObject({
        decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } },
      });
      memory.fault = null;
    });
  });

  test.each([
    ['a name that is empty', '', 1],
    ['a state that is not JSON', 'next', 1n],
    ['a state that is too long', 'next', 'x'.repeat(70_000)],
  ])('refuses %s', async (_name, name, state) => {
    const { killSwitch } = await setUp();
    await killSwitch.run({ agentId: 'x' }, async (run) => {
      await expect(run.checkpoint(name, state)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });
  });
});

test('a job skips while it is stopped or paused, and never queues up', async () => {
  const { killSwitch, control, setMode } = await setUp();
  const work = vi.fn(() => 'done');
  const nightly = killSwitch.job({ agentId: 'digest' }, work);
  expect(await nightly()).toEqual({ status: 'ran', result: 'done' });
  await setMode('paused');
  expect(await nightly()).toMatchObject({ status: 'skipped', decision: { verdict: 'pause' } });
  await control.kill({ target: 'agent:digest' });
  await vi.waitFor(() => expect(killSwitch.check({ agentId: 'digest' }).verdict).toBe('block'));
  expect(await nightly()).toMatchObject({ status: 'skipped', decision: { cause: { kind: 'kill' } } });
  expect(work).toHaveBeenCalledTimes(1);
  expect(() => killSwitch.job({ agentId: '' }, work)).toThrow(/agentId/);
});

test('a confirmed action runs when the store confirms it, and is not started when it does not', async () => {
  const { killSwitch, control, memory } = await setUp();
  const execute = vi.fn(() => 'done');
  const action = killSwitch.action({ name: 'pay.out', irreversible: true, execute });
  expect(await action.attempt(undefined)).toMatchObject({ status: 'executed' });
  memory.fault = 'hang';
  expect(await action.attempt(undefined)).toMatchObject({
    status: 'blocked',
    decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } },
  });
  memory.fault = null;
  await control.kill({ target: 'agent:x' });
  expect(await action.attempt(undefined)).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'kill' } } });
  expect(execute).toHaveBeenCalledTimes(1);
  await vi.waitFor(async () =>
    expect((await control.interventions()).data.map(({ state }) => state)).toContain('not_started'),
  );
});

describe('hot loops', () => {
  test('a loop of guarded calls that awaits no I/O sees a kill', async () => {
    const { killSwitch, control } = await setUp();
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    let killed = 0;
    setTimeout(() => {
      killed = performance.now();
      void control.kill({ target: 'all' });
    }, 20);
    for (;;) {
      if ((await action.attempt(undefined)).status === 'blocked') break;
    }
    expect(killed).toBeGreaterThan(0);
  });

  test('check() sees a kill at the next turn of the event loop', async () => {
    const { killSwitch, control } = await setUp();
    const killing = control.kill({ target: 'all' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
    await killing;
  });
});

describe('what is known of this process', () => {
  test('surfaces list what can act, and what is missing', async () => {
    const { killSwitch, control } = await setUp({ executor: { name: 'mailer' } });
    mail(killSwitch, { redirect: (input: unknown) => input, irreversible: true });
    const bare = killSwitch.action({ name: 'db.delete', execute: () => 1 });
    await bare(undefined);
    await vi.waitFor(async () => {
      const rows = (await control.surfaces()).data;
      expect(rows).toMatchObject([
        { action: 'mail.send', executor: 'mailer', redirect: true, gaps: [], last_used: null },
        { action: 'db.delete', effect: 'write', surface: 'tool' },
      ]);
      expect(rows[1]?.gaps).toHaveLength(2);
      expect(rows[1]?.last_used).not.toBeNull();
    });
  });

  test('two actions of one name with different definitions are an error; the same one twice is not', async () => {
    const { killSwitch } = await setUp();
    killSwitch.action({ name: 'a.b', execute: () => 1 });
    killSwitch.action({ name: 'a.b', execute: () => 1 });
    expect(() => killSwitch.action({ name: 'a.b', effect: 'read', execute: () => 1 })).toThrow(/effect/);
  });

  test.each(['action:mail.send', 'action:mail.*', 'surface:queue', 'feature:newsletter'])(
    'a kill of %s cuts exactly that',
    async (target) => {
      const { killSwitch, control } = await setUp();
      await control.setFeature({ name: 'newsletter', stage: 'live', reason: 'test' });
      const { action } = mail(killSwitch, { surface: 'queue', feature: 'newsletter' });
      const other = killSwitch.action({ name: 'mailbox.read', surface: 'http', execute: () => 1 });
      await vi.waitFor(async () => expect((await action.attempt({ to: 'a', text: 'b' })).status).toBe('executed'));
      await control.kill({ target });
      await vi.waitFor(async () => expect((await action.attempt({ to: 'a', text: 'b' })).status).toBe('blocked'));
      expect((await other.attempt(undefined)).status).toBe('executed');
    },
  );

  test('interventions name who killed and why, without secrets', async () => {
    const { killSwitch, control } = await setUp({ redact: (input) => ({ ...(input as object), to: 'hidden' }) });
    const { action } = mail(killSwitch);
    await control.kill({ target: 'agent:x', reason: 'wrong mails' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
    await action.attempt({ to: 'a@b.test', text: 'b', password: 'hunter2' });
    await vi.waitFor(async () => {
      const { data } = await control.interventions();
      expect(data[0]).toMatchObject({
        type: 'HARD_BLOCK',
        outcome: 'BLOCKED',
        cause: { kind: 'kill', killed_by: 'unverified:ann', reason: 'wrong mails', target: 'agent:x' },
        input: { to: 'hidden', text: 'b', password: '[redacted]' },
      });
      expect(JSON.stringify(data)).not.toMatch(/hunter2|a@b/);
    });
  });
});

function withResolvers<T = unknown>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  return { promise, resolve, reject };
}
