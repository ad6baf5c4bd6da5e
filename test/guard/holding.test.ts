import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ActionStoppedError, type Outcome } from '../../index.ts';
import type { Mode } from '../../flags/index.ts';
import { Memory } from '../../store/memory/index.ts';
import { fakeClock } from '../../testing/index.ts';
import { between, openHeld, type Refund } from './holding.ts';

/** The id that a held call was given. */
function idOf(outcome: Outcome<unknown>): string {
  if (outcome.status !== 'held') throw new Error(`It is ${outcome.status}: ${outcome.decision.message}`);
  return outcome.approvalId;
}

const notApproved = (status: string, why?: RegExp) => ({
  status: 'blocked',
  decision: {
    verdict: 'block',
    cause: { kind: 'approval', status, ...(why && { why: expect.stringMatching(why) }) },
  },
});

const FIVE: Refund = { cents: 500 };

describe('a call that comes back for its approval', () => {
  test('is held with an id, held again while nobody has decided, and runs once when it is approved', async () => {
    const { refund, ran, control } = await openHeld();
    const asked = await refund.attempt(FIVE);
    const approvalId = idOf(asked);
    expect(asked).toMatchObject({
      status: 'held',
      expiresAt: (await control.approval(approvalId)).expires_at,
      decision: { verdict: 'hold', mode: 'approval_gated', cause: { kind: 'approval', approvalId, status: 'pending' } },
    });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'held', approvalId });
    expect((await control.approvals()).data).toHaveLength(1);
    await control.approve({ id: approvalId });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({
      status: 'executed',
      result: 'refunded 500',
      decision: { verdict: 'hold', cause: { kind: 'approval', approvalId, status: 'approved' } },
    });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject(notApproved('used', /^is used$/));
    expect(ran).toEqual([FIVE]);
  });

  test('tells an approver what the action says, what it costs nobody, how many must approve, and for how long', async () => {
    const { define, control } = await openHeld();
    const described = define({
      name: 'payments.cancel',
      describe: ({ cents }) => `Refund ${cents / 100} USD, api_key=sk-live-12345678`,
      approvals: 2,
      approvalExpiresMs: 60_000,
      escalateAfterMs: 5000,
      reverse: { action: 'payments.redo', input: () => null },
    });
    const { description, approvals_needed, expires_at, requested_at, reversible, requested_by, escalate_at, cost_usd } =
      await control.approval(idOf(await described.attempt(FIVE)));
    const after = (time: string | null): number => Date.parse(time ?? '') - Date.parse(requested_at);
    expect({ approvals_needed, reversible, requested_by, cost_usd }).toEqual({
      ...{ approvals_needed: 2, reversible: true, requested_by: 'returns', cost_usd: null },
    });
    expect([after(expires_at), after(escalate_at)]).toEqual([60_000, 5000]);
    expect(description).toMatch(/^Refund 5 USD, api_key=\[redacted\]$/);
  });

  test('is refused for any other call, and for what nobody has asked', async () => {
    const { refund, define, control, killSwitch, ran } = await openHeld();
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    const other = define({ name: 'payments.pay' });
    expect(await refund.attempt({ cents: 501 }, { approvalId })).toMatchObject(notApproved('other_call', /arguments/));
    expect(await other.attempt(FIVE, { approvalId })).toMatchObject(notApproved('other_call', /action/));
    for (const who of [{ runId: 'run-8' }, { agentId: 'other-bot' }, { missionId: 'm' }])
      expect(await killSwitch.run(who, () => refund.attempt(FIVE, { approvalId }))).toMatchObject(
        notApproved('other_call'),
      );
    for (const unknown of ['no-such-id', '../x', 'a b', 'x'.repeat(100)])
      expect(await refund.attempt(FIVE, { approvalId: unknown })).toMatchObject(notApproved('missing'));
    expect(ran).toEqual([]);
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'executed' });
  });

  test('is refused when it was rejected, and the record says that a person has looked', async () => {
    const { refund, control, ran } = await openHeld();
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.reject({ id: approvalId, reason: 'too much' });
    const refused = await refund.attempt(FIVE, { approvalId });
    expect(refused).toMatchObject(notApproved('rejected', /too much/));
    expect(refused.decision.modelMessage).not.toMatch(/too much|ann/);
    expect(ran).toEqual([]);
    await vi.waitFor(async () => {
      const { data } = await control.interventions();
      expect(data.map(({ type, outcome, status }) => [type, outcome, status])).toEqual([
        ['APPROVAL_REQUIRED', 'REJECTED_AFTER_REVIEW', 'blocked'],
        ['APPROVAL_REQUIRED', 'ESCALATED', 'held'],
      ]);
    });
  });

  test('is refused when its time is over, also where a clock then goes back', async () => {
    const clock = fakeClock();
    const { refund, control, ran } = await openHeld({ approvalExpiresMs: 60_000 }, { memory: new Memory({ clock }) });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    clock.pass(61_000);
    await control.kill({ target: 'agent:somebody-else', waitMs: 0 }); // an event, with the time
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject(notApproved('expired'));
    clock.stepWall(-50_000);
    await control.kill({ target: 'agent:another', waitMs: 0 });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject(notApproved('expired'));
    expect(ran).toEqual([]);
  });

  test('runs without it where nobody has to approve it any more, and nobody can use it later', async () => {
    const { refund, control, ran, killSwitch } = await openHeld();
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.setMode({ mode: 'live', reason: 'test' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('allow'));
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({
      status: 'executed',
      decision: { mode: 'live' },
    });
    expect(await control.approval(approvalId)).toMatchObject({ status: 'cancelled' });
    expect(ran).toHaveLength(1);
  });

  test('is blocked by a kill, and void by one that was lifted again', async () => {
    const { refund, control, ran, killSwitch } = await openHeld();
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    await control.kill({ target: 'agent:returns-bot' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'kill' } },
    });
    await control.revive({ target: 'agent:returns-bot', reason: 'a mistake' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('hold'));
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject(notApproved('cancelled', /^is cancelled: kill/));
    expect(ran).toEqual([]);
  });

  test('waits for two people where two have to approve, none of whom has asked', async () => {
    const { refund, control, as } = await openHeld({ approvals: 2 });
    const approvalId = idOf(await refund.attempt(FIVE));
    for (const requester of ['returns', 'returns-bot'])
      await expect((await as(requester)).approve({ id: approvalId })).rejects.toMatchObject({ code: 'SELF_APPROVAL' });
    await control.approve({ id: approvalId });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'held' });
    await expect(control.approve({ id: approvalId })).rejects.toMatchObject({ code: 'SAME_APPROVER' });
    await (await as('dan')).approve({ id: approvalId });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'executed' });
  });
});

describe('a call that waits for people', () => {
  test('goes on when it is approved, and what came of it is recorded', async () => {
    const { refund, control, oneWaiting, ran } = await openHeld();
    const call = refund(FIVE);
    const id = await oneWaiting();
    expect(ran).toEqual([]);
    await control.approve({ id });
    expect(await call).toBe('refunded 500');
    await vi.waitFor(async () => {
      const { data } = await control.interventions();
      expect(data.map(({ type, outcome, status, state }) => [type, outcome, status, state])).toEqual([
        ['APPROVAL_REQUIRED', 'APPROVED_AFTER_REVIEW', 'executed', 'executing'],
        ['APPROVAL_REQUIRED', 'ESCALATED', 'held', 'waiting'],
      ]);
    });
  });

  test('waits through a pause, before and after it was approved', async () => {
    const { refund, control, killSwitch, waiting, ran } = await openHeld();
    const calls = [refund(FIVE), refund({ cents: 600 })];
    const ids = await waiting(2);
    await control.kill({ target: 'all', mode: 'paused' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('pause'));
    for (const id of ids) await control.approve({ id });
    await control.kill({ target: 'agent:another' }); // one more change, by which nobody goes on
    expect(ran).toEqual([]);
    await control.revive({ target: 'all', reason: 'go on' });
    expect(await Promise.all(calls)).toEqual(['refunded 500', 'refunded 600']);
  });

  test('ends when it is rejected, and when its time is over', async () => {
    const { define, control, oneWaiting, ran } = await openHeld();
    const refund = define();
    const rejected = refund(FIVE).catch((error: unknown) => error);
    await control.reject({ id: await oneWaiting() });
    expect(await rejected).toMatchObject({
      code: 'BLOCKED',
      decision: { cause: { kind: 'approval', status: 'rejected' } },
    });
    const short = define({ name: 'payments.short', approvalExpiresMs: 60 });
    expect(await short.attempt(FIVE, { waitMs: 60_000 })).toMatchObject(notApproved('expired'));
    expect(ran).toEqual([]);
  });

  test('ends by its own time, and leaves its request for whoever comes back with the id', async () => {
    const { refund, control, ran } = await openHeld();
    const error: unknown = await refund(FIVE, { waitMs: 20 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ActionStoppedError);
    const { code, decision } = error as ActionStoppedError;
    expect([code, decision.cause]).toEqual(['HELD', expect.objectContaining({ kind: 'approval', status: 'pending' })]);
    const approvalId = decision.cause.kind === 'approval' ? decision.cause.approvalId : '';
    await control.approve({ id: approvalId });
    expect(await refund(FIVE, { approvalId })).toBe('refunded 500');
    expect(ran).toHaveLength(1);
  });

  test('ends by the signal of its caller, and gives its request up', async () => {
    const { refund, control, oneWaiting } = await openHeld();
    const controller = new AbortController();
    const call = refund.attempt(FIVE, { waitMs: 60_000, signal: controller.signal });
    const id = await oneWaiting();
    controller.abort();
    expect(await call).toMatchObject({ status: 'aborted', landed: 'no' });
    expect(await control.approval(id)).toMatchObject({ status: 'cancelled' });
    await expect(control.approve({ id })).rejects.toMatchObject({ code: 'APPROVAL_ENDED' });
    expect(await refund.attempt(FIVE, { signal: AbortSignal.abort() })).toMatchObject({ status: 'aborted' });
    expect((await control.approvals({ status: 'pending' })).data).toEqual([]);
  });

  test('runs without an approval when nobody has to approve it any more, and gives its request up', async () => {
    const { refund, control, oneWaiting } = await openHeld();
    const call = refund.attempt(FIVE, { waitMs: 60_000 });
    const id = await oneWaiting();
    await control.setMode({ mode: 'live', reason: 'test' });
    expect(await call).toMatchObject({ status: 'executed', decision: { verdict: 'allow', mode: 'live' } });
    expect(await control.approval(id)).toMatchObject({ status: 'cancelled' });
  });

  test.each<[Mode, object]>([
    ['full_stop', { status: 'blocked', decision: { cause: { kind: 'mode' } } }],
    ['test_mode', { status: 'redirected', result: 'refunded 1' }],
    ['draft_only', { status: 'drafted', draft: 'a draft of 500' }],
  ])('gets what %s gives, when that comes', async (mode, outcome) => {
    const { refund, control, oneWaiting, ran } = await openHeld({
      redirect: () => ({ cents: 1 }),
      draft: ({ cents }) => `a draft of ${cents}`,
    });
    const call = refund.attempt(FIVE, { waitMs: 60_000 });
    const id = await oneWaiting();
    await control.setMode({ mode });
    expect(await call).toMatchObject(outcome);
    expect(await control.approval(id)).toMatchObject({ status: 'cancelled' });
    expect(ran).toEqual(mode === 'test_mode' ? [{ cents: 1 }] : []);
  });

  test('is refused where the mode became stricter and gated again while it waited', async () => {
    const { refund, control, oneWaiting, ran } = await openHeld();
    const call = refund.attempt(FIVE, { waitMs: 60_000 });
    await oneWaiting();
    await control.kill({ target: 'action:payments.*', mode: 'draft_only', waitMs: 0 });
    await control.revive({ target: 'action:payments.*', reason: 'a mistake' });
    expect(await call).toMatchObject({ status: expect.stringMatching(/^(drafted|blocked)$/) });
    expect(ran).toEqual([]);
  });

  test('is blocked when the switch is closed, and its request is given up', async () => {
    const { refund, killSwitch, control, oneWaiting } = await openHeld();
    const call = refund.attempt(FIVE, { waitMs: 60_000 });
    const id = await oneWaiting();
    await killSwitch.close();
    expect(await call).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault', code: 'CLOSED' } } });
    expect(await control.approval(id)).toMatchObject({ status: 'cancelled' });
  });

  test('is blocked where the store goes away, while it waits and when it is to be used', async () => {
    const { refund, control, oneWaiting, memory, ran } = await openHeld({}, { leaseMs: 500 });
    const approvalId = idOf(await refund.attempt(FIVE));
    const call = refund.attempt({ cents: 600 }, { waitMs: 60_000 });
    await vi.waitFor(async () => expect((await control.approvals()).data).toHaveLength(2));
    await control.approve({ id: approvalId });
    memory.fault = 'unreachable';
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'STORE_UNREACHABLE' } },
    });
    expect(await call).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    expect(await refund.attempt(FIVE)).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    memory.fault = null;
    expect(ran).toEqual([]);
    await expect(oneWaiting()).resolves.toBeTypeOf('string'); // that of the call that was waiting: nobody could say so
  });
});

describe('between the approval and the start everything is decided again', () => {
  test('a kill that only the answer to the use tells of blocks, and the approval is used up', async () => {
    const { refund, control, memory, ran, killSwitch } = await openHeld();
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(3));
    const push = memory.push.bind(memory);
    memory.push = () => {}; // nothing is pushed any more
    await control.kill({ target: 'agent:returns-bot', waitMs: 0 });
    expect(killSwitch.check().verdict).toBe('hold');
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject(notApproved('cancelled'));
    memory.push = push;
    expect(ran).toEqual([]);
    expect(await control.approval(approvalId)).toMatchObject({ status: 'used' });
  });

  test('a limit that was lowered blocks, a raised one does not', async () => {
    const limits = { 'refund.max': { max: 20_000, of: ({ cents }: Refund) => cents } };
    const { refund, control, ran, killSwitch } = await openHeld({ limits });
    await control.setLimit({ name: 'refund.max', value: 1000 });
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(3));
    expect(await refund.attempt({ cents: 1001 })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'limit' } },
    });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    await control.setLimit({ name: 'refund.max', value: 2000, reason: 'more' });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'executed' });
    const second = idOf(await refund.attempt({ cents: 900 }));
    await control.approve({ id: second });
    await control.setLimit({ name: 'refund.max', value: 1500 });
    expect(await refund.attempt({ cents: 900 }, { approvalId: second })).toMatchObject(notApproved('cancelled'));
    expect(ran).toEqual([FIVE]);
  });

  test.each(['afterIntent', 'afterClaim'] as const)(
    'a kill that comes %s blocks, and nothing has run',
    async (when) => {
      const within = between();
      const { refund, control, ran, killSwitch } = await openHeld({ irreversible: true }, { within });
      const approvalId = idOf(await refund.attempt(FIVE));
      await control.approve({ id: approvalId });
      within[when] = async () => {
        await control.kill({ target: 'agent:returns-bot', waitMs: 0 });
        await control.revive({ target: 'agent:returns-bot', reason: 'a mistake' });
        await vi.waitFor(() => expect(killSwitch.check()).toMatchObject({ epoch: 5, verdict: 'hold' }));
      };
      const outcome = await refund.attempt(FIVE, { approvalId, idempotencyKey: 'k' });
      expect(outcome).toMatchObject(notApproved('cancelled'));
      expect(ran).toEqual([]);
      expect(await control.approval(approvalId)).toMatchObject({ status: 'used' });
      if (when === 'afterIntent') expect((await control.run(null)).entries).toMatchObject([{ state: 'not_started' }]);
      else await expect(control.run(null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  test('an irreversible action starts by the answer to the use, without another question', async () => {
    const within = between();
    const { refund, control, ran, killSwitch } = await openHeld({ irreversible: true }, { within, leaseMs: 60_000 });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(3));
    const { confirm } = within.asked;
    const { status } = await refund.attempt(FIVE, { approvalId });
    expect([status, ran, within.asked]).toMatchObject(['executed', [FIVE], { confirm, claim: 1 }]);
  });

  test('a permit that has run out is renewed, and the approval is used once', async () => {
    const within = between();
    const { refund, control, ran } = await openHeld({ reverse: { action: 'x.y', input: () => null } }, { within });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId });
    within.afterIntent = () => sleep(300);
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'executed' });
    expect([within.asked.claim, ran]).toEqual([1, [FIVE]]);
  });

  test('whoever waits asks the store nothing meanwhile, whatever else changes', async () => {
    const { refund, control, oneWaiting, within } = await openHeld();
    const call = refund(FIVE);
    const id = await oneWaiting();
    for (let round = 0; round < 5; round += 1) await control.kill({ target: `agent:other-${round}`, waitMs: 0 });
    await control.approve({ id });
    await call;
    expect(within.asked).toMatchObject({ request: 1, claim: 1, find: 0 });
  });
});

describe('what runs is what was hashed', () => {
  test.each([
    ['a getter', () => Object.defineProperty({ cents: 1 }, 'cents', { get: () => 5, enumerable: true })],
    ['a proxy', () => new Proxy({ cents: 1 }, {})],
    [
      'a thenable',
      () =>
        Object.fromEntries([
          ['cents', 1],
          [['th', 'en'].join(''), () => {}],
        ]),
    ],
    ['a BigInt', () => ({ cents: 5n })],
    ['a Date', () => ({ cents: 1, at: new Date() })],
    ['NaN', () => ({ cents: Number.NaN })],
    [
      'an instance of a class',
      () =>
        new (class Input {
          cents = 1;
        })(),
    ],
  ])('%s is refused from both forms, before anybody is asked', async (_what, input) => {
    const { refund, control, ran } = await openHeld();
    for (const form of [refund, refund.attempt])
      await expect(form(input() as never)).rejects.toMatchObject({ name: 'ActionInputError', code: 'NOT_PLAIN_DATA' });
    expect((await control.approvals()).data).toEqual([]);
    expect(ran).toEqual([]);
  });

  test('whatever the caller, describe and the limits do to their objects meanwhile', async () => {
    const { refund, control, oneWaiting, ran } = await openHeld({
      describe(input) {
        (input as { cents: number }).cents = 1;
        return `Refund ${input.cents}`;
      },
      limits: {
        'refund.max': {
          max: 20_000,
          of(input) {
            const { cents } = input;
            (input as { cents: number }).cents = 2;
            return cents;
          },
        },
      },
    });
    const input = { cents: 500 };
    const call = refund(input);
    input.cents = 90_000;
    const id = await oneWaiting();
    input.cents = 80_000;
    expect((await control.approval(id)).input).toEqual(FIVE);
    await control.approve({ id });
    expect(await call).toBe('refunded 500');
    expect(ran).toEqual([FIVE]);
  });

  test('and without a journal or limits it is a copy of its own, as it was when it was held', async () => {
    const { refund, control, oneWaiting, ran } = await openHeld();
    const input = { cents: 500, more: { list: [1, 2] } };
    const call = refund(input);
    const id = await oneWaiting();
    input.cents = 90_000;
    input.more.list.push(3);
    await control.approve({ id });
    await call;
    expect(ran).toEqual([{ cents: 500, more: { list: [1, 2] } }]);
    expect(ran[0]).not.toBe(input);
  });
});

describe('what describes a call', () => {
  test.each<[string, () => never]>([
    [
      'that throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['that gives no text', (() => 5) as never],
    ['that gives nothing', (() => undefined) as never],
    ['that gives an empty text', (() => '  ') as never],
    ['that takes too long', (() => sleep(500, 'late')) as never],
  ])('%s blocks the call, and nobody is asked', async (_what, describe) => {
    const { refund, control, ran } = await openHeld({ describe }, { handlerTimeoutMs: 50 });
    expect(await refund.attempt(FIVE)).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'HANDLER_FAILED', message: expect.stringMatching(/describe/) } },
    });
    expect((await control.approvals()).data).toEqual([]);
    expect(ran).toEqual([]);
  });

  test('may be long: then its beginning is shown, which says so', async () => {
    const { refund, control } = await openHeld({ describe: () => 'x'.repeat(5000) });
    const { description } = await control.approval(idOf(await refund.attempt(FIVE)));
    expect(description).toMatch(/^x{1900,} … \(the beginning of 5000 characters\)$/);
    expect(description?.length).toBeLessThanOrEqual(2000);
  });
});

describe('an approver can approve for fewer', () => {
  const inputSchema = z.object({ cents: z.number().int().max(10_000) });
  const limits = { 'refund.max': { max: 1000, of: ({ cents }: Refund) => cents } };

  test('and the outcome says with what it ran; whoever comes back gives the original', async () => {
    const { refund, control, ran } = await openHeld({ inputSchema, limits });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId, input: { cents: 250 } });
    expect(await refund.attempt({ cents: 250 }, { approvalId })).toMatchObject(notApproved('other_call'));
    const outcome = await refund.attempt(FIVE, { approvalId });
    expect(outcome).toMatchObject({
      ...{ status: 'executed', result: 'refunded 250', edited: true, input: { cents: 250 } },
      decision: { modelMessage: expect.stringMatching(/with other arguments/) },
    });
    expect(ran).toEqual([{ cents: 250 }]);
  });

  test('also of one that waits', async () => {
    const { refund, control, oneWaiting, ran } = await openHeld({ inputSchema, limits });
    const call = refund(FIVE);
    await control.approve({ id: await oneWaiting(), input: { cents: 250 } });
    expect(await call).toBe('refunded 250');
    expect(ran).toEqual([{ cents: 250 }]);
  });

  test.each<[string, unknown, object]>([
    [
      'more than a limit, which is said to be the approver’s',
      { cents: 1001 },
      {
        ...{ kind: 'approval', status: 'unfit' },
        why: 'was approved with other arguments than it was asked with, which are stopped by the limit refund.max of 1000, which 1001 does not keep',
      },
    ],
    ['what the schema refuses', { cents: null }, { kind: 'fault', code: 'HANDLER_FAILED' }],
    ['what the schema would change', { cents: 5, to: 'me' }, { kind: 'fault', code: 'HANDLER_FAILED' }],
  ])('but not %s: that blocks, and the approval is not used', async (_what, input, cause) => {
    const { refund, control, ran } = await openHeld({ inputSchema, limits });
    const approvalId = idOf(await refund.attempt(FIVE));
    await control.approve({ id: approvalId, input });
    expect(await refund.attempt(FIVE, { approvalId })).toMatchObject({ status: 'blocked', decision: { cause } });
    expect(ran).toEqual([]);
    expect(await control.approval(approvalId)).toMatchObject({ status: 'approved' });
  });
});

describe('what is allowed in advance', () => {
  const allow = { action: 'payments.refund', agentId: 'returns-bot', times: 20, lastsMs: 3_600_000 };

  test('runs at once, as often as it says, and not for what does not match', async () => {
    const { refund, control, killSwitch, ran } = await openHeld();
    await control.allow({ ...allow, times: 2, match: { order: 'o-1' } });
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(3));
    expect(await refund.attempt({ cents: 1, order: 'o-2' })).toMatchObject({ status: 'held' });
    for (const cents of [1, 2])
      expect(await refund.attempt({ cents, order: 'o-1' })).toMatchObject({ status: 'executed' });
    expect(await refund.attempt({ cents: 3, order: 'o-1' })).toMatchObject({ status: 'held' });
    expect(ran.map(({ cents }) => cents)).toEqual([1, 2]);
  });

  test('lets calls go on that wait already, and gives their requests up', async () => {
    const { refund, control, waiting, ran } = await openHeld();
    const calls = [1, 2, 3].map((cents) => refund.attempt({ cents }, { waitMs: 60_000 }));
    await waiting(3);
    await control.allow({ ...allow, times: 2 });
    const first = await Promise.race(calls);
    expect(first).toMatchObject({ status: 'executed' });
    const [left] = await waiting(1);
    expect(ran).toHaveLength(2);
    await control.approve({ id: left ?? '' });
    await Promise.all(calls);
    expect(ran).toHaveLength(3);
  });

  test('does not stand for two people', async () => {
    const { refund, control, killSwitch } = await openHeld({ approvals: 2 });
    await control.allow(allow);
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(3));
    expect(await refund.attempt(FIVE)).toMatchObject({ status: 'held' });
  });
});

describe('with a journal', () => {
  const reverse = { action: 'payments.cancel', input: () => null };

  test('the intent names the approval, and a call that is delivered again is answered, also when that is used up', async () => {
    const { refund, control, ran } = await openHeld({ reverse });
    const given = { idempotencyKey: 'job-1' };
    const approvalId = idOf(await refund.attempt(FIVE, given));
    await control.approve({ id: approvalId });
    const again = { ...given, approvalId };
    expect(await refund.attempt(FIVE, again)).toMatchObject({ status: 'executed', result: 'refunded 500' });
    for (const options of [again, given])
      expect(await refund.attempt(FIVE, options)).toMatchObject({
        status: 'executed',
        repeated: true,
        result: 'refunded 500',
      });
    expect(ran).toHaveLength(1);
    expect((await control.approvals({ status: 'pending' })).data).toEqual([]);
    const [entry] = (await control.run(null)).entries;
    expect(entry).toMatchObject({ idempotency_key: 'job-1', state: 'landed' });
    await expect(refund.attempt({ cents: 1 }, given)).rejects.toMatchObject({ code: 'KEY_REUSED' });
  });
});

describe('what is not held', () => {
  test('reads, drafts, checkpoints and jobs go on; check() says hold', async () => {
    const { define, killSwitch } = await openHeld();
    expect(await define({ name: 'orders.read', effect: 'read' }).attempt(FIVE)).toMatchObject({ status: 'executed' });
    expect(await define({ name: 'mail.draft', effect: 'draft' }).attempt(FIVE)).toMatchObject({ status: 'executed' });
    expect(await killSwitch.job({}, () => 'done')()).toEqual({ status: 'ran', result: 'done' });
    await killSwitch.run({}, (run) => run.checkpoint('half'));
    expect(killSwitch.check({ action: 'payments.refund' })).toMatchObject({ verdict: 'hold', mode: 'approval_gated' });
  });
});
