import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { appendHistory, lastEvent } from '../../store/file/generate-log.ts';
import { fileSwitch, run } from './command.ts';

const EVENTS = 150_000;

/** Too little to hold the events of the log. */
const LITTLE_HEAP = { NODE_OPTIONS: '--max-old-space-size=64' };

test('a long log is verified, exported and compared with its export in as little memory as a short one', async () => {
  const ks = fileSwitch();
  await ks.run('init');
  const log = join(ks.directory, 'control/default/log.jsonl');
  appendHistory(log, lastEvent(log), EVENTS);
  await ks.run('kill', 'agent:last', '--wait', '0'); // leaves a snapshot
  const { seq: epoch, hash } = lastEvent(log);
  const typed = (...words: string[]) => run(words, { cwd: ks.folder, env: LITTLE_HEAP, withinMs: 120_000 });

  const exported = await typed('log', 'export', 'log.jsonl');
  expect([exported.code, exported.stderr.includes('heap')]).toEqual([0, false]);
  expect(readFileSync(join(ks.folder, 'log.jsonl')).equals(readFileSync(log))).toBe(true);
  const verified = await typed('log', 'verify', '--against', 'log.jsonl');
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining(`epoch ${epoch}, hash ${hash}.`) });
  const last = await typed('log', '--tail', '2', '--json');
  expect(last.json).toMatchObject({ count: epoch, data: [{ seq: epoch - 1 }, { seq: epoch }] });

  // Edited under a process that has read only the end of it, from the snapshot on.
  const control = await openControlPlane({
    store: fileControlStore({ directory: ks.directory }),
    operator: { id: 'dana' },
  });
  onTestFinished(() => control.close());
  expect((await control.status()).epoch).toBe(epoch);
  const at = readFileSync(log).indexOf('as every day', 1_000_000);
  const file = openSync(log, 'r+');
  writeSync(file, 'as every way', at);
  closeSync(file);
  expect((await control.status()).epoch).toBe(epoch);
  expect(await control.verifyLog()).toMatchObject({
    ok: false,
    problem: expect.stringMatching(/Event \d+ of the log was changed after it was written/),
  });
}, 240_000);
