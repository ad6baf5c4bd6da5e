import { open, writeFile } from 'node:fs/promises';
import { systemCode } from '../../flags/errors.ts';
import { invalid, messageOf, quoteId } from '../../flags/index.ts';
import { drillPage } from '../drill/page.ts';
import type { DrillAnswer } from '../drill/records.ts';

const BEGINS = '<!doctype html>';

/** A page of before is replaced, and nothing else that may be there. */
async function mustBePage(file: string): Promise<void> {
  const found = await open(file, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (!found) return;
  try {
    const { buffer, bytesRead } = await found.read(Buffer.alloc(BEGINS.length), 0, BEGINS.length, 0);
    if (bytesRead > 0 && buffer.toString('utf8', 0, bytesRead) !== BEGINS)
      throw new Error('something else is there, and no page of a drill');
  } finally {
    await found.close();
  }
}

/** Writes the page of a drill. @throws KillSwitchError INVALID_ARGUMENT where it cannot be written */
export async function writePage(file: string, drill: DrillAnswer): Promise<string> {
  try {
    await mustBePage(file);
    await writeFile(file, drillPage(drill));
  } catch (error) {
    throw invalid(
      `The report of the drill ${drill.id} cannot be written to ${quoteId(file)}: ${messageOf(error)}. The drill is recorded all the same.`,
    );
  }
  return `Written: ${file}`;
}
