import { LEASE_MS } from '../../flags/index.ts';
import { LONGEST_BEAT } from '../beats.ts';
import { writersUid } from '../writers.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { readKept, removeKept } from './kept.ts';
import type { FilePaths } from './paths.ts';
import { beatOf } from './read-beats.ts';
import { ENDING, idOfReport } from './report-names.ts';
import { type OwnedFile, Walk } from './walk.ts';

/** How many files are removed at the same time. */
const AT_ONCE = 32;

/**
 * The user whose reports an operator means by the id `uid N`, which stands for those of that user's reports that are
 * not shown one by one; null for any other id.
 */
export const ownerMeant = (id: string, writer: string | undefined): number | null =>
  id === writer ? writersUid(id) : null;

/**
 * Removes all beats and surfaces of one user, but for executors that were just heard of. `now`: the store's time, in
 * milliseconds.
 * @throws KillSwitchError when one of them could not be removed; the others have been
 */
export async function forgetOwner(
  { root, beats, surfaces }: FilePaths,
  owner: number,
  { now, onStep }: { readonly now: number; readonly onStep: () => void },
): Promise<void> {
  const heard = new Set<string>();
  const failures: unknown[] = [];
  const sweep = (folder: string, isKept: (open: OpenFolder, file: OwnedFile) => Promise<boolean>) =>
    inFolder(root, folder, async (open) => {
      const remove = async (file: OwnedFile): Promise<void> => {
        if (!(await isKept(open, file))) await removeKept(open, file.name).catch((error) => failures.push(error));
      };
      for await (const files of new Walk(open, '', ENDING).all(open, onStep)) {
        const own = files.filter((file) => file.owner === owner);
        for (let index = 0; index < own.length; index += AT_ONCE) {
          await Promise.all(own.slice(index, index + AT_ONCE).map(remove));
          onStep();
        }
      }
    });
  await sweep(beats, async (open, file) => {
    const isHeard = await wasJustHeard(open, file, now);
    if (isHeard) heard.add(idOfReport(file.name));
    return isHeard;
  });
  await sweep(surfaces, async (_, { name }) => heard.has(idOfReport(name)));
  if (failures.length > 0) throw failures[0];
}

/** Whether it is the beat of an executor whose lease can still hold. */
async function wasJustHeard(open: OpenFolder, file: OwnedFile, now: number): Promise<boolean> {
  if (file.bytes === 0 || now - file.changedMs > LEASE_MS.max) return false;
  const kept = await readKept(open, file.name, LONGEST_BEAT);
  if (kept === null) return true; // it has just been replaced
  const { problem, at, lease_ms } = beatOf({ ...file, kept });
  return problem === undefined && Math.abs(now - Date.parse(at)) <= lease_ms;
}
