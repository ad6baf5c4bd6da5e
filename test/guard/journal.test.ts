import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { ActionDefinition, Outcome } from '../../index.ts';
import { createKillSwitch } from '../../index.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { Journal, JournalEntry } from '../../store/capabilities/journal.ts';
import { attemptOnce, bareGuard, HandSwitch } from './bare-guard.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

interface Refund {
  readonly order: number;
  readonly cents: number;
}

interface Receipt {
  readonly id: string;
  readonly token?: string;
}

const INPUT: Refund = { order: 1007, cents: 500 };

/** A switch in live mode with one reversible action, and what it has executed. */
async function open(more: Partial<ActionDefinition<Refund, Receipt>> = {}) {
  const opened = await openMemorySwitch({ agentId: 'x' });
  const execute = vi.fn(async (input: Refund): Promise<Receipt> => ({ id: `r-${input.order}` }));
  const definition: ActionDefinition<Refund, Receipt> = {
    name: 'payments.refund',
    execute,
    reverse: { action: 'payments.cancel_refund', input: ({ id }) => ({ id }) },
    ...more,
  };
  const refund = opened.killSwitch.action(definition);
  const control = opened.store.memory.organization('default').journal;
  const entries = (): JournalEntry[] => [...control.keys.values()].flat();
  return { ...opened, execute, definition, refund, entries };
}

/** Another executor over the same store, as a job that is delivered again may find. */
async function another<Input, Result>(
  store: ReturnType<typeof memoryStore>,
  definition: ActionDefinition<Input, Result>,
) {
  const killSwitch = await createKillSwitch({
    store: memoryStore({ memory: store.memory }),
    domain: `another-${Math.random()}`,
    executor: { name: 'other' },
    agentId: 'x',
  });
  closeAfterwards(killSwitch);
  return killSwitch.action(definition);
}

const SCOPE = { organizationId: 'default', executorId: 'e', executorName: 'e', requestTimeoutMs: 1000 };
const KEY = { idempotencyKey: 'refund-1007' };

const failsWith = (outcome: Outcome<unknown>) => outcome.decision.cause;

describe('an effect that is journaled', () => {
  test('has not landed where a stop has ended what it returned before its end: it is unknown', async () => {
    const { killSwitch, control, store } = await openMemorySwitch({ agentId: 'x' });
    const entries = (): JournalEntry[] => [...store.memory.organization('default').journal.keys.values()].flat();
    const steps: number[] = [];
    const stream = {
      name: 'lines.send',
      journal: true,
      async *execute(_input: Refund) {
        steps.push(1);
        yield 'first';
        steps.push(2);
      },
    };
    const many = killSwitch.action(stream);
    for (const key of ['not one step', 'one step', 'all steps'])
      await killSwitch.run({ runId: 'r-1' }, async () => {
        const outcome = await many.attempt(INPUT, { idempotencyKey: key });
        if (outcome.status !== 'executed') throw new Error(outcome.status);
        if (key === 'one step') await outcome.result.next();
        if (key === 'all steps') for await (const line of outcome.result) expect(line).toBe('first');
      });
    await control.kill({ target: 'run:r-1', waitMs: 5000 });
    expect(entries().map(({ idempotency_key, state }) => [idempotency_key, state])).toEqual([
      ['not one step', 'unknown'],
      ['one step', 'unknown'],
      ['all steps', 'landed'],
    ]);
    expect(steps).toEqual([1, 1, 2]);
    const again = await another(store, stream);
    expect(await again.attempt(INPUT, { idempotencyKey: 'not one step' })).toMatchObject({
      ...{ status: 'aborted', landed: 'unknown' },
      decision: { cause: { code: 'LANDED_UNKNOWN' } },
    });
  });

  test('is written before it starts, and with how it is undone before its call returns', async () => {
    const { refund, entries, killSwitch } = await open({
      async execute({ order }) {
        expect(entries()).toMatchObject([{ state: 'intended', idempotency_key: KEY.idempotencyKey }]);
        return { id: `r-${order}` };
      },
    });
    await killSwitch.run({ runId: 'r-1', missionId: 'm-1' }, async () => {
      expect(await refund.attempt(INPUT, KEY)).toEqual(expect.objectContaining({ status: 'executed' }));
    });
    expect(entries()).toMatchObject([
      {
        ...{ state: 'landed', attempt: 1, run_id: 'r-1', mission_id: 'm-1', agent_id: 'x', action: 'payments.refund' },
        landing: {
          result: '{"id":"r-1007"}',
          redirected: false,
          reverse: { is: 'reversible', action: 'payments.cancel_refund', input: '{"id":"r-1007"}' },
        },
      },
    ]);
  });

  test('gets the key of its intent, made for the call where the caller gives none', async () => {
    const keys: string[] = [];
    const { refund, entries } = await open({
      async execute(_input, { idempotencyKey }) {
        keys.push(idempotencyKey);
        return { id: 'r' };
      },
    });
    await refund(INPUT, KEY);
    await refund(INPUT);
    await refund(INPUT);
    expect(keys[0]).toBe(KEY.idempotencyKey);
    expect(new Set(keys).size).toBe(3);
    expect(entries().map(({ idempotency_key }) => idempotency_key)).toEqual(keys);
  });

  test('runs as it was hashed, whatever handlers and callers do to its input meanwhile', async () => {
    const got: unknown[] = [];
    const { refund, control } = await open({
      redirect: (input) => Object.assign(input, { order: 0 }),
      async execute(input) {
        got.push({ ...input });
        Object.assign(input, { order: 666 });
        return { id: 'r' };
      },
      reverse: { action: 'a.b', input: (_result, input) => input },
    });
    const input = { ...INPUT };
    const call = refund.attempt(input, KEY);
    input.cents = 1;
    await call;
    expect(got).toEqual([INPUT]);
    await control.setMode({ mode: 'test_mode', reason: 'x' });
  });

  test('must have plain data as its input, or nothing is attempted', async () => {
    const { refund, execute, entries } = await open();
    const odd = { order: 1, cents: 1n } as unknown as Refund;
    await expect(refund.attempt(odd)).rejects.toMatchObject({ name: 'ActionInputError', code: 'NOT_PLAIN_DATA' });
    await expect(refund(odd)).rejects.toMatchObject({ code: 'NOT_PLAIN_DATA' });
    expect([execute.mock.calls.length, entries().length]).toEqual([0, 0]);
  });

  test('that has failed is recorded so, and what it threw is rethrown', async () => {
    const error = new Error('bank down');
    const { refund, entries } = await open({ execute: () => Promise.reject(error) });
    await expect(refund.attempt(INPUT, KEY)).rejects.toBe(error);
    expect(entries()).toMatchObject([{ state: 'failed' }]);
  });

  test('that cannot say how it is undone has landed all the same, with the reason', async () => {
    const throws = (): never => {
      throw new Error('no id');
    };
    for (const input of [throws, () => new Date(), async () => ({ id: 1 })]) {
      const { refund, entries } = await open({ reverse: { action: 'a.b', input } });
      expect(await refund.attempt(INPUT)).toMatchObject({ status: 'executed' });
      expect(entries()).toMatchObject([{ state: 'landed', landing: { reverse: { is: 'not_reversible' } } }]);
    }
  });

  test('keeps no secret to undo it with: the reason says where it was, and nothing else changes', async () => {
    const input = ({ id }: Receipt) => ({ id, db: { apiKey: 'hunter2hunter2' } });
    const { refund, entries } = await open({ reverse: { action: 'a.b', input } });
    const outcome = await refund.attempt(INPUT);
    expect(outcome).toMatchObject({ status: 'executed', result: { id: 'r-1007' } });
    expect(outcome).not.toHaveProperty('recorded');
    const why =
      'reverse.input of payments.refund gave what looks like a secret by its name, at "db.apiKey", which is not kept: give the name of a secret, or reverse.verbatim where it is none';
    expect(entries()).toMatchObject([{ state: 'landed', landing: { reverse: { is: 'not_reversible', why } } }]);
    expect(JSON.stringify(entries())).not.toContain('hunter2');
  });

  test('keeps what looks like a secret where its action says that it is none', async () => {
    const input = (): unknown => ({ order: 4111111111111111 });
    for (const [verbatim, is] of [
      [undefined, 'not_reversible'],
      [true, 'reversible'],
    ] as const) {
      const { refund, entries } = await open({ reverse: { action: 'a.b', input, verbatim } });
      await refund(INPUT);
      expect(entries()).toMatchObject([{ landing: { reverse: { is } } }]);
    }
  });

  test('keeps what undoes it also where that has a -0, which runs as 0', async () => {
    const { refund, entries } = await open({ reverse: { action: 'a.b', input: () => ({ cents: -0 }) } });
    await refund(INPUT);
    expect(entries()).toMatchObject([{ landing: { reverse: { is: 'reversible', input: '{"cents":0}' } } }]);
    await expect(refund.attempt({ order: 1, cents: -0 })).rejects.toMatchObject({ code: 'NOT_PLAIN_DATA' });
    expect(entries()).toHaveLength(1);
  });

  test('keeps no secret of its result, and none that is too long or no plain data', async () => {
    const kept = async (result: unknown): Promise<unknown> => {
      const { refund, entries } = await open({ execute: async () => result as Receipt });
      await refund.attempt(INPUT);
      const [entry] = entries();
      return entry?.state === 'landed' ? entry.landing.result : 'not landed';
    };
    expect(await kept({ id: 'r', token: 'ghp_0123456789abcdefghijklmnopqrstuvwxyz' })).not.toContain('ghp_');
    expect(await kept('x'.repeat(70_000))).toBeNull();
    expect(await kept(new Map())).toBeNull();
    expect(await kept(undefined)).toBeNull();
  });

  test('stays in flight until it is recorded: who waits for what is in flight reads the journal next', async () => {
    const hand = new HandSwitch();
    let record = (): void => {};
    const recorded = new Promise<boolean>((resolve) => {
      record = () => resolve(true);
    });
    const { journal: memory } = memoryStore().open(SCOPE);
    if (!memory) throw new Error('a memory keeps a journal');
    const journal: Journal = { ...memory, end: () => recorded };
    const definition = { name: 'a.b', journal: true, execute: async () => 'done' };
    let returned = false;
    const call = attemptOnce(bareGuard({ hand, journal }), definition, { input: undefined }).finally(() => {
      returned = true;
    });
    await vi.waitFor(() => expect(hand.inFlight.count).toBe(1));
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect([hand.inFlight.count, returned]).toEqual([1, false]);
    record();
    expect(await call).toMatchObject({ status: 'executed', result: 'done' });
    expect(hand.inFlight.count).toBe(0);
  });
});

describe('a key that was used before', () => {
  test('of what has landed gives the recorded result, in another process too, and nothing runs', async () => {
    const { refund, execute, definition, store } = await open();
    expect(await refund.attempt(INPUT, KEY)).not.toHaveProperty('repeated');
    const other = await another(store, definition);
    for (const action of [refund, other]) {
      expect(await action.attempt({ ...INPUT }, KEY)).toMatchObject({
        ...{ status: 'executed', result: { id: 'r-1007' }, repeated: true },
      });
      expect(await action(INPUT, KEY)).toEqual({ id: 'r-1007' });
    }
    expect(execute).toHaveBeenCalledTimes(1);
  });

  test('of what has no known end is in doubt, with what to do; an operator’s word ends that', async () => {
    const { refund, execute, control, entries, killSwitch, definition, store } = await open();
    execute.mockImplementationOnce(() => Promise.reject(new Error('connection reset')));
    await killSwitch.run({ runId: 'r-1' }, async () => expect(refund.attempt(INPUT, KEY)).rejects.toThrow('reset'));
    const doubt = await refund.attempt(INPUT, KEY);
    expect(doubt).toMatchObject({
      status: 'aborted',
      landed: 'unknown',
      decision: { cause: { code: 'LANDED_UNKNOWN' } },
    });
    expect(failsWith(doubt)).toMatchObject({
      message: expect.stringContaining('kill-switch runs resolve r-1 refund-1007 --landed'),
    });
    await expect(refund(INPUT, KEY)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(execute).toHaveBeenCalledTimes(1);

    await control.resolve({ run: 'r-1', key: KEY.idempotencyKey, landed: false, reason: 'the bank says so' });
    const other = await another(store, definition);
    await vi.waitFor(async () => {
      const both = await Promise.all([refund.attempt(INPUT, KEY), other.attempt(INPUT, KEY)]);
      expect(both.filter((each) => each.status === 'executed' && !each.repeated)).toHaveLength(1);
    });
    expect(execute).toHaveBeenCalledTimes(2);
    expect(await other.attempt(INPUT, KEY)).toMatchObject({ status: 'executed', repeated: true });
    expect(entries().map(({ state, attempt }) => [state, attempt])).toEqual([
      ['failed', 1],
      ['landed', 2],
    ]);
  });

  test('that an operator says has landed runs no more, with what was recorded: nothing', async () => {
    const { refund, execute, control } = await open();
    execute.mockImplementationOnce(() => Promise.reject(new Error('reset')));
    await expect(refund.attempt(INPUT, KEY)).rejects.toThrow();
    await control.resolve({ run: null, key: KEY.idempotencyKey, landed: true, reason: 'on the statement' });
    await vi.waitFor(async () =>
      expect(await refund.attempt(INPUT, KEY)).toMatchObject({
        ...{ status: 'executed', repeated: true, result: undefined },
      }),
    );
    expect(execute).toHaveBeenCalledTimes(1);
  });

  test('for another action or another input is the caller’s mistake, and nothing runs', async () => {
    const { refund, execute, killSwitch, entries } = await open();
    await refund.attempt(INPUT, KEY);
    const other = killSwitch.action({ name: 'mail.send', journal: true, execute: async (_: Refund) => 1 });
    for (const call of [() => refund.attempt({ ...INPUT, cents: 501 }, KEY), () => other.attempt(INPUT, KEY)])
      await expect(call()).rejects.toMatchObject({ name: 'IdempotencyKeyError', code: 'KEY_REUSED' });
    await expect(other(INPUT, KEY)).rejects.toMatchObject({ idempotencyKey: KEY.idempotencyKey, action: 'mail.send' });
    expect([execute.mock.calls.length, entries().length]).toEqual([1, 1]);
  });

  test('of what an idempotent action has failed at may be tried again', async () => {
    const { refund, execute, entries } = await open({ idempotent: true });
    execute.mockImplementationOnce(() => Promise.reject(new Error('reset')));
    await expect(refund.attempt(INPUT, KEY)).rejects.toThrow();
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'executed', result: { id: 'r-1007' } });
    expect(entries().map(({ state }) => state)).toEqual(['failed', 'landed']);
  });

  test('that was not started is free again', async () => {
    const { refund, execute, memory, entries } = await open({ irreversible: true });
    memory.fault = 'read-only';
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'blocked' });
    memory.fault = null;
    await vi.waitFor(async () => expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'executed' }));
    expect(execute).toHaveBeenCalledTimes(1);
    expect(entries().at(-1)).toMatchObject({ state: 'landed' });
  });

  test('that two calls have at once runs once', async () => {
    const { refund, execute, store, definition } = await open();
    const other = await another(store, definition);
    const all = await Promise.all([1, 2, 3, 4].flatMap(() => [refund.attempt(INPUT, KEY), other.attempt(INPUT, KEY)]));
    expect(execute).toHaveBeenCalledTimes(1);
    expect(all.filter((each) => each.status === 'executed' && !each.repeated)).toHaveLength(1);
    for (const each of all) if (each.status !== 'executed') expect(each).toMatchObject({ landed: 'unknown' });
  });
});

describe('a journal that cannot be reached', () => {
  test('keeps everything from starting that is journaled, and nothing else', async () => {
    const { refund, execute, memory, killSwitch } = await open();
    const mail = killSwitch.action({ name: 'mail.send', execute: async () => 'sent' });
    memory.fault = 'read-only';
    expect(await refund.attempt(INPUT)).toMatchObject({
      ...{ status: 'blocked', decision: { cause: { kind: 'fault', code: 'JOURNAL_UNAVAILABLE' } } },
    });
    expect(await mail.attempt(undefined)).toMatchObject({ status: 'executed' });
    memory.fault = null;
    expect(execute).not.toHaveBeenCalled();
    expect(await refund.attempt(INPUT)).toMatchObject({ status: 'executed' });
  });

  test('when something has landed leaves it unrecorded, and blocks until it is stored', async () => {
    const { refund, memory, entries, killSwitch } = await open({
      async execute() {
        memory.fault = 'read-only';
        return { id: 'r-1' };
      },
    });
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({
      ...{ status: 'executed', result: { id: 'r-1' }, recorded: false },
    });
    expect(entries()).toMatchObject([{ state: 'intended' }]);
    const mail = killSwitch.action({ name: 'mail.send', journal: true, execute: async () => 'sent' });
    const blocked = await mail.attempt(undefined);
    expect(blocked).toMatchObject({ status: 'blocked', decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } } });
    expect(failsWith(blocked)).toMatchObject({ message: expect.stringContaining('has landed') });
    memory.fault = null;
    await vi.waitFor(() => expect(entries()).toMatchObject([{ state: 'landed' }]), { timeout: 5000 });
    expect(await mail.attempt(undefined)).toMatchObject({ status: 'executed' });
  });

  test('that has lost an intent meanwhile gets it once more with its end, so that it does not run again', async () => {
    for (const ends of ['lands', 'fails'] as const) {
      const { refund, store, entries } = await open({
        async execute() {
          store.memory.organization('default').journal.keys.clear();
          if (ends === 'fails') throw new Error('reset');
          return { id: 'r-1' };
        },
      });
      const call = refund.attempt(INPUT, KEY);
      if (ends === 'fails') await expect(call).rejects.toThrow('reset');
      else expect(await call).not.toHaveProperty('recorded');
      expect(entries()).toMatchObject([{ state: ends === 'fails' ? 'failed' : 'landed', attempt: 1 }]);
      expect(await refund.attempt(INPUT, KEY)).toMatchObject(
        ends === 'fails' ? { landed: 'unknown' } : { repeated: true },
      );
    }
  });

  test('and has given the attempt to somebody else since says that this one is not recorded', async () => {
    const { refund, store, definition, entries } = await open({
      async execute({ order }) {
        if (order === 1007) {
          store.memory.organization('default').journal.keys.clear();
          const other = await another(store, {
            ...definition,
            name: 'payments.refund',
            execute: async () => ({ id: 'other' }),
          });
          await other.attempt(INPUT, KEY);
        }
        return { id: 'r-1' };
      },
    });
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'executed', recorded: false });
    expect(entries()).toMatchObject([{ state: 'landed', executor_name: 'other' }]);
    expect(await refund.attempt({ ...INPUT, order: 2 })).toMatchObject({ status: 'executed' });
  });

  test('is told at close what has landed and is not recorded', async () => {
    const { store, memory } = await openMemorySwitch({ agentId: 'x' });
    const killSwitch = await createKillSwitch({ store, domain: 'told-at-close', agentId: 'x' });
    const refund = killSwitch.action({
      name: 'payments.refund',
      journal: true,
      async execute(_: Refund) {
        memory.fault = 'unreachable';
        return 1;
      },
    });
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ recorded: false });
    await expect(killSwitch.close()).rejects.toMatchObject({
      code: 'JOURNAL_UNAVAILABLE',
      message: expect.stringContaining('refund-1007 (payments.refund)'),
    });
  });
});

describe('what is stopped', () => {
  test('while it runs has landed where it returned, and is unknown where it threw', async () => {
    for (const ends of ['returns', 'throws'] as const) {
      const { refund, control, entries } = await open({
        execute: (_input, { signal }) =>
          new Promise((resolve, reject) => {
            signal.addEventListener('abort', () =>
              ends === 'returns' ? resolve({ id: 'r' }) : reject(new Error('x')),
            );
          }),
      });
      const call = refund.attempt(INPUT, KEY);
      await vi.waitFor(() => expect(entries()).toMatchObject([{ state: 'intended' }]));
      await control.kill({ target: 'agent:x' });
      expect(await call).toMatchObject({ status: 'aborted', landed: 'unknown' });
      expect(entries()).toMatchObject([{ state: ends === 'returns' ? 'landed' : 'unknown' }]);
    }
  });

  test('between its intent and its start is not started', async () => {
    const { refund, execute, control, store, entries } = await open({ irreversible: true });
    const { journal } = store.memory.organization('default');
    const set = journal.keys.set.bind(journal.keys);
    let killed: Promise<unknown> | undefined;
    vi.spyOn(journal.keys, 'set').mockImplementation((...given) => {
      killed ??= control.kill({ target: 'agent:x' });
      return set(...given);
    });
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'blocked' });
    await killed;
    expect(execute).not.toHaveBeenCalled();
    expect(entries()).toMatchObject([{ state: 'not_started' }]);
  });

  test('by a pause after it was intended is given back, and intended anew when the pause is over', async () => {
    const { refund, execute, control, store, entries } = await open({ irreversible: true });
    const { journal } = store.memory.organization('default');
    const set = journal.keys.set.bind(journal.keys);
    let paused: Promise<unknown> | undefined;
    vi.spyOn(journal.keys, 'set').mockImplementation((...given) => {
      paused ??= control.kill({ target: 'agent:x', mode: 'paused' });
      return set(...given);
    });
    const call = refund(INPUT, KEY);
    await vi.waitFor(() => expect(entries()).toMatchObject([{ state: 'not_started' }]));
    await paused;
    expect(execute).not.toHaveBeenCalled();
    await control.revive({ target: 'agent:x', reason: 'on' });
    expect(await call).toEqual({ id: 'r-1007' });
    expect(entries().map(({ state, attempt }) => [state, attempt])).toEqual([
      ['not_started', 1],
      ['landed', 2],
    ]);
  });
});

describe('the journal of an action', () => {
  test('is on where it can be undone or cannot, or by a word; and off for the rest', async () => {
    const { killSwitch, entries } = await open();
    const execute = async (): Promise<number> => 1;
    const actions = [
      { name: 'a.plain', execute },
      { name: 'a.read', effect: 'read' as const, execute },
      { name: 'a.journal', journal: true, execute },
      { name: 'a.irreversible', irreversible: true, execute },
      { name: 'a.reverse', reverse: { action: 'b.c', input: () => null }, execute },
    ];
    for (const action of actions) await killSwitch.action(action).attempt();
    expect(entries().map(({ action }) => action)).toEqual(['a.journal', 'a.irreversible', 'a.reverse']);
  });

  test('cannot be off where it is needed', async () => {
    const { killSwitch } = await open();
    const execute = async (): Promise<number> => 1;
    for (const needs of [{ irreversible: true }, { reverse: { action: 'b.c', input: () => null } }])
      expect(() => killSwitch.action({ name: 'a.b', execute, journal: false, ...needs })).toThrow(/journal of a\.b/);
    expect(() => killSwitch.action({ name: 'a.b', execute, journal: 'yes' as never })).toThrow(/journal of a\.b/);
    expect(() => killSwitch.action({ name: 'a.b', execute, idempotent: 1 as never })).toThrow(/idempotent of a\.b/);
  });

  test('holds the redirected input of test_mode, and a repeat says that it was redirected', async () => {
    const got: Refund[] = [];
    const { refund, control, entries, killSwitch } = await open({
      redirect: (input) => ({ ...input, order: 0 }),
      async execute(input) {
        got.push(input);
        return { id: `r-${input.order}` };
      },
    });
    await control.setMode({ mode: 'test_mode', reason: 'x' });
    await vi.waitFor(() => expect(killSwitch.check({ agentId: 'x' }).mode).toBe('test_mode'));
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({ status: 'redirected', result: { id: 'r-0' } });
    expect(await refund.attempt(INPUT, KEY)).toMatchObject({
      ...{ status: 'redirected', result: { id: 'r-0' }, repeated: true },
    });
    expect(got).toEqual([{ ...INPUT, order: 0 }]);
    expect(entries()).toMatchObject([{ landing: { redirected: true } }]);
  });
});
