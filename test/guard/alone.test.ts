import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

async function openControl(store: ControlStore): Promise<ControlPlane> {
  const control = await openControlPlane({ store, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  return control;
}

const inFolder = async () => {
  const directory = join(temporaryFolder('alone').path, 'switch');
  return { url: `file:${directory}`, control: await openControl(fileControlStore({ directory })) };
};
const inRedis = async () => {
  const { url } = await startRedis();
  return { url, control: await openControl(redisControlStore({ url })) };
};

const PROGRAM = join(import.meta.dirname, 'alone.mjs');
const CALLS = 100;
const EACH_MS = 30;

describe.each([
  ['a folder', true, inFolder],
  ['Redis', hasRedis, inRedis],
] as const)('an executor in a process of its own, over %s', (_name, has, open) => {
  test.skipIf(!has).each(['crowd', 'jobs'])(
    'whose calls (%s) are begun together hears of a kill between them',
    async (does) => {
      const { url, control } = await open();
      const child = fork(PROGRAM, [JSON.stringify({ url, does, calls: CALLS, eachMs: EACH_MS })]);
      const [begun] = await once(child, 'message');
      expect(begun).toBe('begun');
      const ended = once(child, 'message');
      await control.kill({ target: 'all', reason: 'wrong' });
      const [ran] = (await ended) as [number];
      // Without a turn between them all of them run, for three seconds; the kill takes a third of one.
      expect(ran).toBeLessThan(CALLS / 2);
    },
  );

  test.skipIf(!has)('that has nothing but work that waits in a pause is kept alive by it', async () => {
    const { url, control } = await open();
    await control.kill({ target: 'all', mode: 'paused', reason: 'wait' });
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ url, does: 'wait' })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const waits = new Promise<void>((resolve) => {
      child.stdout.on('data', (piece) => {
        said += String(piece);
        if (said.includes('waiting')) resolve();
      });
    });
    const exited = once(child, 'exit');
    await waits;
    // The executor has saved its checkpoint and waits when it has recorded that it does.
    for (let records: readonly unknown[] = []; records.length === 0 && child.exitCode === null; )
      records = (await control.interventions()).data;
    await control.revive({ target: 'all', reason: 'go on' });
    expect(await exited).toEqual([0, null]);
    expect(said).toBe('waiting\nwent on\n');
  });
});
