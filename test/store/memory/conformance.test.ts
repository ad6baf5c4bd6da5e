import { describe, expect, test } from 'vitest';
import { memoryControlStore } from '../../../store/memory/control.ts';
import { type MemoryCopy, memoryStore } from '../../../store/memory/index.ts';
import { type StoreHarness, storeConformance } from '../../../testing/index.ts';

async function open(): Promise<StoreHarness> {
  const store = memoryStore();
  const { memory } = store;
  let copied: MemoryCopy | undefined;
  return {
    store,
    controlStore: memoryControlStore(store),
    wipe: async () => memory.wipe(),
    copy: async () => {
      copied = memory.copy();
    },
    restore: async () => {
      if (copied) memory.restore(copied);
    },
    plantBeat: async ({ id }, text) => void memory.organization('default').beats.set(id, text),
    dispose: async () => {},
  };
}

describe('the memory store conforms', () => {
  for (const { name, run } of storeConformance({ open })) test(name, run);
});

test('the suite notices a store that loses a change', async () => {
  const careless = async (): Promise<StoreHarness> => {
    const harness = await open();
    const { controlStore } = harness;
    const forgetful: StoreHarness['controlStore'] = {
      ...controlStore,
      open: (scope) => ({ ...controlStore.open(scope), append: async () => true }),
    };
    return { ...harness, controlStore: forgetful };
  };
  const failed = [];
  for (const { run } of storeConformance({ open: careless })) {
    await run().catch((error: unknown) => failed.push(error));
  }
  expect(failed.length).toBeGreaterThan(10);
});
