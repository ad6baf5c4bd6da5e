import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Decision, Mode } from '../../flags/index.ts';
import type { KillSwitch, Outcome } from '../../index.ts';
import type { OutcomeStatus } from '../../guard/outcome.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { openMemorySwitch } from './open-switch.ts';

/** What a person is told, and what a model is. */
interface Told {
  readonly message: string;
  readonly modelMessage: string;
}

const REASON = 'wrong refunds, see postgres://app:s3cret@db/shop';

async function open(mode: Mode = 'live') {
  const { killSwitch, control } = await openMemorySwitch({ mode, agentId: 'returns-bot' });
  const kill = async (): Promise<void> => {
    await control.kill({ target: 'agent:returns-bot', reason: REASON });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
  };
  return { killSwitch, control, kill };
}

const NAME = 'payments.refund';
const seen = new Set<OutcomeStatus>();

const told = (outcome: Outcome<unknown>, status: OutcomeStatus): Told => {
  expect(outcome.status).toBe(status);
  seen.add(status);
  return outcome.decision;
};
const thrown = async (promise: Promise<unknown>): Promise<Told> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error & Told;
};
const plain = (killSwitch: KillSwitch) => killSwitch.action({ name: NAME, execute: () => 'done' });

/** Ids and times are others each time. */
const without = ({ message, modelMessage }: Told): Told => ({
  message: message.replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, 'ID').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'),
  modelMessage,
});

/** A call that comes back when people have decided about it. */
async function decidedBy(
  decide: (control: ControlPlane, id: string) => Promise<unknown>,
  status: OutcomeStatus,
): Promise<Told> {
  const { killSwitch, control } = await open('approval_gated');
  const action = killSwitch.action({ name: NAME, execute: (to: string) => to });
  const asked = await action.attempt('ada');
  const approvalId = asked.status === 'held' ? asked.approvalId : '';
  await decide(control, approvalId);
  const { epoch } = await control.status();
  await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch));
  return told(await action.attempt('ada', { approvalId }), status);
}

/** An action that was stopped while it ran. */
async function stopped(effect: 'read' | 'write'): Promise<{ ended: Told; reason: Told }> {
  const { killSwitch, kill } = await open();
  let reason: Decision | undefined;
  const action = killSwitch.action({
    name: NAME,
    effect,
    execute: (_input: undefined, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason as Decision;
          reject(new Error('ended'));
        });
      }),
  });
  const ending = action.attempt();
  await sleep(0);
  await kill();
  const ended = told(await ending, 'aborted');
  expect(reason).toBe(ended);
  return { ended, reason: reason as Decision };
}

const KEY = { idempotencyKey: 'refund-1007' };
const begin = () => ({ commit() {}, rollback() {} });

/** An action whose effects are journaled. */
async function journaled(execute: (to: string) => unknown = (to) => to) {
  const { killSwitch, memory } = await openMemorySwitch({ agentId: 'returns-bot' });
  return { memory, action: killSwitch.action({ name: NAME, journal: true, execute }) };
}

/** Every way in which a call, a run or a job can end, and what is then told to a person and to a model. */
const ENDINGS: Readonly<Record<string, () => Promise<Told>>> = {
  executed: async () => told(await plain((await open()).killSwitch).attempt(), 'executed'),
  redirected: async () => {
    const { killSwitch } = await open('test_mode');
    const action = killSwitch.action({ name: NAME, execute: (to: string) => to, redirect: () => 'owner' });
    return told(await action.attempt('ada'), 'redirected');
  },
  'drafted by its handler': async () => {
    const { killSwitch } = await open('draft_only');
    const action = killSwitch.action({ name: NAME, execute: () => 1, draft: () => 'a draft' });
    return told(await action.attempt(), 'drafted');
  },
  'drafted as a proposal': async () => told(await plain((await open('draft_only')).killSwitch).attempt(), 'drafted'),
  paused: async () => told(await plain((await open('paused')).killSwitch).attempt(), 'paused'),
  held: async () => {
    const { killSwitch } = await open('approval_gated');
    return without(told(await plain(killSwitch).attempt(), 'held'));
  },
  'an error for what is held': async () => {
    const { killSwitch } = await open('approval_gated');
    return without(await thrown(plain(killSwitch)(undefined, { waitMs: 0 })));
  },
  approved: async () => without(await decidedBy((control, id) => control.approve({ id }), 'executed')),
  'approved with other arguments': async () =>
    without(await decidedBy((control, id) => control.approve({ id, input: 'bo' }), 'executed')),
  rejected: async () => without(await decidedBy((control, id) => control.reject({ id, reason: REASON }), 'blocked')),
  'approved, and restricted since': async () =>
    without(
      await decidedBy(async (control, id) => {
        await control.approve({ id });
        await control.kill({ target: 'agent:returns-bot', reason: REASON });
        await control.revive({ target: 'agent:returns-bot', reason: 'a mistake' });
      }, 'blocked'),
    ),
  'blocked by the mode': async () => told(await plain((await open('full_stop')).killSwitch).attempt(), 'blocked'),
  'blocked by a kill': async () => {
    const { killSwitch, kill } = await open();
    await kill();
    return told(await plain(killSwitch).attempt(), 'blocked');
  },
  'blocked by a limit': async () => {
    const limits = { 'refund.max': { max: 200, of: (cents: number) => cents } };
    const action = (await open()).killSwitch.action({ name: NAME, limits, execute: (cents: number) => cents });
    return told(await action.attempt(201), 'blocked');
  },
  'blocked by a limit whose amount is none': async () => {
    const limits = { 'refund.max': { max: 200, of: (cents: number) => cents } };
    const action = (await open()).killSwitch.action({ name: NAME, limits, execute: (cents: number) => cents });
    return told(await action.attempt('200' as never), 'blocked');
  },
  'blocked without an identity': async () => {
    const { killSwitch } = await openMemorySwitch();
    return told(await plain(killSwitch).attempt(), 'blocked');
  },
  'blocked because nothing redirects it': async () =>
    told(await plain((await open('test_mode')).killSwitch).attempt(), 'blocked'),
  'blocked because the switch is closed': async () => {
    const { killSwitch } = await open();
    const action = plain(killSwitch);
    await killSwitch.close();
    return told(await action.attempt(), 'blocked');
  },
  'repeated: the journal has answered': async () => {
    const { action } = await journaled();
    await action.attempt('ada', KEY);
    const outcome = await action.attempt('ada', KEY);
    expect(outcome).toMatchObject({ repeated: true });
    return told(outcome, 'executed');
  },
  'in doubt: a try before has no known end': async () => {
    const { action } = await journaled(() => Promise.reject(new Error('reset')));
    await expect(action.attempt('ada', KEY)).rejects.toThrow('reset');
    return without(told(await action.attempt('ada', KEY), 'aborted'));
  },
  'not recorded, although it has landed': async () => {
    const { action, memory } = await journaled((to) => {
      memory.fault = 'read-only';
      return to;
    });
    const outcome = await action.attempt('ada', KEY);
    expect(outcome).toMatchObject({ recorded: false });
    memory.fault = null;
    return told(outcome, 'executed');
  },
  'blocked while something has landed that is not recorded': async () => {
    const { action, memory } = await journaled((to) => {
      memory.fault = 'read-only';
      return to;
    });
    await action.attempt('ada', KEY);
    const blocked = told(await action.attempt('bo'), 'blocked');
    memory.fault = null;
    return blocked;
  },
  'blocked because the journal cannot be written': async () => {
    const { action, memory } = await journaled();
    memory.fault = 'read-only';
    const blocked = told(await action.attempt('ada'), 'blocked');
    memory.fault = null;
    return blocked;
  },
  'a key that stands for something else': async () => {
    const { action } = await journaled();
    await action.attempt('ada', KEY);
    return thrown(action.attempt('bo', KEY));
  },
  'a transaction that may not begin': async () =>
    thrown((await open('full_stop')).killSwitch.transaction(begin, () => {})),
  'a transaction that was stopped': async () => {
    const { killSwitch, kill } = await open();
    return thrown(killSwitch.transaction(begin, kill));
  },
  'stopped while it wrote': async () => (await stopped('write')).ended,
  'stopped while it read': async () => (await stopped('read')).ended,
  'told by the signal of an action': async () => (await stopped('write')).reason,
  'given up by its caller before it began': async () => {
    const signal = AbortSignal.abort();
    return told(await plain((await open()).killSwitch).attempt(undefined, { signal }), 'aborted');
  },
  'given up by its caller in a pause': async () => {
    const { killSwitch } = await open('paused');
    const controller = new AbortController();
    const ending = plain(killSwitch)(undefined, { signal: controller.signal });
    await sleep(0);
    controller.abort();
    return thrown(ending);
  },
  'an error for what was stopped': async () => {
    const { killSwitch, kill } = await open();
    await kill();
    return thrown(plain(killSwitch)());
  },
  'a step of a result that was stopped': async () => {
    const { killSwitch, kill } = await open();
    const action = killSwitch.action({
      name: NAME,
      async *execute() {
        yield 1;
        yield 2;
      },
    });
    const steps = await action();
    await steps.next();
    await kill();
    return thrown(steps.next());
  },
  'an input that does not fit': async () => {
    const inputSchema = z.object({ cents: z.number(), to: z.string() });
    const action = (await open()).killSwitch.action({ name: NAME, inputSchema, execute: () => 1 });
    return thrown(action.attempt({ cents: 'many' } as never));
  },
  'a schema that fails': async () => {
    const inputSchema = z.string().refine(() => {
      throw new Error('cannot reach postgres://app:s3cret@db/shop');
    });
    const action = (await open()).killSwitch.action({ name: NAME, inputSchema, execute: () => 1 });
    return thrown(action.attempt('ada'));
  },
  'an input that is no plain data': async () => {
    const limits = { 'refund.max': { max: 200, of: () => 1 } };
    const action = (await open()).killSwitch.action({ name: NAME, limits, execute: (_: object) => 1 });
    return thrown(action.attempt(Object.defineProperty({}, 'cents', { get: () => 5 })));
  },
  'a result that goes on unseen': async () => {
    const action = (await open()).killSwitch.action({ name: NAME, execute: () => setTimeout(() => {}, 1e5).unref() });
    return thrown(action.attempt());
  },
  'options that are wrong': async () => thrown(plain((await open()).killSwitch).attempt(undefined, { waitMs: -1 })),
  'a job that is skipped': async () => {
    const { killSwitch, kill } = await open();
    await kill();
    const outcome = await killSwitch.job({}, () => 1)();
    expect(outcome.status).toBe('skipped');
    return (outcome as { decision: Decision }).decision;
  },
  'a job that is skipped in a pause': async () => {
    const outcome = await (await open('paused')).killSwitch.job({}, () => 1)();
    expect(outcome.status).toBe('skipped');
    return (outcome as { decision: Decision }).decision;
  },
  'a checkpoint of a run that was stopped': async () => {
    const { killSwitch, kill } = await open();
    await kill();
    return killSwitch.run({}, async (run) => {
      const error = (await run.checkpoint('half').catch((reason: unknown) => reason)) as { decision: Decision };
      expect(error).toMatchObject({ code: 'BLOCKED', modelMessage: error.decision.modelMessage });
      return error.decision;
    });
  },
  'told by the signal of a run': async () => {
    const { killSwitch, kill } = await open();
    return killSwitch.run({}, async ({ signal }) => {
      await kill();
      await vi.waitFor(() => expect(signal.aborted).toBe(true));
      return signal.reason as Decision;
    });
  },
};

describe('every ending has one sentence for a person and one for a model', () => {
  const all: string[] = [];

  test.each(Object.entries(ENDINGS))('%s', async (name, end) => {
    const { message, modelMessage } = await end();
    for (const text of [message, modelMessage]) {
      expect(text).toMatch(/^[^\n]*[^\s:;,]$/);
      expect(text).not.toMatch(/s3cret|\[object| {2}/);
    }
    expect(modelMessage).toMatch(/^(payments\.refund|The (run|job|transaction)|This) [^\n]*[^.]\.$/);
    expect(modelMessage).not.toMatch(/\bann\b|wrong refunds|postgres/);
    // Whether it was done, and what to do: but where it simply ran.
    if (name !== 'executed') expect(modelMessage).toMatch(/, because .*: [a-z][^:]*\.$/);
    all.push(`${name}\n  ${message}\n  ${modelMessage}\n`);
  });

  test('which are these, of every status that this version has', async () => {
    const statuses: Readonly<Record<OutcomeStatus, true>> = {
      ...{ executed: true, redirected: true, drafted: true, held: true },
      ...{ paused: true, blocked: true, aborted: true },
    };
    expect([...seen].sort()).toEqual(Object.keys(statuses).sort());
    expect(all).toHaveLength(Object.keys(ENDINGS).length);
    await expect(all.join('\n')).toMatchFileSnapshot('endings.txt');
  });
});
