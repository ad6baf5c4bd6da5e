import { writeFile } from 'node:fs/promises';
import { invalid, messageOf, quoteId } from '../../flags/index.ts';
import { drillPage } from '../drill/page.ts';
import type { DrillAnswer } from '../drill/records.ts';

/** Writes the page of a drill. @throws KillSwitchError INVALID_ARGUMENT where it cannot be written */
export async function writePage(file: string, drill: DrillAnswer): Promise<string> {
  try {
    await writeFile(file, drillPage(drill));
  } catch (error) {
    throw invalid(
      `The report of the drill ${drill.id} cannot be written to ${quoteId(file)}: ${messageOf(error)}. The drill is recorded all the same.`,
    );
  }
  return `Written: ${file}`;
}
