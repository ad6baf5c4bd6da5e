import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KillSwitchError, messageOf, systemCode } from '../../flags/index.ts';

/**
 * Frees the first bytes of an open file, which then read as zeros. Its length, and so every place in it, stays. Node
 * has no call for it; `fallocate` gets the open file, so that no other one is in its place by then.
 * @throws Error that says why nothing was freed
 */
export async function punchHole(file: FileHandle, length: number): Promise<void> {
  const words = ['--punch-hole', '--offset', '0', '--length', String(length), '/dev/fd/3'];
  const child = spawn('fallocate', words, { stdio: ['ignore', 'ignore', 'pipe', file.fd] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (code !== 0) throw new Error(said.trim() || `fallocate ended with ${code}`);
}

const TRIED_BYTES = 256 * 1024;

/**
 * Tries that with a file of its own in a folder, and whether a file there may be written in place.
 * @throws KillSwitchError INVALID_STATE that says what to install or change
 */
export async function checkHoles(folder: string, log: string): Promise<void> {
  const path = join(folder, `snapshot-trial-${randomUUID()}.tmp`);
  try {
    await (await open(log, constants.O_RDWR)).close();
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    try {
      await file.writeFile(Buffer.alloc(TRIED_BYTES, 1));
      await file.sync();
      await punchHole(file, TRIED_BYTES - 1);
      const { buffer } = await file.read(Buffer.alloc(TRIED_BYTES, 1), 0, TRIED_BYTES, 0);
      if (buffer.subarray(0, -1).some((byte) => byte !== 0) || buffer.at(-1) !== 1)
        throw new Error('what it should have freed is still there');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw notHere(folder, error);
  } finally {
    await rm(path, { force: true });
  }
}

function notHere(folder: string, error: unknown): KillSwitchError {
  const why =
    systemCode(error) === 'ENOENT' && messageOf(error).includes('spawn')
      ? 'there is no command fallocate: install util-linux (BusyBox has one that cannot do it)'
      : `${messageOf(error)}. It takes Linux, fallocate of util-linux, a file system that can free part of a file (ext4, XFS, Btrfs, tmpfs), and the right to write the log in place`;
  return new KillSwitchError(
    'INVALID_STATE',
    `Nothing was archived, because the part of the log that is archived could not be dropped in ${folder}: ${why}.`,
    { cause: error },
  );
}
