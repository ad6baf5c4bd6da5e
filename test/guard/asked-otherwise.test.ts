import { describe, expect, test, vi } from 'vitest';
import { type ActionDefinition, createKillSwitch } from '../../index.ts';
import { closeAfterwards, openSwitch } from './open-switch.ts';
import { stores } from './real-sides.ts';

interface Refund {
  readonly cents: number;
}
type Definition = Partial<ActionDefinition<Refund, string>>;
const FIVE: Refund = { cents: 500 };

/** Two executors that declare the same action in their own way. The first asks, the second comes for the approval. */
async function setUp(open: (typeof stores)[number][1], asks: Definition = {}, comes: Definition = {}) {
  const sides = await open();
  const { control, killSwitch } = await openSwitch(sides, {
    ...{ mode: 'approval_gated', agentId: 'worker', executor: { name: 'returns' } },
  });
  const { store } = sides;
  const other = await createKillSwitch({ store, domain: 'other', agentId: 'worker', executor: { name: 'other' } });
  closeAfterwards(other);
  const ran: Refund[] = [];
  const execute = (input: Refund): string => {
    ran.push(input);
    return 'refunded';
  };
  const asking = killSwitch.action({ name: 'payments.refund', ...asks, execute });
  const coming = other.action({ name: 'payments.refund', ...comes, execute });
  const heard = (epoch: number) =>
    vi.waitFor(() => expect(other.check().epoch).toBeGreaterThanOrEqual(epoch), { timeout: 10_000 });
  return {
    ...{ control, heard, ran },
    /** Asks below another agent, and is approved. */
    async approved(): Promise<string> {
      const held = await killSwitch.run({ agentId: 'boss', runId: 'r-0' }, () =>
        killSwitch.run({ agentId: 'worker', runId: 'r-1' }, () => asking.attempt(FIVE)),
      );
      if (held.status !== 'held') throw new Error(held.decision.message);
      await heard((await control.approve({ id: held.approvalId })).epoch);
      return held.approvalId;
    },
    /** The other process comes for it, below nobody. */
    comes: (approvalId: string) =>
      other.run({ agentId: 'worker', runId: 'r-1' }, () => coming.attempt(FIVE, { approvalId })),
  };
}

describe.each(stores)('an approval that another process uses without the parents of its request, in %s', (_, open) => {
  test('is good where nothing restricts them, and waits while a pause reaches one of them', async () => {
    const { control, heard, ran, approved, comes } = await setUp(open);
    const id = await approved();
    await heard((await control.kill({ target: 'agent:boss', mode: 'paused', waitMs: 0 })).epoch);
    expect(await comes(id)).toMatchObject({
      status: 'paused',
      decision: { cause: { kind: 'kill', target: 'agent:boss' } },
    });
    expect(ran).toEqual([]);
    await heard((await control.revive({ target: 'agent:boss', reason: 'test' })).epoch);
    expect(await comes(id)).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([FIVE]);
  });

  test.each([false, true])(
    'is cancelled once one of them was killed (lifted again: %s), as operators see it',
    async (isLifted) => {
      const { control, heard, ran, approved, comes } = await setUp(open);
      const id = await approved();
      let { epoch } = await control.kill({ target: 'agent:boss', waitMs: 0 });
      if (isLifted) ({ epoch } = await control.revive({ target: 'agent:boss', reason: 'test' }));
      await heard(epoch);
      const seen = await control.approval(id);
      const refused = await comes(id);
      expect(seen).toMatchObject({ status: 'cancelled', why: expect.stringMatching(/^is cancelled: kill at epoch/) });
      expect(refused).toMatchObject({
        status: 'blocked',
        decision: { cause: { kind: 'approval', status: 'cancelled', why: seen.why } },
      });
      expect(ran).toEqual([]);
    },
  );

  test.each<readonly [string, Definition, string]>([
    ['surface', { surface: 'queue' }, 'surface:queue'],
    ['feature', { feature: 'refunds' }, 'feature:refunds'],
    ['limit', { limits: { 'refund.max': { max: 20_000, of: ({ cents }) => cents } } }, 'limit'],
  ])('is cancelled by what restricts its %s, where the other process declares none', async (_what, asks, target) => {
    const { control, heard, ran, approved, comes } = await setUp(open, asks);
    await heard((await control.setFeature({ name: 'refunds', stage: 'gated', reason: 'test' })).epoch);
    const id = await approved();
    const restricted =
      target === 'limit'
        ? await control.setLimit({ name: 'refund.max', value: 1 })
        : await control.kill({ target, waitMs: 0 });
    await heard(restricted.epoch);
    expect((await control.approval(id)).status).toBe('cancelled');
    expect(await comes(id)).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'approval', status: 'cancelled' } },
    });
    expect(ran).toEqual([]);
  });
});
