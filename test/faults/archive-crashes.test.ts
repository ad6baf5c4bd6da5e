import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ExecutorStore } from '../../store/ports.ts';
import { redisStore } from '../../store/redis/index.ts';
import { findCommand } from '../servers/find-command.mjs';
import { hasRedis, temporaryFolder } from '../servers/index.ts';
import { archivable as inFolder, planeOf } from '../store/file/archivable.ts';
import { archivable as inRedis, planeOf as planeOn } from '../store/redis/archivable.ts';

const reason = 'the disk is filling up';
const WORKER = join(import.meta.dirname, 'archive-worker.mjs');
const APPENDER = join(import.meta.dirname, '../store/file/appender.mjs');

let folder: Awaited<ReturnType<typeof inFolder>>;
beforeAll(async () => {
  folder = await inFolder();
}, 60_000);

/** A log that can be archived, as each of the tests has it. */
interface Scene {
  /** What the process that archives is told. */
  readonly store: { readonly directory: string } | { readonly url: string };
  readonly path: string;
  readonly file: string;
  readonly epoch: number;
  readonly plane: () => Promise<ControlPlane>;
  readonly executorStore: (anchor: string) => ExecutorStore;
}

const SCENES: Readonly<Record<string, () => Promise<Scene>>> = {
  async 'in a folder'() {
    const { path } = temporaryFolder('archive-crash');
    const directory = join(path, 'switch');
    cpSync(folder.directory, directory, { recursive: true });
    return {
      ...{ store: { directory }, path, file: join(path, 'archive.jsonl'), epoch: folder.epoch },
      plane: () => planeOf(directory),
      executorStore: (anchor) => fileStore({ directory, anchor }),
    };
  },
  async 'in Redis'() {
    const { redis, path, archiver, file, epoch } = await inRedis();
    return {
      ...{ store: { url: archiver }, path, file, epoch },
      plane: () => planeOn(archiver),
      executorStore: (anchor) => redisStore({ url: redis.url, anchor }),
    };
  },
};
const PLACES = hasRedis ? Object.keys(SCENES) : ['in a folder'];

const sceneOf = async (place: string): Promise<Scene> => {
  const made = SCENES[place];
  if (!made) throw new Error(`no scene ${place}`);
  return made();
};

/** A process that archives, and ends by itself or dies at that step. */
async function archiving({ store, file }: Scene, death: string, env = process.env) {
  const child = spawn(process.execPath, [WORKER, JSON.stringify({ ...store, file, death })], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
async function actingOn({ executorStore, path }: Scene) {
  const executor = await createKillSwitch({
    store: executorStore(join(path, 'anchor')),
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
  const IN_A_FOLDER = ['tried', 'half written', 'written', 'kept', 'recorded', 'freed', 'dropped'];
  const IN_REDIS = ['tried', 'half written', 'written', 'half kept', 'kept', 'recorded', 'dropped'];
  const DEATHS = PLACES.flatMap((place) =>
    (place === 'in Redis' ? IN_REDIS : IN_A_FOLDER).map((death) => [place, death] as const),
  );

  test.each(DEATHS)(
    'leaves a log that goes on for everybody, and the next one ends it, %s: %s',
    async (place, death) => {
      const scene = await sceneOf(place);
      const { path, file, plane } = scene;
      const executor = await actingOn(scene);
      const env = death === 'freed' ? deadlyFallocate(path) : process.env;
      expect(await archiving(scene, death, env)).toEqual({ code: null, signal: 'SIGKILL', said: '' });

      const control = await plane();
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
      expect((await targetsIn(await plane())).at(-1)).toBe('agent:after');

      if (isDropped) {
        await expect(control.archiveLog({ file, reason })).rejects.toThrow(
          /archived already|among the last 1000 events/,
        );
      } else {
        const again = await control.archiveLog({ file, reason });
        expect(again).toMatchObject({ epoch: scene.epoch, events: scene.epoch, already: isRecorded });
      }
      const after = await (await plane()).verifyLog({ against: file });
      expect(after).toMatchObject({ ok: true, archived: { epoch: scene.epoch, events: scene.epoch } });
      expect(after).not.toHaveProperty('undropped');
      const before = executor.count();
      await expect.poll(executor.count).toBeGreaterThan(before);
      expect(executor.stopped).toEqual([]);
    },
    60_000,
  );
});

test.each(PLACES)(
  'kills of four other processes during archiving are all in the log, and no executor stops, %s',
  async (place) => {
    const scene = await sceneOf(place);
    const { store, file, plane } = scene;
    const executor = await actingOn(scene);
    const acknowledged: string[] = [];
    const appenders = ['a', 'b', 'c', 'd'].map((name) => {
      const child = spawn(process.execPath, [APPENDER, 'directory' in store ? store.directory : store.url, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      createInterface({ input: child.stdout }).on('line', (line) => acknowledged.push(line));
      return child;
    });
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(20);
    const control = await plane();
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
    expect(await targetsIn(await plane())).toEqual(expect.arrayContaining(acknowledged));
    expect(await (await plane()).verifyLog({ against: file })).toMatchObject({ ok: true });
    expect(executor.stopped).toEqual([]);
  },
  120_000,
);

test.each(PLACES.flatMap((place) => ['one file', 'two files'].map((which) => [place, which] as const)))(
  'of two that archive at once nothing is lost, %s, into %s',
  async (place, which) => {
    const scene = await sceneOf(place);
    const { path, file, plane } = scene;
    const files = [file, which === 'one file' ? file : join(path, 'other.jsonl')];
    const planes = await Promise.all(files.map(() => plane()));
    const ends = await Promise.allSettled(
      planes.map((control, index) => control.archiveLog({ file: files[index] ?? '', reason })),
    );
    const done = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(done.length).toBeGreaterThan(0);
    for (const end of ends)
      if (end.status === 'rejected') expect(['CONFLICT', 'INVALID_STATE']).toContain(end.reason.code);
    const fresh = await plane();
    expect(await fresh.verifyLog({ against: done[0]?.file })).toMatchObject({
      ok: true,
      archived: { epoch: scene.epoch },
    });
  },
  60_000,
);
