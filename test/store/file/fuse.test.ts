import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { mayMount } from './harness.ts';

/** Mounts another folder through FUSE, with that name in the table of mounts; null where that is not possible here. */
function mountFuse(subtype: string): string | null {
  const { path } = temporaryFolder('fuse');
  const [source, mounted] = [join(path, 'source'), join(path, 'mounted')];
  for (const folder of [source, mounted]) mkdirSync(folder);
  const { status } = spawnSync('bindfs', ['-o', `subtype=${subtype}`, source, mounted], { stdio: 'ignore' });
  if (status !== 0) return null;
  onTestFinished(() => void spawnSync('umount', ['-l', mounted], { stdio: 'ignore' }));
  return mounted;
}

const initIn = async (directory: string): Promise<string> => {
  const control = await openControlPlane({
    store: fileControlStore({ directory }),
    operator: { id: 'ann' },
    retryMs: 0,
  });
  try {
    await control.init();
    return 'initialised';
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return `${code}: ${message}`;
  } finally {
    await control.close();
  }
};

const canMount = mayMount && spawnSync('bindfs', ['--version'], { stdio: 'ignore' }).status === 0;
if (!canMount) console.warn('No file system of FUSE can be mounted here: they are skipped.');

describe.skipIf(!canMount)('a file system of FUSE', () => {
  test.each(['sshfs', 's3fs', 'some-new-thing'])('is refused with its name when it is %s', async (subtype) => {
    const mounted = mountFuse(subtype);
    if (mounted === null) throw new Error('bindfs could not mount');
    expect(await initIn(join(mounted, 'switch'))).toMatch(
      new RegExp(
        `^NETWORK_FILESYSTEM: .* is on a file system \\(fuse\\.${subtype}\\) that is not known to be on a disk`,
      ),
    );
  });

  test('is accepted when it is known to be on a disk of this machine', async () => {
    const mounted = mountFuse('fuse-overlayfs');
    if (mounted === null) throw new Error('bindfs could not mount');
    expect(await initIn(join(mounted, 'switch'))).toBe('initialised');
  });
});
