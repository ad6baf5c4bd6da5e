import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';
import { fakeClock } from '../../testing/index.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';
import { ask, type Asker, ASKING, decided, heldCall, openAsker } from './asking.ts';

async function opened(memory = new Memory()) {
  const store = memoryStore({ memory });
  const as = async (id: string) => {
    const control = await openQuickControl({ store: memoryControlStore(store), operator: { id }, retryMs: 300 });
    onTestFinished(() => control.close());
    return control;
  };
  const dana = await as('dana');
  await dana.init();
  await dana.setMode({ mode: 'approval_gated', reason: 'test' });
  const asker = await openAsker(store);
  return { store, memory, as, dana, asker };
}

/** Waits until an executor holds what is in the log now. */
const caughtUp = async ({ replica }: Asker): Promise<void> => {
  await replica.confirmNow(1000);
};

const use = ({ approving }: Asker, id: string, call = heldCall(), token: string = randomUUID()) =>
  approving.use(id, call, token);

const MINUTE = 60_000;

describe('asking people', () => {
  test('shows them the whole input without secrets, and hashes all of it', async () => {
    const { asker, dana } = await opened();
    const call = heldCall({ cents: 500, note: 'x'.repeat(5000), api_key: 'sk-live-123456', ['k'.repeat(300)]: 1 });
    const id = await ask(asker, call);
    const { input, input_cut, input_hash, input_length } = await dana.approval(id);
    expect(input).toEqual({ cents: 500, note: 'x'.repeat(5000), api_key: '[redacted]', ['k'.repeat(300)]: 1 });
    expect({ input_cut, input_hash }).toEqual({ input_cut: false, input_hash: call.inputHash });
    expect(input_length).toBe(JSON.stringify(input).length);
  });

  test('says how much of a very long input is not shown', async () => {
    const { asker, dana } = await opened();
    const id = await ask(asker, heldCall({ body: '😀'.repeat(30_000) }));
    const { input, input_cut, input_length } = await dana.approval(id);
    expect({ input_cut, input_length }).toEqual({ input_cut: true, input_length: 60_011 });
    expect(String(input).isWellFormed()).toBe(true);
    expect(String(input).length).toBeLessThanOrEqual(32_768);
  });

  test('waits until they have decided, and is woken by the event', async () => {
    const { asker, dana } = await opened();
    const id = await ask(asker);
    const waiting = decided(asker, id);
    await dana.approve({ id });
    expect(await waiting).toEqual({ is: 'approved', edited: null });
    const other = await ask(asker);
    const rejected = decided(asker, other);
    await dana.reject({ id: other, reason: 'too much' });
    expect(await rejected).toEqual({ is: 'not approved', status: 'rejected', why: 'was rejected (too much)' });
  });

  test('fails closed where the store is gone, at each step', async () => {
    const { asker, memory, dana } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    await caughtUp(asker);
    memory.fault = 'unreachable';
    expect(await asker.approving.open(heldCall(), ASKING)).toMatchObject({ is: 'fault' });
    expect(await asker.approving.look(randomUUID(), heldCall())).toMatchObject({ is: 'fault' });
    expect(await use(asker, id)).toMatchObject({ is: 'fault', fault: { code: 'STORE_UNREACHABLE' } });
    memory.fault = null;
    expect(await use(asker, id)).toMatchObject({ is: 'claimed' });
  });
});

describe('an approval is used', () => {
  test('once; whoever has it is told so again, and nobody else', async () => {
    const { asker, dana, store } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    const other = await openAsker(store, 'worker'); // another process, of another name
    const [token, call] = [randomUUID(), heldCall()];
    expect(await asker.approving.use(id, call, token)).toMatchObject({ is: 'claimed', id, edited: null });
    expect(await asker.approving.use(id, call, token)).toMatchObject({ is: 'claimed' });
    for (const each of [asker, other])
      expect(await use(each, id)).toEqual({ is: 'not approved', status: 'used', why: 'is used' });
    expect(await dana.approval(id)).toMatchObject({ status: 'used' });
  });

  test('by one of sixteen who try at once', async () => {
    const { asker, dana, store } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    const askers = await Promise.all(Array.from({ length: 16 }, (_, index) => openAsker(store, `w${index}`)));
    const all = await Promise.all(askers.map((each) => use(each, id)));
    expect(all.filter(({ is }) => is === 'claimed')).toHaveLength(1);
  });

  test('for the call that was shown and no other', async () => {
    const { asker, dana, store } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    await caughtUp(asker);
    const others = [
      heldCall({ cents: 50_000 }),
      heldCall({ cents: 500 }, { runId: 'run-8' }),
      heldCall({ cents: 500 }, { agentId: 'other-bot' }),
      heldCall({ cents: 500 }, { action: 'payments.pay' }),
      heldCall({ cents: 500 }, { missionId: 'm' }),
    ];
    for (const call of others)
      expect(await use(asker, id, call)).toMatchObject({ is: 'not approved', status: 'other_call' });
    expect(await use(asker, randomUUID())).toMatchObject({ status: 'missing' });
    const elsewhere = await openQuickControl({
      ...{ store: memoryControlStore(store), operator: { id: 'dana' }, organizationId: 'other', retryMs: 300 },
    });
    onTestFinished(() => elsewhere.close());
    await elsewhere.init();
    await expect(elsewhere.approve({ id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await use(asker, id)).toMatchObject({ is: 'claimed' });
  });

  test('with the arguments that an approver has put in their place', async () => {
    const { asker, dana } = await opened();
    const id = await ask(asker);
    await dana.approve({ id, input: { cents: 250 } });
    const used = await use(asker, id);
    expect(used).toMatchObject({ is: 'claimed', edited: { input: '{"cents":250}' } });
    const { hash } = heldCall({ cents: 250 }).input;
    expect(used).toMatchObject({ edited: { input_hash: hash } });
  });

  test('not before enough people have approved', async () => {
    const { asker, dana, as } = await opened();
    const id = await ask(asker, heldCall(), { approvals: 2 });
    await dana.approve({ id });
    await caughtUp(asker);
    expect(await asker.approving.look(id, heldCall())).toMatchObject({ is: 'pending' });
    expect(await use(asker, id)).toMatchObject({ is: 'pending' });
    await expect(dana.approve({ id })).rejects.toMatchObject({ code: 'SAME_APPROVER' });
    await (await as('dan')).approve({ id });
    expect(await use(asker, id)).toMatchObject({ is: 'claimed' });
  });

  test('not after it was given up, nor after it was rejected although approved', async () => {
    const { asker, dana } = await opened();
    const [given, taken] = [await ask(asker), await ask(asker)];
    await asker.approving.cancel(given);
    await expect(dana.approve({ id: given })).rejects.toMatchObject({ code: 'APPROVAL_ENDED' });
    await dana.approve({ id: taken });
    await dana.reject({ id: taken });
    expect(await use(asker, taken)).toMatchObject({ status: 'rejected' });
    expect(await use(asker, given)).toMatchObject({ status: 'cancelled' });
  });
});

describe('a restriction voids what was asked before it', () => {
  test('also where it was lifted again before anybody has approved, or after', async () => {
    const { asker, dana } = await opened();
    const [before, after] = [await ask(asker), await ask(asker)];
    await dana.approve({ id: after });
    await dana.kill({ target: 'agent:returns-bot' });
    await dana.revive({ target: 'agent:returns-bot', reason: 'a mistake' });
    await expect(dana.approve({ id: before })).rejects.toMatchObject({ code: 'APPROVAL_ENDED' });
    expect(await dana.approval(after)).toMatchObject({
      status: 'cancelled',
      why: expect.stringMatching(/^is cancelled: kill at epoch 4 by unverified:dana/),
    });
    for (const id of [before, after]) expect(await use(asker, id)).toMatchObject({ status: 'cancelled' });
    const anew = await ask(asker);
    await dana.approve({ id: anew });
    expect(await use(asker, anew)).toMatchObject({ is: 'claimed' });
  });

  test('also in a process that has started since, from a state that does not show it any more', async () => {
    const { asker, dana, store } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    await dana.kill({ target: 'run:run-7' });
    await dana.revive({ target: 'run:run-7', reason: 'a mistake' });
    await asker.replica.close();
    const restarted = await openAsker(store);
    expect(restarted.replica.state?.killCount).toBe(0);
    expect(await use(restarted, id)).toMatchObject({ status: 'cancelled' });
    const good = await ask(restarted);
    await dana.approve({ id: good });
    await dana.kill({ target: 'run:another' });
    await restarted.replica.close();
    expect(await use(await openAsker(store), good)).toMatchObject({ is: 'claimed' });
  });

  test('but a pause only delays it', async () => {
    const { asker, dana } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    await dana.kill({ target: 'all', mode: 'paused' });
    await dana.kill({ target: 'all', mode: 'paused' });
    await dana.revive({ target: 'all', reason: 'go on' });
    expect(await use(asker, id)).toMatchObject({ is: 'claimed' });
  });

  test('a kill between the approval and its use is met by the very claim, although the copy had not heard of it', async () => {
    const { asker, dana, memory } = await opened();
    const id = await ask(asker);
    await dana.approve({ id });
    await caughtUp(asker);
    const before = asker.replica.epoch;
    const push = memory.push.bind(memory);
    memory.push = () => {}; // nothing is pushed any more
    await dana.kill({ target: 'agent:returns-bot' });
    expect(asker.replica.epoch).toBe(before);
    expect(await use(asker, id)).toMatchObject({ status: 'cancelled' });
    memory.push = push;
    expect(await dana.approval(id)).toMatchObject({ status: 'used' });
  });

  test.each([
    ['a stricter base mode', { mode: 'read_only' }],
    ['a lowered limit of the action', { limit: 100 }],
    ['a recovery', { recover: true }],
  ])('of every kind: %s', async (_what, by) => {
    const { asker, dana } = await opened();
    await dana.setLimit({ name: 'refund.max', value: 200 });
    await caughtUp(asker);
    const id = await ask(asker);
    await dana.approve({ id });
    if ('mode' in by) await dana.setMode({ mode: 'read_only' });
    if ('mode' in by) await dana.setMode({ mode: 'approval_gated', reason: 'again' });
    if ('limit' in by) await dana.setLimit({ name: 'refund.max', value: 100 });
    if ('recover' in by) await dana.recover({ reason: 'test' });
    await caughtUp(asker);
    expect(await use(asker, id)).toMatchObject({ status: 'cancelled' });
  });

  test('a raised limit, and the kill of another agent, leave it as it is', async () => {
    const { asker, dana } = await opened();
    await dana.setLimit({ name: 'refund.max', value: 200 });
    await caughtUp(asker);
    const id = await ask(asker);
    await dana.approve({ id });
    await dana.setLimit({ name: 'refund.max', value: 300, reason: 'more' });
    await dana.kill({ target: 'agent:other-bot' });
    expect(await use(asker, id)).toMatchObject({ is: 'claimed' });
  });
});

describe('a clock that goes back revives nothing', () => {
  test('in the process that has seen the later time, and in every other, once one has found it expired', async () => {
    const clock = fakeClock();
    const memory = new Memory({ clock });
    const { asker, dana, store } = await opened(memory);
    const [seen, unseen] = [await ask(asker), await ask(asker)];
    for (const id of [seen, unseen]) await dana.approve({ id });
    clock.pass(61 * MINUTE);
    await caughtUp(asker);
    expect(await use(asker, seen)).toMatchObject({ status: 'expired' });
    clock.stepWall(-50 * MINUTE);
    await caughtUp(asker);
    for (const id of [seen, unseen]) expect(await use(asker, id)).toMatchObject({ status: 'expired' });
    const other = await openAsker(store);
    expect(await use(other, seen)).toMatchObject({ status: 'expired' });
    await expect(dana.approve({ id: seen })).rejects.toMatchObject({ code: 'APPROVAL_ENDED' });
  });
});

describe('a standing approval', () => {
  const allow = {
    ...{ action: 'payments.refund', agentId: 'returns-bot', match: { currency: 'usd' } },
    ...{ times: 2, lastsMs: 3_600_000 },
  };
  const usd = (cents: number) => heldCall({ currency: 'usd', cents });

  test('is used as often as it says, for what it matches, over all processes', async () => {
    const { asker, dana, store } = await opened();
    await dana.allow(allow);
    const other = await openAsker(store, 'worker');
    await Promise.all([caughtUp(asker), caughtUp(other)]);
    expect(await asker.approving.useStanding(heldCall({ currency: 'eur' }), randomUUID())).toBeNull();
    const all = await Promise.all(
      [asker, other, asker, other].map((each, index) => each.approving.useStanding(usd(index), randomUUID())),
    );
    expect(all.filter((each) => each?.is === 'claimed')).toHaveLength(2);
    expect((await dana.standingApprovals()).data).toMatchObject([{ used: 2, times: 2 }]);
    expect(await asker.approving.useStanding(usd(1), randomUUID())).toBeNull();
  });

  test('ends when it is withdrawn, and for what is restricted after it, also if that is lifted again', async () => {
    const { asker, dana } = await opened();
    const { standing } = await dana.allow(allow);
    await dana.withdrawStanding({ id: standing.id });
    await dana.allow(allow);
    await dana.kill({ target: 'run:run-7' });
    await dana.revive({ target: 'run:run-7', reason: 'a mistake' });
    await caughtUp(asker);
    expect(await asker.approving.useStanding(usd(1), randomUUID())).toBeNull();
    const otherRun = { ...usd(1), subject: { ...usd(1).subject, runId: 'run-8' } };
    expect(await asker.approving.useStanding(otherRun, randomUUID())).toMatchObject({ is: 'claimed' });
  });
});
