import { OpenFeature } from '@openfeature/server-sdk';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../../../index.ts';
import type { AlertKind } from '../../../../flags/index.ts';
import { memoryControlStore } from '../../../../store/memory/control.ts';
import { memoryStore } from '../../../../store/memory/index.ts';
import { redisControlStore } from '../../../../store/redis/control.ts';
import { allStores } from '../../../guard/real-sides.ts';
import type { Sides } from '../../../guard/open-switch.ts';
import { hasRedis, startRedis } from '../../../servers/index.ts';
import { startReceiver } from './receiver.ts';
import { openSender } from './sender.ts';

afterEach(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

const LONG = { timeout: 15_000, interval: 20 };

async function begun({ controlStore }: Pick<Sides, 'controlStore'>, ...events: AlertKind[]) {
  const receiver = await startReceiver();
  const sender = await openSender(controlStore);
  const { control } = sender;
  await control.init();
  await control.setMode({ mode: 'live', reason: 'launch' });
  await control.addAlert({ name: 'on-call', to: receiver.url, events, allowPrivate: true });
  return { receiver, control, sender };
}

describe.each(allStores)('what no change says is told, over %s', (_name, sides) => {
  test('a budget that is nearly spent, once, and that it has tripped', async () => {
    const { store, controlStore } = await sides();
    const { receiver, control, sender } = await begun({ controlStore }, 'budget');
    await control.setBudget({ scope: 'agent:x', calls: 5 });
    const killSwitch = await createKillSwitch({ store, agentId: 'x', executor: { name: 'mailer' } });
    onTestFinished(() => killSwitch.close());
    const send = killSwitch.action({ name: 'mail.send', execute: () => 'sent' });
    for (let call = 0; call < 4; call += 1)
      await vi.waitFor(async () => expect(await send.attempt(null)).toMatchObject({ status: 'executed' }), LONG);
    await receiver.until(1);
    expect(receiver.accepted[0]?.body).toMatchObject({
      type: 'budget',
      data: {
        text: expect.stringMatching(/^80 % of the budget agent:x is spent or set aside: 4 of 5 calls\.$/),
        target: 'agent:x',
        details: { type: 'calls', limit: 5, left: 1, warn: 0.8 },
        next: 'kill-switch budget agent:x',
      },
    });
    await send.attempt(null);
    await send.attempt(null);
    await receiver.until(2);
    expect(receiver.accepted[1]?.body).toMatchObject({
      data: { text: 'agent:x is stopped (paused) by budget:agent:x.', epoch: expect.any(Number) },
    });
    await sender.close();
    await openSender(controlStore); // it knows what was told
    await control.alerts().catch(() => {});
    expect(receiver.received).toHaveLength(2);
  });

  test('a call that waits for a person, and that it waits still', async () => {
    const { store, controlStore } = await sides();
    const { receiver, control } = await begun({ controlStore }, 'approval', 'escalation');
    await control.setMode({ mode: 'approval_gated' });
    const killSwitch = await createKillSwitch({ store, agentId: 'x', executor: { name: 'mailer' } });
    onTestFinished(() => killSwitch.close());
    const refund = killSwitch.action({
      ...{ name: 'payments.refund', execute: () => 'refunded', escalateAfterMs: 300 },
    });
    const waiting = refund.attempt({ amount: 12, card: '4111 1111 1111 1111' }, { waitMs: 8000 });
    await receiver.until(2);
    expect(receiver.types).toEqual(['approval', 'escalation']);
    expect(receiver.accepted[0]?.body.data).toMatchObject({
      text: expect.stringMatching(/^payments\.refund of agent:x waits for a person, until /),
      next: expect.stringMatching(/^kill-switch approvals show [0-9a-f-]+$/),
      details: { action: 'payments.refund' },
    });
    expect(JSON.stringify(receiver.received)).not.toContain('4111');
    const { data } = await control.approvals({ status: 'pending' });
    await control.reject({ id: data[0]?.id ?? '', reason: 'no' });
    await waiting;
  });

  test('an executor that is heard no more', async () => {
    const { store, controlStore } = await sides();
    const { receiver } = await begun({ controlStore }, 'executor_silent');
    const scope = { organizationId: 'default', executorName: 'mailer', executorId: 'e-1', requestTimeoutMs: 2000 };
    const connection = store.open(scope);
    onTestFinished(() => connection.close());
    const { head } = await connection.load(null, 'n');
    const at = new Date().toISOString();
    const beat = {
      ...{ id: 'e-1', name: 'mailer', host: 'h', pid: 1, version: '0', started_at: at, at, lease_ms: 300 },
      ...{ in_flight: 1, draining: 0, agents: ['x'], runs: [], applied: head, fork: null },
    };
    await connection.confirm(beat, 'n');
    await receiver.until(1);
    expect(receiver.accepted[0]?.body).toMatchObject({
      type: 'executor_silent',
      data: { text: expect.stringMatching(/^The executor mailer is heard no more\./), details: { executor: 'mailer' } },
    });
  });
});

test('changes that the store has lost, and what somebody has recovered', async () => {
  const store = memoryStore();
  const controlStore = memoryControlStore(store);
  const { receiver, control } = await begun({ controlStore }, 'fork');
  const killSwitch = await createKillSwitch({ store, agentId: 'x', executor: { name: 'mailer' }, leaseMs: 1000 });
  onTestFinished(() => killSwitch.close());
  const { memory } = store;
  const backup = memory.copy();
  await control.kill({ target: 'agent:x', waitMs: 5000 });
  memory.restore(backup);
  await receiver.until(1, 15_000);
  expect(receiver.accepted[0]?.body).toMatchObject({
    type: 'fork',
    data: { text: expect.stringContaining('The store has lost changes that the executor mailer had seen.') },
  });
  await control.recover({ reason: 'restored' });
  await receiver.until(2);
  expect(receiver.texts[1]).toMatch(/^unverified:ann has accepted the store as it is/);
});

test.skipIf(!hasRedis)('a Redis that may throw away what it has acknowledged', async () => {
  const redis = await startRedis();
  const { receiver } = await begun({ controlStore: redisControlStore({ url: redis.url }) }, 'store_fault');
  await redis.cli('CONFIG', 'SET', 'maxmemory', '100mb');
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  await receiver.until(1);
  expect(receiver.accepted[0]?.body).toMatchObject({
    type: 'store_fault',
    data: { text: expect.stringContaining('allkeys-lru') },
  });
});
