import type { OpenFolder } from './folder.ts';
import { MOST_NAMES, type OwnedFile, Walk } from './walk.ts';

/** A file as it was found, before it is read. */
export type Found = Pick<OwnedFile, 'name' | 'bytes' | 'changedMs'>;

/**
 * What one user keeps in a folder, the newest first, and how much of what is read there is that user's share, in bytes.
 */
export interface Share {
  readonly owner: number;
  /** Those that may be read. */
  readonly files: readonly Found[];
  /** How many there are. */
  readonly count: number;
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
  /** Of whom a few files are enough. */
  readonly isLittle?: ((owner: number) => boolean) | undefined;
  readonly onStep?: (() => void) | undefined;
}

/** How many files are enough of somebody of whom a few are. */
const FEW = 20;

/** What one file takes beside its bytes, so that both bounds are one. */
const eachOf = ({ total, most }: Bounds): number => Math.ceil(total / most);

/** What it takes to read one file. */
const costOf = ({ bytes }: Found, bounds: Bounds): number => eachOf(bounds) + Math.min(bytes, bounds.longest);

const costOfAll = (files: readonly Found[], bounds: Bounds): number =>
  files.reduce((sum, file) => sum + costOf(file, bounds), 0);

/**
 * Divides `total` among those who want so much: nobody gets more than that, and what one leaves is for the others. So
 * whoever wants little gets all of it, however much another wants.
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

/** The files of one user: the newest of them, and how many there are. */
class OwnFiles {
  #newest: Found[] = [];
  readonly #most: number;
  count = 0;

  /** `most`: so many of them may be read. */
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
 * The files of a folder in which several users may write, each user's with a fair share of what is read: what one of
 * them puts there hides nothing of the others', because all names are looked at before anything is divided.
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
    // One that is too long is not read, so it costs no more than an empty one.
    const cost = file.bytes > bounds.longest ? eachOf(bounds) : costOf(file, bounds);
    if (cost > left) return false;
    left -= cost;
    return true;
  });
}

/**
 * How much of the ends of which files can be read of a share: where all is too much, the newest files have equal parts.
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
