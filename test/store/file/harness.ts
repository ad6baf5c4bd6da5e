import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { textProblem } from '../../../flags/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileName } from '../../../store/file/paths.ts';
import type { Append, ControlConnection } from '../../../store/ports.ts';
import { StoreSession } from '../../../testing/store/session.ts';
import { temporaryFolder } from '../../servers/index.ts';

/** A switch in a folder of its own; executors keep their anchors inside it, apart from what is wiped or restored. */
export async function openFileHarness() {
  const folder = temporaryFolder('file');
  chmodSync(folder.path, 0o755); // some tests read it as another user
  const directory = join(folder.path, 'switch');
  const control = join(directory, 'control');
  const backup = join(folder.path, 'backup');
  return {
    directory,
    log: join(control, 'default', 'log.jsonl'),
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
    wipe: () => rm(control, { recursive: true, force: true }),
    copy: () => cp(control, backup, { recursive: true }),
    async restore() {
      await rm(control, { recursive: true, force: true });
      await cp(backup, control, { recursive: true });
    },
    async plantBeat({ id }: { readonly id: string }, text: string) {
      const beats = join(directory, 'executors', 'default', 'beats');
      mkdirSync(beats, { recursive: true });
      // An invalid id has no file name: it is planted under a name that this package would not give.
      const name = textProblem(id) === null ? fileName(id) : `${encodeURIComponent(id).slice(0, 200)}`;
      writeFileSync(join(beats, `${name}.json`), text);
    },
    dispose: async () => folder.remove(),
  };
}

/** The same, closed and removed when the test is over. */
export async function openSession() {
  const harness = await openFileHarness();
  const session = new StoreSession(harness);
  onTestFinished(() => session.close());
  const { directory, log } = harness;
  return { session, directory, log, lines: () => readFileSync(log, 'utf8').split('\n').slice(0, -1) };
}

export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

export const headOf = async (control: ControlConnection): Promise<Append['expected']> => (await control.read([])).head;

/** Mounts a file system until the test is over; false when this user may not. */
export function mounted(path: string, ...options: readonly string[]): boolean {
  mkdirSync(path, { recursive: true });
  if (spawnSync('mount', [...options, path], { stdio: 'ignore' }).status !== 0) return false;
  onTestFinished(() => {
    spawnSync('umount', ['-l', path], { stdio: 'ignore' });
  });
  return true;
}

/** For `test.skipIf(!mayMount)`: only root may mount, and only where the container lets it. */
export const mayMount = ((): boolean => {
  const folder = temporaryFolder('mount');
  const may = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder.path], { stdio: 'ignore' }).status === 0;
  if (may) spawnSync('umount', ['-l', folder.path], { stdio: 'ignore' });
  folder.remove();
  return may;
})();
