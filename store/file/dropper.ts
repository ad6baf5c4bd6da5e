import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Head, KillSwitchError, type LogEvent } from '../../flags/index.ts';
import type { DropPoint, LogDropper, StateAt } from '../capabilities/archive.ts';
import { syncFolders } from './append-lines.ts';
import { archivedBase, archivedBeginningOf, archivedEpoch, archivedName, archivedNames } from './archived.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { localFreeBytes } from './network-filesystem.ts';
import { type OpenedFile, openFile } from './opened-file.ts';
import type { FilePaths } from './paths.ts';
import { checkHoles, punchHole } from './punch-hole.ts';
import { PROVEN_WITHIN, proves } from './proven-fold.ts';
import { readLog } from './read-log.ts';
import { type Base, lineOf, readSnapshot, readSnapshots, snapshotName } from './snapshot-file.ts';

interface Dropping {
  /** How long each step of reading the log may take, in milliseconds. */
  readonly ms: number;
  readonly admit: () => void;
}

/**
 * Drops the first part of a log in place: no file is replaced, since a writer that had the old one open would append to
 * it, and no place in the log moves, since readers have noted how far they are.
 */
export function fileDropper(paths: FilePaths, { ms, admit }: Dropping): LogDropper {
  /** Does something with the open log. */
  const withLog = async <T>(work: (log: OpenedFile) => Promise<T>): Promise<T> => {
    admit();
    await localFreeBytes(paths.control);
    const log = openFile(paths.log);
    if (!log) throw new KillSwitchError('INVALID_STATE', `There is no log in ${paths.control}.`);
    try {
      return await work(log);
    } finally {
      log.close();
    }
  };

  const isProven = async ({ place: { head }, mark }: Base): Promise<boolean> => {
    for await (const event of readLog(paths.log, head.epoch, { ms, known: head, admit })) {
      if (proves(event, mark)) return true;
      if (event.seq > head.epoch + PROVEN_WITHIN) return false;
    }
    return false;
  };

  /** The state of a file that the log proves; null for any other. */
  const proven = async (path: string, log: OpenedFile): Promise<Base | null> => {
    const base = await readSnapshot(path, log).catch(() => null);
    return base && (await isProven(base)) ? base : null;
  };

  /** The state of this head that was kept for good. */
  const keptAt = async ({ epoch, hash }: Head, log: OpenedFile): Promise<Base | null> => {
    for (const name of await archivedNames(paths.control)) {
      if (archivedEpoch(name) !== epoch) continue;
      const base = await proven(join(paths.control, name), log);
      if (base?.place.head.hash === hash) return base;
    }
    return null;
  };

  return {
    async beginning() {
      admit();
      const beginning = await archivedBeginningOf(paths.log).catch((error: unknown) => {
        throw fileError(error, 'read', paths.log);
      });
      if (!beginning) return null;
      const { head } = beginning.place;
      return {
        head,
        state: () =>
          withLog(async (log) => {
            const base = await archivedBase(beginning, log);
            if (base && (await isProven(base))) return stateOf(base);
            throw new KillSwitchError(
              'CORRUPT',
              `The state that the log goes on from, in ${beginning.path}, is not the one that the log proves: it was changed.`,
            );
          }),
      };
    },

    async check() {
      admit();
      await checkHoles(paths.control, paths.log);
    },

    pointsAre: 'a state that is kept beside it: one is kept whenever it has grown by about 2 MB',

    async *points() {
      const log = openFile(paths.log);
      if (!log) return;
      try {
        for await (const base of readSnapshots(paths.control, log)) {
          const line = (await isProven(base)) ? await lineOf(log, base.place) : null;
          if (line) yield pointOf(base, line.event);
        }
      } finally {
        log.close();
      }
    },

    keep: (head) =>
      withLog(async (log) => {
        if (await keptAt(head, log)) return;
        for await (const base of readSnapshots(paths.control, log)) {
          if (base.place.head.hash !== head.hash || !(await isProven(base))) continue;
          const name = snapshotName(base.mark);
          await linkOrCopy(join(paths.control, name), join(paths.control, archivedName(name)));
          await syncFolders(paths.control, paths.root);
          return;
        }
        throw gone(head);
      }),

    drop: (head, looks) =>
      withLog(async (log) => {
        const base = await keptAt(head, log);
        const line = base && (await lineOf(log, base.place));
        if (!base || !line) throw gone(head);
        const before = log.stats();
        const file = await open(paths.log, constants.O_RDWR);
        try {
          const { ino, dev } = await file.stat({ bigint: true });
          if (ino !== before.ino || dev !== before.dev) throw replaced(paths.log);
          await looks();
          // The end of the line before stays, so that the first line that is left begins behind one.
          if (line.start > 1) await punchHole(file, line.start - 1);
          await file.sync();
        } catch (error) {
          throw fileError(error, 'written', paths.log);
        } finally {
          await file.close();
        }
        // A newer one may be where somebody else has archived more meanwhile.
        for (const name of await archivedNames(paths.control))
          if (archivedEpoch(name) < head.epoch) await rm(join(paths.control, name), { force: true });
        return Math.max(0, Number(before.blocks - log.stats().blocks) * 512);
      }),
  };
}

const pointOf = (base: Base, { seq, at }: LogEvent): DropPoint => ({
  ...{ epoch: seq, at },
  state: () => Promise.resolve(stateOf(base)),
});

const stateOf = ({ place, state }: Base): StateAt => ({ head: place.head, entries: state });

/** Gives a file a second name, which costs nothing; a copy has it where the file system has no second names. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  const unfinished = join(dirname(to), `snapshot-kept-${randomUUID()}.tmp`);
  try {
    try {
      await link(from, unfinished);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw error;
      await copySynced(from, unfinished);
    }
    await rename(unfinished, to); // somebody else may be about to begin with that name
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL);
  const copy = await open(to, 'r');
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}

const gone = ({ epoch }: Head): KillSwitchError =>
  new KillSwitchError(
    'NOT_FOUND',
    `The state of epoch ${epoch}, with which the log would begin, is not kept any more. Archive again: a newer one is taken.`,
  );

const replaced = (path: string): KillSwitchError =>
  new KillSwitchError('STORE_UNREACHABLE', `${path} was replaced at that moment. Archive again.`);
