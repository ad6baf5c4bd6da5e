import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HIGHEST_TALLY, MOST_TALLIED, type Tally } from '../capabilities/tally.ts';
import { errnoOf, fileError } from './file-errors.ts';
import type { FilePaths } from './paths.ts';

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** A file for each name in the operators' folder, as long as its count: to add to one is one append, by anybody. */
export function fileTally({ attempts }: Pick<FilePaths, 'attempts'>, admit: () => void): Tally {
  const fileOf = (name: string): string => join(attempts, createHash('sha256').update(name).digest('hex').slice(0, 32));
  const sizeOf = async (file: string): Promise<number> => (await stat(file)).size;
  const absent = (error: unknown): number => {
    if (ABSENT.has(errnoOf(error) ?? '')) return 0;
    throw fileError(error, 'read', attempts);
  };
  return {
    async add(name, count) {
      admit();
      const file = fileOf(name);
      const before = await sizeOf(file).catch(absent);
      const room = Math.min(count, HIGHEST_TALLY - before);
      if (room <= 0) return;
      try {
        await mkdir(attempts, { recursive: true });
        if (before === 0 && (await readdir(attempts)).length >= MOST_TALLIED) return;
        await appendFile(file, '.'.repeat(room));
      } catch (error) {
        throw fileError(error, 'written', file);
      }
    },
    async take(name) {
      admit();
      const file = fileOf(name);
      const taken = `${file}.${randomUUID()}`;
      try {
        await rename(file, taken); // whoever renames it has it
        const size = await sizeOf(taken);
        await unlink(taken);
        return size;
      } catch (error) {
        return absent(error);
      }
    },
  };
}
