import { messageOf } from '../../flags/index.ts';
import {
  KEPT_CHECKPOINTS,
  KEPT_INTERVENTIONS,
  type KeptLists,
  type KeptText,
  type Shelf,
  type ShelfReader,
} from '../ports.ts';
import { fairShares, fileEnds, leftOut } from './fair-share.ts';
import { inFolder, inFolderMade } from './folder.ts';
import { jsonMember } from './json-member.ts';
import { readKeptEnd } from './kept.ts';
import { OwnLines, ROTATE_BYTES } from './own-lines.ts';
import type { FilePaths } from './paths.ts';
import { idIn, idOfReport } from './report-names.ts';
import { keepNewest, putReport, readReport, readReports, removeReport } from './reports.ts';
import { uidWriter } from '../writers.ts';

/** The longest report that is read, in bytes. */
const LONGEST_REPORT = 8 * 1024 * 1024;

/** How much is read of all interventions, and of all proposals; each user has a fair share of it. */
const BOUNDS = { total: 32 * 1024 * 1024, most: 2000, longest: 2 * ROTATE_BYTES };

/**
 * The shortest and the longest record, in characters: without them a file of empty lines would fill the memory, and one
 * line could be as long as the file.
 */
const SHORTEST_RECORD = 64;
const LONGEST_RECORD = 1024 * 1024;

/** After how many checkpoints of a process the oldest ones are looked for and removed. */
const PRUNE_EVERY = 256;

/**
 * What one executor keeps: each report in a file, its interventions and its proposals one a line in files of its own.
 */
export function fileShelf(paths: FilePaths, executorId: string): Shelf {
  const { root } = paths;
  let saved = 0;
  const interventions = new OwnLines(executorId);
  const proposals = new OwnLines(executorId);
  const append = (folder: string, lines: OwnLines, texts: readonly string[]): Promise<void> =>
    inFolderMade(root, folder, (open) => lines.append(open, texts));
  return {
    appendInterventions: (texts) => append(paths.interventions, interventions, texts),
    appendProposals: (texts) => append(paths.proposals, proposals, texts),
    async put(name, id, text) {
      await putReport({ root, folder: paths[name] }, id, JSON.stringify({ id, text }));
      if (name === 'checkpoints' && saved++ % PRUNE_EVERY === 0)
        await keepNewest({ root, folder: paths.checkpoints }, KEPT_CHECKPOINTS);
    },
    async get(name, id) {
      const kept = await readReport({ root, folder: paths[name] }, id, LONGEST_REPORT);
      if (kept === null) return null;
      return 'text' in kept ? textOf(kept.text) : unreadable(kept.problem);
    },
    remove: (name, id) => removeReport({ root, folder: paths[name] }, id),
  };
}

/**
 * What all executors have kept. For what cannot be read there is a text that is no report; its parser counts it as
 * unreadable.
 * @param admit called before anything is read; throws once the connection has been closed
 */
export const fileShelfReader = (paths: FilePaths, admit: () => void): ShelfReader => ({
  async interventions(limit) {
    admit();
    return lastLines(paths.root, paths.interventions, limit);
  },
  async proposals(limit) {
    admit();
    return lastLines(paths.root, paths.proposals, limit);
  },
  async all(name) {
    admit();
    const { reports, left, problem } = await readReports(
      { root: paths.root, folder: paths[name] },
      {
        longest: LONGEST_REPORT,
        ...(name === 'checkpoints' && { most: 2 * KEPT_CHECKPOINTS }),
      },
    );
    const found = reports.map(({ name: file, kept }): KeptText & { readonly id: string } =>
      'text' in kept
        ? { id: idIn(kept.text, file), text: textOf(kept.text), writer: uidWriter(kept.owner) }
        : { id: idOfReport(file), text: unreadable(kept.problem) },
    );
    const problems = [problem, leftOut(paths[name], left)].filter((each) => each !== null);
    return problems.length === 0 ? found : [...found, { id: paths[name], text: unreadable(problems.join('; ')) }];
  },
});

/** The last records of all files, within the bounds, and what could not be read or was left out. */
async function lastLines(root: string, folder: string, limit: number): Promise<KeptLists> {
  const lines: KeptText[] = [];
  const problems: string[] = [];
  const most = Math.min(limit, KEPT_INTERVENTIONS);
  await inFolder(root, folder, async (open) => {
    const { shares, problem } = await fairShares(open, { ending: '.jsonl', bounds: BOUNDS });
    const left: { owner: number; left: number }[] = [];
    for (const share of shares) {
      const ends = fileEnds(share, BOUNDS);
      left.push({ owner: share.owner, left: share.count - ends.length });
      for (const { name, end } of ends) {
        const kept = await readKeptEnd(open, name, end);
        if (kept === null) continue;
        if ('problem' in kept) problems.push(kept.problem);
        else {
          const writer = uidWriter(kept.owner);
          lines.push(...lastRecords(kept.text, { most, cut: kept.cut }).map((text) => ({ text, writer })));
        }
      }
    }
    problems.push(...[problem, leftOut(open.path, left)].filter((each) => each !== null));
  }).catch((error: unknown) => problems.push(messageOf(error)));
  return { texts: lines, problems };
}

/** The last lines of a text: at most `most`, and no more than there can be records in it. */
function lastRecords(text: string, { most, cut }: { readonly most: number; readonly cut: boolean }): string[] {
  const lines: string[] = [];
  const room = Math.min(most, Math.ceil(text.length / SHORTEST_RECORD));
  let end = text.length;
  while (end > 0 && lines.length < room) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    if (start === 0 && cut) break; // the beginning of this line was not read
    if (end - start > LONGEST_RECORD) lines.push(unreadable(`a record of ${end - start} characters`));
    else if (end > start) lines.push(text.slice(start, end));
    end = start - 1;
  }
  if (cut && lines.length < most)
    lines.push(unreadable('there is too much to read all of it: older records were left out'));
  return lines;
}

const unreadable = (problem: string): string => `(${problem})`;

/** The text of a report; of an unreadable one all of it, which its parser counts as unreadable. */
const textOf = (kept: string): string => {
  const text = jsonMember(kept, 'text');
  return typeof text === 'string' ? text : kept;
};
