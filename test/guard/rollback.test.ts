import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { type ActionDefinition, createKillSwitch } from '../../index.ts';
import type { RollbackAnswer } from '../../operator/index.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

const WAIT = { waitMs: 5000, reason: 'wrong refunds' };

/** A switch in live mode with an action that can be undone, and what was done and undone, in order. */
async function open(cancel: Partial<ActionDefinition<{ of: string }, unknown>> = {}) {
  const opened = await openMemorySwitch({ agentId: 'x', executor: { name: 'first' } });
  const done: string[] = [];
  const refund: ActionDefinition<{ of: string }, { of: string }> = {
    name: 'payments.refund',
    reverse: { action: 'payments.cancel', input: (result) => result },
    async execute({ of }) {
      done.push(of);
      return { of };
    },
  };
  const undo: ActionDefinition<{ of: string }, unknown> = {
    name: 'payments.cancel',
    async execute({ of }) {
      done.push(`-${of}`);
    },
    ...cancel,
  };
  const actions = { refund: opened.killSwitch.action(refund), cancel: opened.killSwitch.action(undo) };
  const run = (runId: string, ...of: string[]): Promise<void> =>
    opened.killSwitch.run({ runId, missionId: `m-${runId}` }, async () => {
      for (const each of of) await actions.refund({ of: each }, { idempotencyKey: `k-${each}` });
    });
  return { ...opened, ...actions, done, run, definitions: { refund, undo } };
}

const outcomes = ({ actions }: Pick<RollbackAnswer, 'actions'>): string[] =>
  actions.map(({ idempotency_key, outcome }) => `${idempotency_key} ${outcome}`);

describe('a rollback', () => {
  test('stops the run and undoes what it has done, the last first, and nothing else', async () => {
    const { control, run, done, refund, killSwitch, cancel } = await open();
    await run('r-1', 'a', 'b');
    await run('r-2', 'other');
    const preview = await control.previewRollback({ run: 'r-1' });
    expect(outcomes(preview)).toEqual(['k-b reversible', 'k-a reversible']);
    expect((await control.kills()).count).toBe(0);

    const answer = await control.rollback({ run: 'r-1', ...WAIT, hash: preview.hash });
    expect(outcomes(answer)).toEqual(['k-b reversed', 'k-a reversed']);
    expect(done).toEqual(['a', 'b', 'other', '-b', '-a']);
    expect(answer).toMatchObject({ run_id: 'r-1', hash: preview.hash, stopped: null });
    expect((await control.kills()).data).toMatchObject([{ target: 'run:r-1', reason: 'rollback: wrong refunds' }]);

    await killSwitch.run({ runId: 'r-1' }, async () => {
      expect(await refund.attempt({ of: 'c' })).toMatchObject({
        status: 'blocked',
        decision: { cause: { kind: 'kill' } },
      });
      expect(await cancel.attempt({ of: 'c' })).toMatchObject({ status: 'blocked' });
    });
    const { entries } = await control.run('r-1');
    expect(entries).toMatchObject([
      { idempotency_key: 'k-a', state: 'reversed', reversal: { asked_by: 'unverified:ann', executor: 'first' } },
      { idempotency_key: 'k-b', state: 'reversed' },
    ]);
    expect(await control.runs()).toMatchObject({
      count: 2,
      data: [
        { run_id: 'r-2', reversible: 1, states: { landed: 1 } },
        { run_id: 'r-1', entries: 2, reversible: 0, states: { reversed: 2, landed: 0 } },
      ],
    });
  });

  test('passes the stop of a budget that had stopped the run, also before the log has that; not one that comes later', async () => {
    const { control, killSwitch, refund, done, run } = await open();
    await control.setBudget({ scope: 'run', calls: 2 });
    await control.setBudget({ scope: 'mission', calls: 2, do: 'full_stop' });
    const { epoch } = await control.status();
    await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
    await run('r-1', 'a', 'b');
    const stopped = await killSwitch.run({ runId: 'r-1', missionId: 'm-r-1' }, () => refund.attempt({ of: 'c' }));
    expect(stopped).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'budget' } } });
    expect((await control.kills()).count).toBe(0);
    expect(outcomes(await control.rollback({ run: 'r-1', ...WAIT }))).toEqual(['k-b reversed', 'k-a reversed']);
    expect(done).toEqual(['a', 'b', '-b', '-a']);
    expect((await control.kills()).data.map(({ target, killed_by }) => [target, killed_by])).toEqual(
      expect.arrayContaining([
        ['mission:m-r-1', 'budget:mission'],
        ['run:r-1', 'unverified:ann'],
      ]),
    );
  });

  test('what it has undone is not done again under its key, nor called done; another key does it', async () => {
    const { control, killSwitch, refund, done, run } = await open();
    await run('r-1', 'a');
    await control.rollback({ run: 'r-1', ...WAIT });
    const { epoch } = await control.revive({ target: 'run:r-1', reason: 'once more' });
    await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
    const again = (idempotencyKey: string) =>
      killSwitch.run({ runId: 'r-1', missionId: 'm-r-1' }, () => refund.attempt({ of: 'a' }, { idempotencyKey }));
    const refused = await again('k-a');
    expect(refused).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault', code: 'UNDONE' } } });
    expect(refused.decision.message).toContain('take another key');
    expect(done).toEqual(['a', '-a']);
    expect(await again('k-a-2')).toMatchObject({ status: 'executed' });
    expect(done).toEqual(['a', '-a', 'a']);
  });

  test('what a person says was undone is neither done again under its key nor called done', async () => {
    const { control, killSwitch, refund, done, run } = await open({ execute: () => new Promise(() => {}) });
    await run('r-1', 'a');
    const { actions } = await control.rollback({ run: 'r-1', ...WAIT, timeoutMs: 100 });
    const key = actions[0]?.reversal_key ?? '';
    await control.resolve({ run: 'r-1', key, landed: true, reason: 'it is on the statement' });
    const { epoch } = await control.revive({ target: 'run:r-1', reason: 'once more' });
    await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
    expect(outcomes(await control.previewRollback({ run: 'r-1' }))).toEqual(['k-a already_reversed']);
    const again = await killSwitch.run({ runId: 'r-1', missionId: 'm-r-1' }, () =>
      refund.attempt({ of: 'a' }, { idempotencyKey: 'k-a' }),
    );
    expect(again).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault', code: 'UNDONE' } } });
    expect(done).toEqual(['a']);
  });

  test.each([
    [
      'a generator',
      async function* () {
        yield 1;
      },
    ],
    ['a generator in what it returned', async () => ({ lines: (async function* () {})() })],
  ])(
    'whose reverse operation gives %s does not call it undone, and goes on with the others',
    async (_what, execute) => {
      const { control, run } = await open({ execute });
      await run('r-1', 'a', 'b');
      const first = await control.rollback({ run: 'r-1', ...WAIT });
      expect(outcomes(first)).toEqual(['k-b unknown', 'k-a unknown']);
      expect(first.actions[0]?.detail).toContain('use it to its end inside execute');
      expect(outcomes(await control.rollback({ run: 'r-1', ...WAIT }))).toEqual(['k-b unknown', 'k-a unknown']);
      const { entries } = await control.run('r-1');
      expect(entries.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
    },
  );

  test('asked for again undoes nothing twice', async () => {
    const { control, run, done } = await open();
    await run('r-1', 'a');
    await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(await control.rollback({ run: 'r-1', ...WAIT }))).toEqual(['k-a already_reversed']);
    expect(done).toEqual(['a', '-a']);
  });

  test('needs a reason, and one thing to undo', async () => {
    const { control, run } = await open();
    await run('r-1', 'a');
    await expect(control.rollback({ run: 'r-1' })).rejects.toMatchObject({
      code: 'REASON_REQUIRED',
      message: 'A rollback takes a reason. Add one: { reason: "…" }.',
    });
    for (const wrong of [
      {},
      { run: 'r', mission: 'm' },
      { agent: 'x' },
      { run: '' },
      { runs: 'r-1' },
      { run: 'r', since: 'x' },
    ])
      await expect(control.previewRollback(wrong as never), JSON.stringify(wrong)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    await expect(control.previewRollback({ run: 'r-9' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await control.kills()).count).toBe(0);
    await expect(control.rollback({ run: 'r-9', ...WAIT })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await control.kills()).count).toBe(1);
  });

  test('of an agent since a time, and of a mission, reaches all of its runs', async () => {
    const { control, run, done, killSwitch, refund } = await open();
    await run('r-1', 'a');
    await sleep(5);
    const since = new Date();
    await run('r-2', 'b');
    await run('r-3', 'c');
    await killSwitch.run({ agentId: 'y', runId: 'r-4', missionId: 'm-r-1' }, () =>
      refund({ of: 'd' }, { idempotencyKey: 'k-d' }),
    );
    const mission = await control.rollback({ mission: 'm-r-1', ...WAIT });
    expect(outcomes(mission)).toEqual(['k-d reversed', 'k-a reversed']);
    const agent = await control.rollback({ agent: 'x', since, ...WAIT });
    expect(outcomes(agent)).toEqual(['k-c reversed', 'k-b reversed']);
    expect(agent).toMatchObject({ run_id: null, target: 'agent:x' });
    expect(done.slice(-4)).toEqual(['-d', '-a', '-c', '-b']);
  });

  test('says what cannot be undone and what is not known, and undoes the rest', async () => {
    const { control, run, killSwitch, done } = await open();
    const mail = killSwitch.action({ name: 'mail.send', irreversible: true, execute: async () => 'sent' });
    const odd = killSwitch.action({
      name: 'odd.do',
      journal: true,
      execute: () => Promise.reject(new Error('connection reset')),
    });
    await run('r-1', 'a');
    await killSwitch.run({ runId: 'r-1' }, async () => {
      await mail(undefined, { idempotencyKey: 'k-mail' });
      await expect(odd(undefined, { idempotencyKey: 'k-odd' })).rejects.toThrow('reset');
    });
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-odd unknown', 'k-mail not_reversible', 'k-a reversed']);
    expect(answer.actions[0]?.detail).toContain('kill-switch runs resolve r-1 k-odd');
    await expect(control.resolve({ run: 'r-1', key: 'k-odd', landed: true })).rejects.toThrow(
      'To say that it has landed takes a reason.',
    );
    expect(done).toEqual(['a', '-a']);
    await control.resolve({ run: 'r-1', key: 'k-odd', landed: false, reason: 'looked' });
    expect(outcomes(await control.previewRollback({ run: 'r-1' }))).toEqual([
      'k-mail not_reversible',
      'k-a already_reversed',
    ]);
  });

  test('goes on where one reversal fails, says why, and tries that one again when it is asked for again', async () => {
    let fails = true;
    const tried: string[] = [];
    const { control, run } = await open({
      async execute({ of }) {
        tried.push(of);
        if (of === 'b' && fails) throw new Error('bank down');
      },
    });
    await run('r-1', 'a', 'b', 'c');
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-c reversed', 'k-b failed', 'k-a reversed']);
    expect(answer.actions[1]?.detail).toBe('bank down');
    expect((await control.run('r-1')).entries[1]).toMatchObject({
      state: 'reverse_failed',
      reversal: { why: 'bank down' },
    });
    fails = false;
    expect(outcomes(await control.rollback({ run: 'r-1', ...WAIT }))).toEqual([
      ...['k-c already_reversed', 'k-b reversed', 'k-a already_reversed'],
    ]);
    expect(tried).toEqual(['c', 'b', 'a', 'b']);
  });

  test('does not wait for a reversal that hangs, and repeats that one only where it is idempotent', async () => {
    const { control, run, cancel } = await open({
      execute: ({ of }, { signal }) =>
        of === 'b'
          ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
          : null,
    });
    expect(cancel).toBeDefined();
    await run('r-1', 'a', 'b');
    const answer = await control.rollback({ run: 'r-1', ...WAIT, timeoutMs: 50 });
    expect(outcomes(answer)).toEqual(['k-b failed', 'k-a reversed']);
    expect(answer.actions[0]?.detail).toContain('has not ended within 50 ms');
    const again = await control.rollback({ run: 'r-1', ...WAIT, timeoutMs: 50 });
    expect(outcomes(again)).toEqual(['k-b unknown', 'k-a already_reversed']);
    const key = again.actions[0]?.reversal_key ?? '';
    expect(again.actions[0]?.detail).toContain(key);
    await control.resolve({ run: 'r-1', key, landed: true, reason: 'it is on the statement' });
    expect(outcomes(await control.previewRollback({ run: 'r-1' }))).toEqual([
      'k-b already_reversed',
      'k-a already_reversed',
    ]);
  });

  test('runs nothing where the code here does not say that it undoes that', async () => {
    const { control, run, killSwitch, done, store } = await open();
    await run('r-1', 'a');
    const [entry] = [...store.memory.organization('default').journal.keys.values()].flat();
    expect(entry?.state).toBe('landed');
    const forged = {
      ...entry,
      landing: {
        result: null,
        redirected: false,
        reverse: { is: 'reversible', action: 'payments.refund', input: '{"of":"evil"}' },
      },
    };
    store.memory.organization('default').journal.keys.set('k-a', [forged as never]);
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-a failed']);
    expect(answer.actions[0]?.detail).toContain('does not declare');
    expect(done).toEqual(['a']);
    expect(killSwitch).toBeDefined();
  });

  test('says so where no executor has the action, and undoes it when one has', async () => {
    const { control, run, killSwitch, store, definitions, done } = await open();
    await run('r-1', 'a');
    await vi.waitUntil(async () => (await control.surfaces()).count === 2, { timeout: 5000 });
    expect(await control.previewRollback({ run: 'r-1' })).toMatchObject({
      ...{ performer: { name: 'first' }, able: 1, problem: null },
      actions: [{ outcome: 'reversible', detail: 'by payments.cancel' }],
    });
    await killSwitch.close();
    expect(await control.previewRollback({ run: 'r-1' })).toMatchObject({
      ...{ performer: null, able: 0, problem: expect.stringContaining('no executor that runs now has registered') },
      actions: [
        { outcome: 'reversible', detail: expect.stringMatching(/^by payments\.cancel, which is registered in no/) },
      ],
    });
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-a failed']);
    expect(answer.actions[0]?.detail).toContain('no executor that runs now has registered payments.cancel');
    const other = await createKillSwitch({
      store: memoryStore({ memory: store.memory }),
      domain: `other-${Math.random()}`,
      agentId: 'z',
    });
    closeAfterwards(other);
    other.action(definitions.refund);
    other.action(definitions.undo);
    await vi.waitUntil(async () => (await control.surfaces()).data.some(({ action }) => action === 'payments.cancel'));
    expect(outcomes(await control.rollback({ run: 'r-1', ...WAIT }))).toEqual(['k-a reversed']);
    expect(done).toEqual(['a', '-a']);
  });

  test('checks the schema and the limits of the reverse action, and says what they refuse', async () => {
    const { control, run, done } = await open({ limits: { most: { max: 1, of: ({ of }) => of.length } } });
    await run('r-1', 'a', 'bb', 'c');
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-c reversed', 'k-bb failed', 'k-a reversed']);
    expect(answer.actions[1]?.detail).toContain('most');
    expect(done.slice(3)).toEqual(['-c', '-a']);
  });
});

describe('what a rollback may pass', () => {
  test('is every kill that stood on its target and above it', async () => {
    const { control, run, done } = await open();
    await run('r-1', 'a');
    for (const target of ['all', 'agent:x', 'mission:m-r-1']) await control.kill({ target, reason: 'panic' });
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-a reversed']);
    expect(done).toEqual(['a', '-a']);
  });

  test.each<[string, (control: Awaited<ReturnType<typeof open>>['control']) => Promise<unknown>, string]>([
    ['a kill of its action', (control) => control.kill({ target: 'action:payments.*' }), 'payments.*'],
    ['a base mode', (control) => control.setMode({ mode: 'draft_only' }), 'draft_only'],
    ['a rule', (control) => control.addRule({ name: 'night', target: 'all', mode: 'read_only' }), 'night'],
    ['a test mode', (control) => control.setMode({ mode: 'test_mode' }), 'test_mode'],
    [
      'a hand on its action',
      (control) => control.setAutonomy({ action: 'payments.cancel', stage: 'human_in_the_loop' }),
      'human_in_the_loop',
    ],
  ])('is not %s: that stops it, and is said', async (_what, restrict, why) => {
    const { control, run, done } = await open();
    await run('r-1', 'a', 'b');
    await restrict(control);
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-b failed', 'k-a failed']);
    expect(answer.stopped).toContain(why);
    expect(done).toEqual(['a', 'b']);
  });

  test.each<[string, string, 'full_stop' | 'paused']>([
    ['of its target again', 'run:r-1', 'full_stop'],
    ['of its agent', 'agent:x', 'full_stop'],
    ['of everything', 'all', 'full_stop'],
    ['that only pauses', 'all', 'paused'],
  ])('is no newer kill %s: it stops at once, and what was undone stays so', async (_what, target, mode) => {
    const opened = await open({
      async execute({ of }) {
        if (of === 'b') await opened.control.kill({ target, mode, reason: 'wait', waitMs: 2000 });
      },
    });
    const { control, run } = opened;
    await run('r-1', 'a', 'b', 'c');
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-c reversed', 'k-b reversed', 'k-a failed']);
    expect(answer.stopped).not.toBeNull();
  });

  test('ends when its own stop is lifted', async () => {
    const opened = await open({
      async execute({ of }) {
        if (of === 'b') await opened.control.revive({ target: 'run:r-1', reason: 'oops' });
        await vi.waitUntil(() => opened.killSwitch.check({ agentId: 'x', runId: 'r-1' }).verdict === 'allow');
      },
    });
    const { control, run } = opened;
    await run('r-1', 'a', 'b');
    const answer = await control.rollback({ run: 'r-1', ...WAIT });
    expect(outcomes(answer)).toEqual(['k-b reversed', 'k-a failed']);
    expect(answer.stopped).toContain('no longer stopped');
  });
});

describe('a rollback that another executor takes over', () => {
  test('is left by the first in the turn in which that applies it, and nothing is undone twice', async () => {
    const by: string[] = [];
    const { control, run, store, definitions } = await open({
      execute: ({ of }, { signal }) => {
        by.push(`first ${of}`);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop'))));
      },
    });
    await run('r-1', 'a', 'b');
    const second = await createKillSwitch({
      ...{ store: memoryStore({ memory: store.memory }), domain: `second-${Math.random()}`, agentId: 'z' },
      executor: { name: 'second' },
    });
    closeAfterwards(second);
    second.action(definitions.refund);
    second.action({ ...definitions.undo, execute: async ({ of }: { of: string }) => void by.push(`second ${of}`) });
    await vi.waitUntil(async () => (await control.surfaces()).count === 4, { timeout: 5000 });

    const left = control.rollback({ run: 'r-1', ...WAIT, signal: AbortSignal.timeout(3000) });
    await vi.waitUntil(() => by.length > 0, { timeout: 5000 });
    const answer = await control.rollback({ run: 'r-1', ...WAIT, takeOver: true });
    expect(outcomes(answer)).toEqual(['k-b unknown', 'k-a reversed']);
    expect(answer.rollback?.performer.name).toBe('second');
    expect(by).toEqual(['first b', 'second a']);
    await left;
  });

  test('is waited for, not begun anew, where the first goes on', async () => {
    let goOn = (): void => {};
    const { control, run } = await open({ execute: () => new Promise<void>((resolve) => void (goOn = resolve)) });
    await run('r-1', 'a');
    const first = await control.rollback({ run: 'r-1', ...WAIT, signal: AbortSignal.timeout(500) });
    expect(first.stopped).toContain('it goes on');
    const waiting = control.rollback({ run: 'r-1', ...WAIT });
    await vi.waitFor(() => goOn());
    const second = await waiting;
    expect(outcomes(second)).toEqual(['k-a reversed']);
    expect(second.rollback?.id).toBe(first.rollback?.id);
  });
});

test('ten thousand effects are undone, each once and in order', { timeout: 240_000 }, async () => {
  const { control, run, done } = await open();
  const all = Array.from({ length: 10_000 }, (_, index) => String(index));
  await run('r-1', ...all);
  const { actions } = await control.rollback({ run: 'r-1', ...WAIT });
  expect(new Set(actions.map(({ outcome }) => outcome))).toEqual(new Set(['reversed']));
  expect(done.slice(all.length)).toEqual(all.map((each) => `-${each}`).reverse());
});
