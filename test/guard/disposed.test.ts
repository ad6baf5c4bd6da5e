import { expect, test } from 'vitest';
import type { KillSwitch } from '../../index.ts';
import { openMemorySwitch } from './open-switch.ts';

test('await using closes the switch at the end of its block', async () => {
  const { killSwitch: opened, control } = await openMemorySwitch({ agentId: 'x' });
  const action = opened.action({ name: 'mail.send', execute: () => 'sent' });
  let kept: KillSwitch;
  {
    await using killSwitch = opened;
    kept = killSwitch;
    expect(await action()).toBe('sent');
    expect((await control.executors()).data).toHaveLength(1);
  }
  expect(kept.check()).toMatchObject({ verdict: 'block', cause: { kind: 'fault', code: 'CLOSED' } });
  expect((await control.executors()).data).toEqual([]);
});
