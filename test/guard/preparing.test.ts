import { describe, expect, test, vi } from 'vitest';
import type { KillSwitch } from '../../index.ts';
import { openMemorySwitch } from './open-switch.ts';

/** An action whose handlers try to change something, at this stage of its feature; and what they have come to. */
async function open(stage: 'shadow' | 'gated') {
  const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
  const { epoch } = await control.setFeature({ name: 'f', stage, reason: 'test' });
  await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
  const changed: string[] = [];
  const outcomes: unknown[] = [];
  const mail = killSwitch.action({ name: 'mail.send', execute: async (to: string) => void changed.push(to) });
  const look = killSwitch.action({ name: 'orders.read', effect: 'read', execute: async () => mail.attempt('by read') });
  const commit = (by: KillSwitch) =>
    by.transaction(
      () => ({ commit: () => void changed.push('commit'), rollback() {} }),
      async () => {},
    );
  const acts = async (): Promise<string> => {
    outcomes.push(await mail.attempt('awaited'));
    outcomes.push(await killSwitch.run({ runId: 'own' }, () => mail.attempt('in a run')));
    const read = await look.attempt(undefined);
    outcomes.push(read.status === 'executed' ? read.result : read);
    outcomes.push(await commit(killSwitch).catch((error: unknown) => error));
    void mail.attempt('not awaited').then((outcome) => outcomes.push(outcome));
    return 'said';
  };
  const handler = stage === 'shadow' ? { draft: acts } : { describe: acts };
  const pay = killSwitch.action({ name: 'pay', feature: 'f', execute: async () => {}, ...handler });
  return { killSwitch, pay, mail, changed, outcomes };
}

describe.each([
  ['shadow', 'the draft handler of pay', 'drafted'],
  ['gated', 'the describe handler of pay', 'held'],
] as const)('what prepares a call, at the stage %s', (stage, name, status) => {
  test('changes nothing, whatever it calls; and what is called afterwards may', async () => {
    const { pay, mail, changed, outcomes } = await open(stage);
    expect(await pay.attempt(undefined)).toMatchObject({ status });
    await vi.waitUntil(() => outcomes.length === 5);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        decision: { verdict: 'block', cause: { code: 'UNSUPPORTED', message: expect.stringContaining(name) } },
      });
    expect(changed).toEqual([]);
    expect(await mail.attempt('after')).toMatchObject({ status: 'executed' });
    expect(changed).toEqual(['after']);
  });
});
