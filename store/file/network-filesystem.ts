import { readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';

/**
 * Linux's numbers (statfs(2)) for file systems on which appends of several machines may overwrite each other or arrive
 * late.
 */
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
  [0x20030528, 'OrangeFS'],
  [0x01021997, '9p'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
  [0x7c7c6673, 'prl_fs'],
]);

/**
 * FUSE: behind it may be a disk, a bucket, another machine, or the host of this one. The table of mounts says which.
 */
const FUSE = 0x65735546;

/** The FUSE file systems that are known to be on a disk of this machine; any other counts as a network file system. */
const LOCAL_FUSE: ReadonlySet<string> = new Set([
  'fuseblk', // ntfs-3g, exfat
  'fuse.ntfs-3g',
  'fuse.fuse-overlayfs', // containers without root
  'fuse.encfs',
  'fuse.gocryptfs',
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
  if (name !== undefined) throw refused(path, `a network file system (${name})`);
  if (found.type >>> 0 === FUSE) {
    const mounted = await mountedAs(path);
    if (!LOCAL_FUSE.has(mounted))
      throw refused(path, `a file system (${mounted}) that is not known to be on a disk of this machine`);
  }
  return found.bavail * found.bsize;
}

const refused = (path: string, where: string): KillSwitchError =>
  new KillSwitchError(
    'NETWORK_FILESYSTEM',
    `${path} is on ${where}, which may not keep the order of appends. Use a local folder, or Redis for several machines.`,
  );

/** The type of the mount that this path is on, as in mount(8); `fuse` where that is not known. */
async function mountedAs(path: string): Promise<string> {
  try {
    const [{ dev }, mounts] = await Promise.all([
      stat(path, { bigint: true }),
      readFile('/proc/self/mountinfo', 'utf8'),
    ]);
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
    const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
    const line = mounts.split('\n').find((mount) => mount.split(' ')[2] === `${major}:${minor}`);
    return / - (\S+)/.exec(line ?? '')?.[1] ?? 'fuse';
  } catch {
    return 'fuse';
  }
}
