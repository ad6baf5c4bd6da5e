import { describe, expect, test, vi } from 'vitest';
import type { ActionDefinition, ExecutorStore } from '../../index.ts';
import { type BudgetOptions, openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';
import { closeAfterwards, openMemorySwitch, openSwitch } from './open-switch.ts';

interface Ask {
  readonly usd: number;
}

async function setUp(
  budgets: readonly BudgetOptions[],
  { spend = { usd: ({ usd }) => usd }, ...more }: Partial<ActionDefinition<Ask, { readonly cost?: number }>> = {},
) {
  const opened = await openMemorySwitch({ agentId: 'researcher', executor: { name: 'research' } });
  const { control, killSwitch } = opened;
  for (const budget of budgets) await control.setBudget(budget);
  await heard(opened);
  const landed: number[] = [];
  const ask = killSwitch.action<Ask, { readonly cost?: number }>({
    name: 'llm.ask',
    spend,
    execute({ usd }) {
      landed.push(usd);
      return {};
    },
    ...more,
  });
  const attempt = (usd: number, runId = 'r-1') => killSwitch.run({ runId }, () => ask.attempt({ usd }));
  const row = async (counted: string) => (await control.budgets()).data.find((each) => each.counted === counted);
  return { ...opened, ask, attempt, landed, row };
}

/** The executor knows all that the log has. */
async function heard({ control, killSwitch }: Awaited<ReturnType<typeof openMemorySwitch>>) {
  const { epoch } = await control.status();
  await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
}

const trippedBy = (scope: string) => ({
  status: 'paused',
  decision: { mode: 'paused', cause: { kind: 'budget', scope } },
});

test('a delivery of a key that waits for a person holds up no other delivery of it', async () => {
  const { ask, control, killSwitch } = await setUp([{ scope: 'run', usd: 1 }], { journal: true });
  await control.setMode({ mode: 'approval_gated', reason: 'test' });
  await vi.waitUntil(() => killSwitch.check({ agentId: 'researcher' }).mode === 'approval_gated');
  const over = new AbortController();
  const deliver = (options: object) =>
    killSwitch.run({ runId: 'r-1' }, () => ask.attempt({ usd: 0.1 }, { idempotencyKey: 'k-1', ...options }));
  const first = deliver({ waitMs: 600_000, signal: over.signal });
  await vi.waitUntil(async () => (await control.approvals()).count === 1, 10_000);
  expect(await deliver({ waitMs: 0 })).toMatchObject({ status: 'held' });
  over.abort();
  expect(await first).toMatchObject({ status: 'aborted' });
});

describe('a budget', () => {
  test('lets through what fits, to the last cent, and pauses the run with the first call that does not', async () => {
    const { attempt, landed, row, control } = await setUp([{ scope: 'run', usd: 1 }]);
    for (const usd of [0.6, 0.3, 0.1]) expect(await attempt(usd)).toMatchObject({ status: 'executed' });
    expect(await attempt(0.000001)).toMatchObject(trippedBy('run:r-1'));
    expect(landed).toEqual([0.6, 0.3, 0.1]);
    expect(await row('run:r-1')).toMatchObject({ spent: 1, reserved: 0, left: 0 });
    expect(await attempt(1, 'r-2')).toMatchObject({ status: 'executed' });
    expect((await control.status()).stops).toMatchObject([{ target: 'run:r-1', by: 'budget:run' }]);
  });

  test('is settled to what a call has come to, also where that is more', async () => {
    const { attempt, row } = await setUp([{ scope: 'run', usd: 10 }], {
      spend: { usd: { reserve: () => 2, settle: ({ cost = 0 }) => cost } },
      execute: ({ usd }) => ({ cost: usd }),
    });
    await attempt(0.25);
    expect(await row('run:r-1')).toMatchObject({ spent: 0.25, reserved: 0, left: 9.75 });
    await attempt(9.5);
    expect(await row('run:r-1')).toMatchObject({ spent: 9.75, left: 0.25 });
    expect(await attempt(0)).toMatchObject(trippedBy('run:r-1')); // 2 do not fit
  });

  test('counts in full what has thrown, and what settle gives no amount for', async () => {
    const { attempt, control, row } = await setUp([{ scope: 'run', usd: 10 }], {
      spend: { usd: { reserve: ({ usd }) => usd, settle: () => Number.NaN } },
      execute({ usd }) {
        if (usd === 3) throw new Error('gone');
        return {};
      },
    });
    await expect(attempt(3)).rejects.toThrow('gone');
    await attempt(2);
    expect(await row('run:r-1')).toMatchObject({ spent: 5, reserved: 0 });
    await vi.waitFor(async () =>
      expect((await control.interventions()).data).toMatchObject([
        { type: 'WARNING', status: 'warned', cause: { code: 'HANDLER_FAILED', message: /settle of spend\.usd/ } },
      ]),
    );
  });

  test('gets back what was set aside for a call that has not started', async () => {
    const { control, killSwitch, ask, row } = await setUp([{ scope: 'run', usd: 10 }]);
    await control.setMode({ mode: 'approval_gated' });
    await vi.waitUntil(() => killSwitch.check().mode === 'approval_gated');
    const held = await killSwitch.run({ runId: 'r-1' }, () => ask.attempt({ usd: 4 }));
    expect(held).toMatchObject({ status: 'held' });
    await vi.waitFor(async () => expect(await row('run:r-1')).toBeUndefined());
    expect((await control.budgets()).data).toMatchObject([{ counted: null, left: 10 }]);
  });

  test('is asked before anybody is, and again once it is approved', async () => {
    const { control, killSwitch, ask, attempt, landed, row } = await setUp([{ scope: 'agent:researcher', usd: 10 }]);
    await control.setMode({ mode: 'approval_gated' });
    await vi.waitUntil(() => killSwitch.check().mode === 'approval_gated');
    expect(await attempt(10.01, 'r-0')).toMatchObject(trippedBy('agent:researcher'));
    expect((await control.approvals()).data).toEqual([]);
    await control.revive({ target: 'agent:researcher', reason: 'once more' });
    await vi.waitUntil(() => killSwitch.check().mode === 'approval_gated');
    const first = killSwitch.run({ runId: 'r-1' }, () => ask({ usd: 6 }));
    const request = await vi.waitUntil(async () => (await control.approvals()).data[0]);
    expect(request).toMatchObject({ cost_usd: 6 });
    await control.approve({ id: request.id, inputHash: request.input_hash });
    await first;
    expect(landed).toEqual([6]);
    const second = killSwitch.run({ runId: 'r-2' }, () => ask.attempt({ usd: 3 }, { waitMs: 60_000 }));
    const waiting = await vi.waitUntil(async () => (await control.approvals({ status: 'pending' })).data[0]);
    await control.setBudget({ scope: 'agent:researcher', usd: 8 });
    await control.approve({ id: waiting.id, inputHash: waiting.input_hash });
    await vi.waitUntil(() => killSwitch.check().mode === 'paused');
    await control.kill({ target: 'agent:researcher', reason: 'enough' });
    expect(await second).toMatchObject({ status: 'blocked' });
    expect(landed).toEqual([6]);
    expect(await row('agent:researcher')).toMatchObject({ spent: 6, left: 2 });
  });

  test('warns once, at its share', async () => {
    const { attempt, control } = await setUp([{ scope: 'run', usd: 10 }]);
    for (const usd of [7, 0.9, 0.1, 1, 1]) await attempt(usd);
    await vi.waitFor(async () =>
      expect((await control.interventions()).data).toMatchObject([
        {
          ...{ type: 'WARNING', status: 'warned', run_id: 'r-1', action: 'llm.ask' },
          cause: { kind: 'budget', scope: 'run:r-1', type: 'usd', spent: 8, limit: 10 },
        },
      ]),
    );
  });

  test('is lifted by a person, and counts anew', async () => {
    const { attempt, control, killSwitch, landed } = await setUp([{ scope: 'run', usd: 1 }]);
    await attempt(1);
    expect(await attempt(1)).toMatchObject(trippedBy('run:r-1'));
    await control.revive({ target: 'run:r-1', reason: 'the answers are good' });
    await vi.waitUntil(() => killSwitch.check({ runId: 'r-1' }).mode === 'live');
    expect(await attempt(1)).toMatchObject({ status: 'executed' });
    expect(await attempt(1)).toMatchObject(trippedBy('run:r-1'));
    expect(landed).toEqual([1, 1]);
  });

  test('is the cause also once the log has its stop, until a person kills that for a reason of their own', async () => {
    const { attempt, control, controlStore, killSwitch } = await setUp([{ scope: 'run', usd: 1 }]);
    await attempt(1);
    await attempt(1);
    const operating = await openControlPlane({ store: controlStore, operator: { id: 'night' }, operate: true });
    closeAfterwards(operating);
    const { epoch } = await vi.waitUntil(async () => (await control.kills()).data.length > 0 && control.status());
    await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
    expect(await attempt(1)).toMatchObject(trippedBy('run:r-1'));
    expect((await control.kills()).data).toMatchObject([
      { target: 'run:r-1', killed_by: 'budget:run', mode: 'paused' },
    ]);
    await control.kill({ target: 'run:r-1', reason: 'it reads the wrong papers' });
    expect(await attempt(1)).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'kill', killedBy: 'unverified:ann' } },
    });
  });

  test.each([
    ['draft_only', { status: 'drafted', decision: { mode: 'draft_only' } }],
    ['full_stop', { status: 'blocked', decision: { mode: 'full_stop' } }],
  ] as const)('leaves %s where it says so', async (mode, outcome) => {
    const { attempt } = await setUp([{ scope: 'run', usd: 1, do: mode }]);
    expect(await attempt(2)).toMatchObject(outcome);
    expect(await attempt(0)).toMatchObject({ ...outcome, decision: { cause: { kind: 'budget' } } });
  });

  test('refuses what its stop lets through', async () => {
    const reads = await setUp([{ scope: 'run', usd: 1, do: 'draft_only' }], { effect: 'read' });
    expect(await reads.attempt(2)).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'budget' } } });
    expect(reads.landed).toEqual([]);
  });

  test('lower than what is spent already trips with the next call', async () => {
    const { attempt, control, ...opened } = await setUp([{ scope: 'run', usd: 10 }]);
    await attempt(5);
    await control.setBudget({ scope: 'run', usd: 4 });
    await heard({ ...opened, control });
    expect(await attempt(0)).toMatchObject(trippedBy('run:r-1'));
  });

  test('stops what runs together at the last cent, never beyond it', async () => {
    const { attempt, landed } = await setUp([{ scope: 'agent:researcher', usd: 1 }]);
    const outcomes = await Promise.all(Array.from({ length: 150 }, (_, n) => attempt(0.01, `r-${n}`)));
    expect(outcomes.filter(({ status }) => status === 'executed')).toHaveLength(100);
    expect(landed).toHaveLength(100); // those that had room start, though others have tripped it meanwhile
  });

  test('of calls counts every action, also one that says nothing of what it spends', async () => {
    const { killSwitch, control, ...opened } = await setUp([{ scope: 'agent:researcher', calls: 3 }]);
    const free = killSwitch.action({ name: 'web.get', effect: 'read', execute: () => 1 });
    for (let n = 0; n < 3; n += 1) expect(await free.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await free.attempt(undefined)).toMatchObject(trippedBy('agent:researcher'));
    await control.revive({ target: 'agent:researcher', reason: 'again' });
    await control.setBudget({ scope: 'agent:researcher', calls: 12, reason: 'batches' });
    await heard({ ...opened, killSwitch, control });
    const many = killSwitch.action({ name: 'web.batch', spend: { calls: () => 10 }, execute: () => 1 });
    expect(await many.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await many.attempt(undefined)).toMatchObject(trippedBy('agent:researcher'));
  });

  test('of a user counts by user_id too, and warns once of calls whose context names nobody', async () => {
    const { killSwitch, ask, row, control } = await setUp([
      { scope: 'user', usd: 10 },
      { scope: 'account', calls: 5 },
      { scope: 'user', tokens: 5, window: 'day' }, // of what these calls do not spend
    ]);
    const as = (context: Record<string, string>, runId: string) =>
      killSwitch.run({ runId, context }, () => ask.attempt({ usd: 1 }));
    expect(await as({ user_id: 'u-1', account_id: 'acme' }, 'a')).toMatchObject({ status: 'executed' });
    expect(await row('user:u-1')).toMatchObject({ spent: 1 });
    for (const runId of ['b', 'c'])
      expect(await as({ usr: 'u-1', account_id: 'acme' }, runId)).toMatchObject({ status: 'executed' });
    await vi.waitUntil(async () => (await control.interventions()).count > 0);
    expect((await control.interventions()).data).toMatchObject([
      {
        type: 'WARNING',
        run_id: 'b',
        cause: { message: expect.stringMatching(/the budget user does not count .*names no user \(user or user_id\)/) },
      },
    ]);
  });

  test('of a user counts those who are named in the context, and stops the run', async () => {
    const { killSwitch, ask } = await setUp([{ scope: 'user', usd: 1 }]);
    const as = (user: string, runId: string) =>
      killSwitch.run({ runId, context: { user } }, () => ask.attempt({ usd: 1 }));
    expect(await as('u-1', 'a')).toMatchObject({ status: 'executed' });
    expect(await as('u-2', 'b')).toMatchObject({ status: 'executed' });
    expect(await as('u-1', 'c')).toMatchObject(trippedBy('user:u-1'));
    expect(killSwitch.check({ runId: 'a' }).mode).toBe('live');
  });

  test('of a day counts for all, and stops all', async () => {
    const { attempt, killSwitch } = await setUp([{ scope: 'day', usd: 1, timeZone: 'Europe/Berlin' }]);
    expect(await attempt(1)).toMatchObject({ status: 'executed' });
    expect(await attempt(1, 'r-2')).toMatchObject(trippedBy('day'));
    expect(killSwitch.check({ agentId: 'somebody else' })).toMatchObject({ mode: 'paused' });
  });

  test('all that a call meets are asked in one step: where one has no room, the others have set nothing aside', async () => {
    const { attempt, row } = await setUp([
      { scope: 'run', usd: 5 },
      { scope: 'agent:researcher', usd: 3 },
    ]);
    await attempt(2);
    expect(await attempt(2)).toMatchObject(trippedBy('agent:researcher'));
    expect(await row('run:r-1')).toMatchObject({ spent: 2, reserved: 0 });
  });

  test('a child spends for its parents', async () => {
    const { ask, killSwitch } = await setUp([{ scope: 'run', usd: 1 }]);
    const outcome = await killSwitch.run({ runId: 'parent' }, () =>
      killSwitch
        .run({ runId: 'child-1' }, () => ask.attempt({ usd: 0.6 }))
        .then(() => killSwitch.run({ runId: 'child-2' }, () => ask.attempt({ usd: 0.6 }))),
    );
    expect(outcome).toMatchObject(trippedBy('run:parent'));
  });
});

describe('a call that cannot be counted is blocked', () => {
  test.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['-0', -0],
    ['a text', '1'],
    ['a promise', Promise.resolve(1)],
    ['nothing', undefined],
  ])('%s', async (_what, amount) => {
    const { attempt, landed } = await setUp([{ scope: 'run', usd: 1 }], { spend: { usd: () => amount as number } });
    expect(await attempt(1)).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'HANDLER_FAILED', message: expect.stringContaining('spend.usd') } },
    });
    expect(landed).toEqual([]);
  });

  test('also where there is no budget', async () => {
    const { attempt } = await setUp([], { spend: { usd: () => -1 } });
    expect(await attempt(1)).toMatchObject({ status: 'blocked' });
  });

  test('a user by two different names', async () => {
    const { killSwitch, ask } = await setUp([{ scope: 'user', usd: 1 }]);
    const as = (context: Record<string, string>) => killSwitch.run({ context }, () => ask.attempt({ usd: 1 }));
    expect(await as({ user: 'u-1', user_id: 'u-2' })).toMatchObject({
      status: 'blocked',
      decision: { cause: { message: expect.stringContaining('user and user_id name different ones') as string } },
    });
  });

  test('a user that is no text, where a budget asks for one', async () => {
    const { killSwitch, ask } = await setUp([{ scope: 'user', usd: 1 }]);
    const outcome = await killSwitch.run({ context: { user: 7 } }, () => ask.attempt({ usd: 1 }));
    expect(outcome).toMatchObject({ status: 'blocked', decision: { cause: { message: /user must be/ } } });
  });
});

test('one that is set while a call is on its way, before it starts, is asked too', async () => {
  const real = memoryStore();
  let meanwhile = async (): Promise<unknown> => undefined;
  const store: ExecutorStore = {
    ...real,
    open(scope) {
      const connection = real.open(scope);
      const { journal } = connection;
      if (!journal) throw new Error('It keeps a journal.');
      const intend: typeof journal.intend = async (intent) => {
        await meanwhile();
        return journal.intend(intent);
      };
      return { ...connection, journal: { ...journal, intend } };
    },
  };
  const { control, killSwitch } = await openSwitch(
    { store, controlStore: memoryControlStore(real), openControl: openQuickControl },
    { agentId: 'researcher' },
  );
  const execute = vi.fn();
  const ask = killSwitch.action({ name: 'llm.ask', journal: true, spend: { usd: () => 2 }, execute });
  meanwhile = async () => {
    const { epoch } = await control.setBudget({ scope: 'run', usd: 1 });
    await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
  };
  expect(await killSwitch.run({ runId: 'r-1' }, () => ask.attempt(undefined))).toMatchObject(trippedBy('run:r-1'));
  expect(execute).not.toHaveBeenCalled();
});

test('an amount that is another one each time it is asked blocks the call, and says why', async () => {
  let asked = 0;
  const { attempt, landed, row } = await setUp([{ scope: 'run', usd: 100 }], { spend: { usd: () => (asked += 1) } });
  expect(await attempt(1)).toMatchObject({
    status: 'blocked',
    decision: { cause: { kind: 'fault', code: 'STALE', message: /spend must answer by the input alone/ } },
  });
  expect([landed, await row('run:r-1')]).toEqual([[], undefined]);
});

test('a stop that comes while a kill with an end holds stays when that has ended, and one revive lifts both', async () => {
  const budget = { scope: 'agent:researcher', usd: 1, do: 'draft_only' } as const;
  const { attempt, control, killSwitch, ...opened } = await setUp([budget]);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  await control.kill({ target: 'agent:researcher', mode: 'draft_only', expiresAt });
  await heard({ ...opened, killSwitch, control });
  const read = killSwitch.action({ name: 'web.get', effect: 'read', spend: { usd: () => 2 }, execute: () => 1 });
  expect(await read.attempt(undefined)).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'budget' } } });
  expect((await control.status()).stops).toMatchObject([{ target: 'agent:researcher', by: 'budget:agent:researcher' }]);
  await control.revive({ target: 'agent:researcher', reason: 'both at once' });
  await heard({ ...opened, killSwitch, control });
  expect(await attempt(1)).toMatchObject({ status: 'executed' });
});

test('what a handler does to the input changes neither what it costs nor what runs', async () => {
  const { attempt, landed, row } = await setUp([{ scope: 'run', usd: 10 }], {
    spend: {
      usd(input) {
        const { usd } = input;
        (input as { usd: number }).usd = 99;
        return usd;
      },
    },
  });
  await attempt(2);
  expect([landed, (await row('run:r-1'))?.spent]).toEqual([[2], 2]);
});

test('a redirected call spends for the input that was made for it', async () => {
  const { attempt, control, killSwitch, row } = await setUp([{ scope: 'run', usd: 10 }], {
    redirect: (input) => ({ ...input, usd: 1 }),
  });
  await control.setMode({ mode: 'test_mode' });
  await vi.waitUntil(() => killSwitch.check().mode === 'test_mode');
  expect(await attempt(5)).toMatchObject({ status: 'redirected' });
  expect(await row('run:r-1')).toMatchObject({ spent: 1 });
});

test('a call whose key has landed is answered and spends nothing, also where the budget is spent', async () => {
  const { killSwitch, ask, row } = await setUp([{ scope: 'run', usd: 1 }], { journal: true });
  const again = () => killSwitch.run({ runId: 'r-1' }, () => ask.attempt({ usd: 1 }, { idempotencyKey: 'job-7' }));
  expect(await again()).toMatchObject({ status: 'executed' });
  expect(await again()).toMatchObject({ status: 'executed', repeated: true });
  expect(await row('run:r-1')).toMatchObject({ spent: 1 });
  expect(killSwitch.check({ runId: 'r-1' }).mode).toBe('live');
});
