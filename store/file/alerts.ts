import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, readFile, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid, quoteId } from '../../flags/index.ts';
import type { AlertKeeper } from '../capabilities/alerts.ts';
import { errnoOf, fileError } from './file-errors.ts';

const NAME = /^[a-z0-9-]{1,100}$/;
const VERSION = /^([a-z0-9-]+)\.(\d{1,15})$/;
const TEMPORARY = '.tmp';
/** After so many milliseconds a half-written file is one of a writer that has died. */
const LEFT_MS = 60_000;
/** How often a name is read again of which another writer has just replaced the file. */
const MOST_TRIES = 100;

/** Of one name: the number of its file, 0 where there is none, and what that says. */
interface Version {
  readonly number: number;
  readonly text: string | null;
}

const NONE: Version = { number: 0, text: null };

/**
 * What alerts need, in a folder beside the log that only its owner may enter. Each text is a file of its own, named for
 * how often its name was written: the next one is made by `link`, which fails where it is there. So no lock is needed
 * that a writer could die with. An empty file: the text was removed.
 */
export const fileAlerts = (folder: string, admit: () => void): AlertKeeper => ({
  async read(names) {
    admit();
    const found = new Map<string, string>();
    for (const name of names) {
      const { text } = await newest(folder, checked(name));
      if (text !== null) found.set(name, text);
    }
    return found;
  },
  async swap(name, before, after) {
    admit();
    const { number, text } = await newest(folder, checked(name));
    if (text !== before) return false;
    if (after === before) return true;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return await put(folder, { name, number: number + 1, text: after ?? '' });
    } catch (error) {
      throw fileError(error, 'written', folder);
    }
  },
});

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw invalid(`${quoteId(name)} is not the name of a record of alerts.`);
}

async function newest(folder: string, name: string): Promise<Version> {
  for (let tries = 0; ; tries += 1) {
    try {
      const number = Math.max(0, ...(await versionsIn(folder, name)));
      if (number === 0) return NONE;
      const text = await readFile(join(folder, `${name}.${number}`), 'utf8');
      return { number, text: text === '' ? null : text };
    } catch (error) {
      // Another writer has replaced it since the folder was read.
      if (errnoOf(error) !== 'ENOENT' || tries >= MOST_TRIES) throw fileError(error, 'read', folder);
    }
  }
}

async function versionsIn(folder: string, name: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((each) => {
    const [, of, number] = VERSION.exec(each) ?? [];
    return of === name ? [Number(number)] : [];
  });
}

/** Whether it is now the newest of its name. */
async function put(folder: string, { name, number, text }: Version & { readonly name: string }): Promise<boolean> {
  const path = join(folder, `${name}.${number}`);
  const temporary = join(folder, `${randomBytes(9).toString('hex')}${TEMPORARY}`);
  let file: FileHandle | null = null;
  try {
    file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await file.writeFile(text ?? '');
    await file.datasync();
    await link(temporary, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await file?.close();
    await unlink(temporary).catch(() => {}); // what is left is a second name of the same file, or nothing
  }
  // A writer that was held up for long finds its number free again: others have gone on, and removed the older ones.
  const versions = await versionsIn(folder, name);
  if (versions.some((each) => each > number)) {
    await unlink(path).catch(() => {});
    return false;
  }
  await syncFolder(folder);
  // The one before stays: so the number after it is taken for whoever has still read that one.
  for (const each of versions) if (each < number - 1) await unlink(join(folder, `${name}.${each}`)).catch(() => {});
  const names = await readdir(folder);
  await emptyRemoved(folder, names);
  await removeLeft(folder, names);
  return true;
}

/** A name that was added is on the disk only after this. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Empties the file before one that says that its text was removed: only its name counts, and it may be secret. */
async function emptyRemoved(folder: string, names: readonly string[]): Promise<void> {
  const size = async (name: string): Promise<number> => (await stat(join(folder, name))).size;
  for (const name of names) {
    const [, of, number] = VERSION.exec(name) ?? [];
    const next = `${of}.${Number(number) + 1}`;
    if (of === undefined || !names.includes(next)) continue;
    // Another writer may have removed either since the folder was read.
    const isLeft = await Promise.all([size(name), size(next)]).then(
      ([own, after]) => own > 0 && after === 0,
      () => false,
    );
    if (isLeft) await truncate(join(folder, name)).catch(() => {});
  }
}

/** Removes what writers have left that died. */
async function removeLeft(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (!name.endsWith(TEMPORARY)) continue;
    const path = join(folder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0, // its writer has just finished
    );
    if (age > LEFT_MS) await unlink(path).catch(() => {});
  }
}
