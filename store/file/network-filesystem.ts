import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';

/** Linux's numbers (statfs(2)) for file systems on which appends of several machines may overwrite each other or arrive late. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x19830326, 'BeeGFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
]);

/** The name of a network file system by its type in `statfs`, or undefined for a local one. */
export const networkFileSystem = (type: number): string | undefined => NETWORK.get(type >>> 0);

/**
 * The free bytes of the file system that this path is on, or will be.
 * @throws KillSwitchError NETWORK_FILESYSTEM, STORE_UNREACHABLE
 */
export async function localFreeBytes(path: string): Promise<number> {
  let found: Awaited<ReturnType<typeof statfs>>;
  try {
    found = await statfs(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) return localFreeBytes(dirname(path));
    throw fileError(error, 'read', path);
  }
  const name = networkFileSystem(found.type);
  if (name !== undefined) {
    throw new KillSwitchError(
      'NETWORK_FILESYSTEM',
      `${path} is on a network file system (${name}), which does not keep the order of appends. Use a local folder, or Redis for several machines.`,
    );
  }
  return found.bavail * found.bsize;
}
