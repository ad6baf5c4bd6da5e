import { access, constants, lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../flags/index.ts';
import type { InspectedPlace, Inspection } from '../capabilities/inspection.ts';
import type { FilePaths } from './paths.ts';

/** Who may write what only operators should. A place that is not there yet is left out. */
export async function inspectFolder(
  root: string,
  { control, log }: Pick<FilePaths, 'control' | 'log'>,
): Promise<Inspection> {
  const places = await Promise.all([root, dirname(control), control, log].map(placeAt));
  const why = await Promise.all([control, log].map((path) => access(path, constants.W_OK))).then(() => null, messageOf);
  return {
    takesNone: why === null ? null : { why, notPermitted: /EACCES|EPERM/.test(why) },
    of: { is: 'file', user: process.getuid?.() ?? null, places: places.flatMap((place) => place ?? []) },
  };
}

const placeAt = async (path: string): Promise<InspectedPlace | null> =>
  lstat(path).then(
    (found) => ({ path, isFolder: found.isDirectory(), owner: found.uid, mode: found.mode & 0o7777 }),
    () => null,
  );
