import { messageOf } from '../../flags/index.ts';
import {
  KEPT_CHECKPOINTS,
  KEPT_INTERVENTIONS,
  KEPT_NOTICES,
  KEPT_PROPOSALS,
  KEPT_SEEN,
  KEPT_SHADOW,
  type KeptLists,
  type ListName,
  type KeptText,
  type Shelf,
  type ShelfReader,
} from '../ports.ts';
import { fairShares, fileEnds, leftOut } from './fair-share.ts';
import { inFolder, inFolderMade } from './folder.ts';
import { jsonMember } from './json-member.ts';
import { readKeptEnd } from './kept.ts';
import { LINES, OwnLines } from './own-lines.ts';
import type { FilePaths } from './paths.ts';
import { idIn, idOfReport } from './report-names.ts';
import { keepNewest, putReport, readReport, readReports, removeReport } from './reports.ts';
import { keysOf, tableOf } from '../../flags/table.ts';
import { uidWriter } from '../writers.ts';

/** The longest report that is read, in bytes. */
const LONGEST_REPORT = 8 * 1024 * 1024;

const MIB = 1024 * 1024;

/**
 * How an executor keeps each list: when it begins another file, in bytes, and how many of the last records are read of
 * each file at most. Two files have room for as many records as a store keeps at least.
 */
const LISTS = {
  interventions: { rotateBytes: 16 * MIB, most: KEPT_INTERVENTIONS },
  proposals: { rotateBytes: 16 * MIB, most: KEPT_PROPOSALS },
  seen: { rotateBytes: MIB, most: KEPT_SEEN },
  notices: { rotateBytes: 16 * MIB, most: KEPT_NOTICES },
  shadow: { rotateBytes: 16 * MIB, most: KEPT_SHADOW },
} as const satisfies Readonly<Record<ListName, object>>;

/** How much is read of all lists of one kind; each user has a fair share of it. */
const BOUNDS = { total: 32 * MIB, most: 2000 };

/** How long a file of what was seen stays after its last record. */
const SEEN_FOR_MS = 2 * 86_400_000;

/**
 * The shortest and the longest record, in characters: without them a file of empty lines would fill the memory, and one
 * line could be as long as the file.
 */
const SHORTEST_RECORD = 64;
const LONGEST_RECORD = 1024 * 1024;

/** After how many checkpoints of a process the oldest ones are looked for and removed. */
const PRUNE_EVERY = 256;

/** What one executor keeps: each report in a file, and its lists one record a line in files of its own. */
export function fileShelf(paths: FilePaths, executorId: string): Shelf {
  const { root } = paths;
  let saved = 0;
  const lines = tableOf(keysOf(LISTS), (name) => new OwnLines(executorId, LISTS[name].rotateBytes));
  const append = (name: ListName, texts: readonly string[]): Promise<boolean> =>
    inFolderMade(root, paths[name], (open) => lines[name].append(open, texts));
  return {
    appendInterventions: async (texts) => void (await append('interventions', texts)),
    appendProposals: async (texts) => void (await append('proposals', texts)),
    appendNotices: async (texts) => void (await append('notices', texts)),
    appendShadow: async (texts) => void (await append('shadow', texts)),
    async appendSeen(texts) {
      const hasBegun = await append('seen', texts);
      // Executors that have ended leave files, which only others of their user may remove. These records are written
      // by now, so what goes wrong here is no failure of theirs.
      if (hasBegun)
        await keepNewest({ root, folder: paths.seen }, { most: BOUNDS.most, forMs: SEEN_FOR_MS, ending: LINES }).catch(
          () => {},
        );
    },
    async put(name, id, text) {
      await putReport({ root, folder: paths[name] }, id, JSON.stringify({ id, text }));
      if (name === 'checkpoints' && saved++ % PRUNE_EVERY === 0)
        await keepNewest({ root, folder: paths.checkpoints }, { most: KEPT_CHECKPOINTS });
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
  ...tableOf(keysOf(LISTS), (name) => async (limit: number) => {
    admit();
    return lastLines(paths, name, limit);
  }),
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
async function lastLines(paths: FilePaths, name: ListName, limit: number): Promise<KeptLists> {
  const lines: KeptText[] = [];
  const problems: string[] = [];
  const list = LISTS[name];
  const most = Math.min(limit, list.most);
  const bounds = { ...BOUNDS, longest: 2 * list.rotateBytes };
  await inFolder(paths.root, paths[name], async (open) => {
    const { shares, problem } = await fairShares(open, { ending: LINES, bounds });
    const left: { owner: number; left: number }[] = [];
    for (const share of shares) {
      const ends = fileEnds(share, bounds);
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
