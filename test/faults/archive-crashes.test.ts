import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { fileStore } from '../../store/file/index.ts';
import { findCommand } from '../servers/find-command.mjs';
import { temporaryFolder } from '../servers/index.ts';
import { archivable, planeOf } from '../store/file/archivable.ts';

const reason = 'the disk is filling up';
const WORKER = join(import.meta.dirname, 'archive-worker.mjs');
const APPENDER = join(import.meta.dirname, '../store/file/appender.mjs');

let scene: Awaited<ReturnType<typeof archivable>>;
beforeAll(async () => {
  scene = await archivable();
}, 60_000);

/** A copy of a log that can be archived. */
function copied() {
  const { path } = temporaryFolder('archive-crash');
  const directory = join(path, 'switch');
  cpSync(scene.directory, directory, { recursive: true });
  return { path, directory, file: join(path, 'archive.jsonl') };
}

/** A process that archives, and ends by itself or dies at that step. */
async function archiving(given: { directory: string; file: string; death: string }, env = process.env) {
  const child = spawn(process.execPath, [WORKER, JSON.stringify(given)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const [code, signal] = await once(child, 'close');
  return { code, signal, said };
}

/** A `fallocate` that frees the log and then kills whoever has asked for it. */
function deadlyFallocate(path: string): NodeJS.ProcessEnv {
  const bin = join(path, 'bin');
  mkdirSync(bin);
  const real = findCommand('fallocate');
  const script = `#!/bin/sh\n${real} "$@" || exit $?\nfor last in "$@"; do :; done\nsize=$(stat -L -c %s "$last")\n[ "$size" -gt 1000000 ] && kill -9 $PPID\nexit 0\n`;
  writeFileSync(join(bin, 'fallocate'), script);
  chmodSync(join(bin, 'fallocate'), 0o755);
  return { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
}

/** An executor that acts all the time, until the test is over. Returns what was not executed. */
async function actingOn(directory: string, anchor: string) {
  const executor = await createKillSwitch({
    store: fileStore({ directory, anchor }),
    agentId: 'worker',
    leaseMs: 5000,
    executor: { name: 'worker' },
  });
  const act = executor.action({ name: 'note.read', effect: 'read', execute: async () => 'done' });
  const stopped: unknown[] = [];
  let executed = 0;
  let ended = false;
  const acting = (async () => {
    while (!ended) {
      const outcome = await act.attempt(undefined);
      if (outcome.status === 'executed') executed += 1;
      else stopped.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const end = async () => {
    ended = true;
    await acting;
    await executor.close();
  };
  onTestFinished(end);
  await expect.poll(() => executed).toBeGreaterThan(0);
  return { stopped, count: () => executed, end };
}

const targetsIn = async (control: ControlPlane): Promise<unknown[]> => {
  const targets: unknown[] = [];
  for await (const { type, data } of control.log()) if (type === 'kill') targets.push(data['target']);
  return targets;
};

describe('an archiving process that dies (SIGKILL)', () => {
  const DEATHS = ['tried', 'half written', 'written', 'kept', 'recorded', 'freed', 'dropped'] as const;

  test.each(DEATHS)(
    'leaves a log that goes on for everybody, and the next one ends it: %s',
    async (death) => {
      const { path, directory, file } = copied();
      const executor = await actingOn(directory, join(path, 'anchor'));
      const env = death === 'freed' ? deadlyFallocate(path) : process.env;
      expect(await archiving({ directory, file, death }, env)).toEqual({ code: null, signal: 'SIGKILL', said: '' });

      const control = await planeOf(directory);
      const isRecorded = death === 'recorded' || death === 'freed' || death === 'dropped';
      const isDropped = death === 'freed' || death === 'dropped';
      const verified = await control.verifyLog();
      expect(verified).toMatchObject({ ok: true });
      expect([verified.undropped, verified.archived?.epoch]).toEqual([
        isRecorded && !isDropped ? scene.epoch : undefined,
        isDropped ? scene.epoch : undefined,
      ]);
      const { findings } = await control.doctor();
      const found = findings.find(({ check }) => check === 'archive');
      expect(found?.level).toBe(isRecorded && !isDropped ? 'warning' : 'ok');
      await control.kill({ target: 'agent:after' });
      expect((await control.status()).kills.map(({ target }) => target)).toContain('agent:after');
      expect((await targetsIn(await planeOf(directory))).at(-1)).toBe('agent:after');

      if (isDropped) {
        await expect(control.archiveLog({ file, reason })).rejects.toThrow('archived already');
      } else {
        const again = await control.archiveLog({ file, reason });
        expect(again).toMatchObject({ epoch: scene.epoch, events: scene.epoch, already: isRecorded });
      }
      const after = await (await planeOf(directory)).verifyLog({ against: file });
      expect(after).toMatchObject({ ok: true, archived: { epoch: scene.epoch, events: scene.epoch } });
      expect(after).not.toHaveProperty('undropped');
      const before = executor.count();
      await expect.poll(executor.count).toBeGreaterThan(before);
      expect(executor.stopped).toEqual([]);
    },
    60_000,
  );
});

test('kills of four other processes during archiving are all in the log, and no executor stops', async () => {
  const { path, directory, file } = copied();
  const executor = await actingOn(directory, join(path, 'anchor'));
  const acknowledged: string[] = [];
  const appenders = ['a', 'b', 'c', 'd'].map((name) => {
    const child = spawn(process.execPath, [APPENDER, directory, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => acknowledged.push(line));
    return child;
  });
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(20);
  const control = await planeOf(directory);
  expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch: scene.epoch });
  const then = acknowledged.length;
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(then + 20);
  await Promise.all(
    appenders.map(async (child) => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }),
  );
  expect(await targetsIn(await planeOf(directory))).toEqual(expect.arrayContaining(acknowledged));
  expect(await (await planeOf(directory)).verifyLog({ against: file })).toMatchObject({ ok: true });
  expect(executor.stopped).toEqual([]);
}, 120_000);

test.each(['one file', 'two files'])(
  'of two that archive at once into %s nothing is lost',
  async (which) => {
    const { path, directory, file } = copied();
    const files = [file, which === 'one file' ? file : join(path, 'other.jsonl')];
    const planes = await Promise.all(files.map(() => planeOf(directory)));
    const ends = await Promise.allSettled(
      planes.map((control, index) => control.archiveLog({ file: files[index] ?? '', reason })),
    );
    const done = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(done.length).toBeGreaterThan(0);
    for (const end of ends)
      if (end.status === 'rejected') expect(['CONFLICT', 'INVALID_STATE']).toContain(end.reason.code);
    const fresh = await planeOf(directory);
    expect(await fresh.verifyLog({ against: done[0]?.file })).toMatchObject({
      ok: true,
      archived: { epoch: scene.epoch },
    });
  },
  60_000,
);
