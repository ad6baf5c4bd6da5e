import type { OpenFolder } from './folder.ts';
import { MOST_NAMES, type OwnedFile, Walk } from './walk.ts';

/** A file before it is read. */
export type Found = Pick<OwnedFile, 'name' | 'bytes' | 'changedMs'>;

/** One user's files in a folder, the newest first, and that user's share of what is read there, in bytes. */
export interface Share {
  readonly owner: number;
  /** Those that may be read. */
  readonly files: readonly Found[];
  /** How many there are. */
  readonly count: number;
  readonly bytes: number;
}

/** How much is read of all files of a folder. */
export interface Bounds {
  /** In bytes. */
  readonly total: number;
  /** How many files: opening one takes time even where it is empty. */
  readonly most: number;
  /** How much is read of one file at most, in bytes. */
  readonly longest: number;
}

/** Which files are read, and how much of them; `onStep` is called as looking at them gets on. */
export interface Wanted {
  readonly ending: string;
  readonly bounds: Bounds;
  /** The users of whom only a few files are read. */
  readonly isLittle?: ((owner: number) => boolean) | undefined;
  readonly onStep?: (() => void) | undefined;
}

/** How many files are read of a user of whom only a few are. */
const FEW = 20;

/** What opening one file costs, in bytes: with it both bounds are one. */
const eachOf = ({ total, most }: Bounds): number => Math.ceil(total / most);

/** What reading one file costs, in bytes. */
const costOf = ({ bytes }: Found, bounds: Bounds): number => eachOf(bounds) + Math.min(bytes, bounds.longest);

const costOfAll = (files: readonly Found[], bounds: Bounds): number =>
  files.reduce((sum, file) => sum + costOf(file, bounds), 0);

/**
 * Divides `total` fairly: nobody gets more than they want, and what one does not want is for the others. So a user who
 * wants little gets all of it, however much another one wants.
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

/** Collects one user's files: the newest of them, and how many there are. */
class OwnFiles {
  #newest: Found[] = [];
  readonly #most: number;
  count = 0;

  /** @param most how many of them may be read */
  constructor(most: number) {
    this.#most = most;
  }

  add(file: Found): void {
    this.count += 1;
    this.#newest.push(file);
    if (this.#newest.length >= 2 * this.#most) this.#newest = this.newest;
  }

  get newest(): Found[] {
    return this.#newest.sort((a, b) => b.changedMs - a.changedMs).slice(0, this.#most);
  }
}

/**
 * The files of a folder in which several users may write, with a fair share of the reading for each user. One user's
 * files cannot hide another's, because all names are looked at before the shares are computed.
 */
export async function fairShares(
  folder: OpenFolder,
  { ending, bounds, isLittle = () => false, onStep = () => {} }: Wanted,
): Promise<{ readonly shares: readonly Share[]; readonly problem: string | null }> {
  const owners = new Map<number, OwnFiles>();
  const walk = new Walk(folder, '', ending);
  for await (const files of walk.all(folder, onStep)) {
    for (const file of files) {
      const own = owners.get(file.owner) ?? new OwnFiles(isLittle(file.owner) ? FEW : bounds.most);
      owners.set(file.owner, own);
      own.add(file);
    }
  }
  const shares = [...owners].map(([owner, { newest, count }]) => ({ owner, files: newest, count }));
  const given = divide(
    bounds.total,
    shares.map(({ files }) => costOfAll(files, bounds)),
  );
  return {
    shares: shares.map((share, index) => ({ ...share, bytes: given[index] ?? 0 })),
    problem:
      walk.seen < MOST_NAMES
        ? null
        : `there are more than ${MOST_NAMES} files in ${folder.path}, and the others were not looked at`,
  };
}

/** The newest files of a share that can be read whole. */
export function wholeFiles({ files, bytes }: Share, bounds: Bounds): Found[] {
  let left = bytes;
  return files.filter((file) => {
    // A file that is too long is not read, so it costs no more than an empty one.
    const cost = file.bytes > bounds.longest ? eachOf(bounds) : costOf(file, bounds);
    if (cost > left) return false;
    left -= cost;
    return true;
  });
}

/**
 * The files of a share with how much of the end of each is read: where all of them are too much, the newest ones get
 * equal parts.
 */
export function fileEnds({ files, bytes }: Share, bounds: Bounds): Array<Found & { readonly end: number }> {
  const each = eachOf(bounds);
  const some = costOfAll(files, bounds) <= bytes ? files : files.slice(0, Math.ceil(bytes / each / 2));
  const given = divide(
    bytes,
    some.map((file) => costOf(file, bounds)),
  );
  return some.map((file, index) => ({ ...file, end: Math.max(0, (given[index] ?? 0) - each) }));
}

/** The problem that is reported where a share was too small; null where none was. */
export function leftOut(
  folder: string,
  shares: readonly { readonly owner: number; readonly left: number }[],
): string | null {
  const cut = shares.filter(({ left }) => left > 0);
  if (cut.length === 0) return null;
  const each = cut.slice(0, 3).map(({ owner, left }) => `${left} of uid ${owner}`);
  const more = cut.length > 3 ? `, and of ${cut.length - 3} more users` : '';
  return `there is too much in ${folder} to read all of it; files that were left out: ${each.join(', ')}${more}`;
}
