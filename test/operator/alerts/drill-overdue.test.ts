import { expect, onTestFinished, test } from 'vitest';
import { conditionsNow } from '../../../operator/alerts/conditions.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { memoryControlStore } from '../../../store/memory/control.ts';
import { memoryStore } from '../../../store/memory/index.ts';

test('a drill that is overdue is so for governance that asks for one, and no longer when it does not', async () => {
  const store = memoryControlStore(memoryStore());
  const control = await openControlPlane({ store, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  const connection = store.open({ organizationId: 'default', requestTimeoutMs: 1000 });
  const hearing = { hear: async () => ({ beats: [], head: null, time: '' }) };
  const now = async () =>
    (await conditionsNow(['drill_overdue'], { connection, hearing, organizationId: 'default' })).found;
  expect(await now()).toEqual([]);
  await control.setGovernance({ drillMs: 60_000, reason: 'weekly' });
  expect(await now()).toMatchObject([
    {
      type: 'drill_overdue',
      data: {
        text: 'A drill of the kind stop is overdue: none was passed yet.',
        next: 'kill-switch drill --kind stop',
      },
    },
  ]);
});
