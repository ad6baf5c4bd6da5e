import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { type StoreHarness, storeConformance } from '../../../testing/index.ts';
import { temporaryFolder } from '../../servers/index.ts';

/** Executors keep their anchors beside the store here, as someone does who backs up the control folder alone. */
async function open(): Promise<StoreHarness> {
  const folder = temporaryFolder('file');
  const directory = join(folder.path, 'switch');
  const control = join(directory, 'control');
  const backup = join(folder.path, 'backup');
  return {
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
    wipe: () => rm(control, { recursive: true, force: true }),
    copy: () => cp(control, backup, { recursive: true }),
    async restore() {
      await rm(control, { recursive: true, force: true });
      await cp(backup, control, { recursive: true });
    },
    dispose: async () => folder.remove(),
  };
}

describe('the file store conforms', () => {
  for (const { name, run } of storeConformance({ open })) test(name, run);
});
