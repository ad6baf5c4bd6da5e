import { lstatSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { OpenFolder } from './folder.ts';
import { namesIn } from './kept.ts';

/** A file as it was found, before it is read. */
export interface Found {
  readonly name: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** What one user keeps in a folder, the newest first, and how much of what is read there is that user's share, in bytes. */
export interface Share {
  readonly owner: number;
  readonly files: readonly Found[];
  readonly bytes: number;
}

/** What is read of all files of a folder. */
export interface Bounds {
  /** In bytes. */
  readonly total: number;
  /** How many files: where they are empty too, opening them takes its time. */
  readonly most: number;
  /** What is wanted of one file, in bytes. */
  readonly longest: number;
}

/** Of which files so much is wanted; `onStep` is called as looking at them gets on. */
export interface Wanted {
  readonly ending: string;
  readonly bounds: Bounds;
  readonly onStep?: (() => void) | undefined;
}

/** So many files of a folder are looked at. */
const MOST_NAMES = 50_000;

/** What one file takes beside its bytes, so that both bounds are one. */
const eachOf = ({ total, most }: Bounds): number => Math.ceil(total / most);

/** What it takes to read one file. */
const costOf = ({ bytes }: Found, bounds: Bounds): number => eachOf(bounds) + Math.min(bytes, bounds.longest);

const costOfAll = (files: readonly Found[], bounds: Bounds): number =>
  files.reduce((sum, file) => sum + costOf(file, bounds), 0);

/**
 * Divides `total` among those who want so much: nobody gets more than that, and what one leaves is for the others. So whoever wants little gets all of it,
 * however much another wants.
 */
export function divide(total: number, wanted: readonly number[]): number[] {
  const given = wanted.map(() => 0);
  const modest = [...wanted.keys()].sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  let left = total;
  modest.forEach((index, before) => {
    given[index] = Math.min(wanted[index] ?? 0, Math.floor(left / (wanted.length - before)));
    left -= given[index];
  });
  return given;
}

/**
 * The files of a folder in which several users may write, each user's with a fair share of what is read: what one of them puts there hides nothing of the others'.
 */
export async function fairShares(
  folder: OpenFolder,
  { ending, bounds, onStep = () => {} }: Wanted,
): Promise<{ readonly shares: readonly Share[]; readonly problem: string | null }> {
  const { names, more } = await namesIn(folder, ending, MOST_NAMES);
  const owners = new Map<number, Found[]>();
  for (const [index, name] of names.entries()) {
    if (index % 1000 === 999) {
      onStep();
      await turn();
    }
    const stats = lstatSync(folder.at(name), { throwIfNoEntry: false });
    if (!stats) continue;
    const found = { name, bytes: stats.size, changedMs: stats.mtimeMs };
    const files = owners.get(stats.uid);
    if (files) files.push(found);
    else owners.set(stats.uid, [found]);
  }
  const all = [...owners];
  const given = divide(
    bounds.total,
    all.map(([, files]) => costOfAll(files, bounds)),
  );
  return {
    shares: all.map(([owner, files], index) => ({
      owner,
      files: files.sort((a, b) => b.changedMs - a.changedMs),
      bytes: given[index] ?? 0,
    })),
    problem: more
      ? `there are more than ${MOST_NAMES} files in ${folder.path}, and the others were not looked at`
      : null,
  };
}

/** The newest files of a share that can be read whole. */
export function wholeFiles({ files, bytes }: Share, bounds: Bounds): Found[] {
  let left = bytes;
  return files.filter((file) => {
    // One that is too long is not read, so it costs no more than an empty one.
    const cost = file.bytes > bounds.longest ? eachOf(bounds) : costOf(file, bounds);
    if (cost > left) return false;
    left -= cost;
    return true;
  });
}

/** How much of the ends of which files can be read of a share: where all is too much, the newest files have equal parts. */
export function fileEnds({ files, bytes }: Share, bounds: Bounds): Array<Found & { readonly end: number }> {
  const each = eachOf(bounds);
  const some = costOfAll(files, bounds) <= bytes ? files : files.slice(0, Math.ceil(bytes / each / 2));
  const given = divide(
    bytes,
    some.map((file) => costOf(file, bounds)),
  );
  return some.map((file, index) => ({ ...file, end: Math.max(0, (given[index] ?? 0) - each) }));
}

/** What is said where a share was too small; null where it was not. */
export function leftOut(
  folder: string,
  shares: readonly { readonly owner: number; readonly left: number }[],
): string | null {
  const cut = shares.filter(({ left }) => left > 0);
  if (cut.length === 0) return null;
  const each = cut.slice(0, 3).map(({ owner, left }) => `${left} of uid ${owner}`);
  const more = cut.length > 3 ? `, and of ${cut.length - 3} more users` : '';
  return `too much is written in ${folder} to read it all, and of the files there were left out: ${each.join(', ')}${more}`;
}
