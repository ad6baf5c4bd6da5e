import { readFile, writeFile } from 'node:fs/promises';
import { timeSchema } from '../../flags/index.ts';
import { OPERATING_KEPT_MS, type OperatingNotes } from '../capabilities/operating.ts';
import { fileError } from './file-errors.ts';
import type { FilePaths } from './paths.ts';

/** A file in the operators' folder that holds a time, and nothing that anybody acts on. */
export const fileOperating = (
  { operating }: Pick<FilePaths, 'operating'>,
  { now, admit }: { readonly now: () => number; readonly admit: () => void },
): OperatingNotes => ({
  async note() {
    admit();
    await writeFile(operating, new Date(now()).toISOString()).catch((error: unknown) => {
      throw fileError(error, 'written', operating);
    });
  },
  async last() {
    admit();
    const text = await readFile(operating, 'utf8').catch(() => '');
    const time = timeSchema.safeParse(text.slice(0, 40)).data ?? null;
    return time !== null && now() - Date.parse(time) < OPERATING_KEPT_MS ? time : null;
  },
});
