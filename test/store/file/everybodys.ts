import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { openFileHarness } from './harness.ts';

/** A store in which every user may report, as docs/redis.md says, with one kill that a backup lacks. */
export async function everybodys() {
  const harness = await openFileHarness();
  const executors = join(harness.directory, 'executors');
  mkdirSync(executors, { recursive: true });
  chmodSync(executors, 0o1777);
  const plane = await openControlPlane({ store: harness.controlStore, operator: { id: 'dana' } });
  onTestFinished(async () => {
    await plane.close();
    await harness.dispose();
  });
  await plane.init();
  await harness.copy();
  await plane.kill({ target: 'agent:bot' });
  const { head } = await plane.status();
  const folder = join(executors, 'default');
  return { ...harness, plane, held: head, folder, forks: join(folder, 'forks') };
}
