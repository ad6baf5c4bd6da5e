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
  const above = await Promise.all(foldersAbove(root).map(placeAt));
  const why = await Promise.all([control, log].map((path) => access(path, constants.W_OK))).then(() => null, messageOf);
  return {
    takesNone: why === null ? null : { why, notPermitted: /EACCES|EPERM/.test(why) },
    of: {
      is: 'file',
      user: process.getuid?.() ?? null,
      places: places.flatMap((place) => place ?? []),
      above: above.flatMap((place) => place ?? []),
    },
  };
}

/** The folders in which a folder lies, up to the root: whoever may write one can put another in its place. */
function foldersAbove(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [] : [above, ...foldersAbove(above)];
}

const placeAt = async (path: string): Promise<InspectedPlace | null> =>
  lstat(path).then(
    (found) => ({ path, isFolder: found.isDirectory(), owner: found.uid, mode: found.mode & 0o7777 }),
    () => null,
  );
