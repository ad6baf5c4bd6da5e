import { randomBytes } from 'node:crypto';
import { lstatSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { textProblem } from '../../flags/index.ts';
import type { OpenFolder } from './folder.ts';
import { jsonMember } from './json-member.ts';
import { isOwn } from './kept.ts';
import { fileName, idOfFileName } from './paths.ts';
import { Walk } from './walk.ts';

export const ENDING = '.json';

/** Follows the id in a name that nobody can foresee. No id has a full stop in its file name. */
const RANDOM = /\.[0-9a-f]{24}$/;

/** A name that nobody can foresee for a file of this id, without its ending. */
export const randomName = (id: string): string => `${fileName(id)}.${randomBytes(12).toString('hex')}`;

/** The first name of a report. Anybody who knows the id can foresee it. */
export const nameOf = (id: string): string => fileName(id) + ENDING;

const stemOf = (name: string): string => name.slice(0, -ENDING.length).replace(RANDOM, '');

/** The id that a report is shown under; for a name that this package would not give, the name itself. */
export function idOfReport(name: string): string {
  const stem = stemOf(name);
  const id = idOfFileName(stem);
  return textProblem(id) === null && fileName(id) === stem ? id : name.slice(0, -ENDING.length);
}

/**
 * The id of a report, by the file's name. Where that was cut to fit the file system, by the report itself, if its id
 * would give this name.
 */
export function idIn(text: string, name: string): string {
  const id = idOfReport(name);
  if (!id.includes('~')) return id;
  const given = jsonMember(text, 'id');
  return typeof given === 'string' && textProblem(given) === null && fileName(given) === stemOf(name) ? given : id;
}

/** True for an id that is shown for a file whose name this package would not give. */
export const isForeignName = (stem: string): boolean =>
  basename(stem) === stem && Buffer.byteLength(stem) <= 250 && idOfReport(stem + ENDING) === stem;

/** True for a folder in which others than its owner may write: only there can another user have taken a name. */
export const isShared = ({ self }: OpenFolder): boolean => (statSync(self).mode & 0o022) !== 0;

/** How many names are looked at for the other names of one report. */
const MOST_NAMES = { names: 200_000, files: 1000 };

/** All random names of reports of this id, of any user. */
export async function otherNames(open: OpenFolder, id: string): Promise<readonly { name: string; owner: number }[]> {
  const walk = new Walk(open, `${fileName(id)}.`, ENDING);
  try {
    return (await walk.next(open, MOST_NAMES)).filter(({ name }) => RANDOM.test(name.slice(0, -ENDING.length)));
  } finally {
    walk.close();
  }
}

/**
 * The names under which this user has put reports of this id, the newest first: another user may have taken the first
 * name, or given it up since.
 */
export async function ownNames(open: OpenFolder, id: string): Promise<readonly string[]> {
  const first = nameOf(id);
  if (!isShared(open)) return [first];
  const found = lstatSync(open.at(first), { throwIfNoEntry: false });
  const own = (await otherNames(open, id)).filter(({ owner }) => isOwn(owner)).map(({ name }) => name);
  if (found && isOwn(found.uid)) own.push(first);
  const changed = (name: string): number => lstatSync(open.at(name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return own
    .map((name) => ({ name, at: changed(name) }))
    .sort((a, b) => b.at - a.at)
    .map(({ name }) => name);
}

/** The name under which this user puts a report of this id: the first one, unless another user has taken it. */
export async function ownName(open: OpenFolder, id: string): Promise<string> {
  const first = nameOf(id);
  const found = lstatSync(open.at(first), { throwIfNoEntry: false });
  if (!found || isOwn(found.uid) || !isShared(open)) return first;
  return (await ownNames(open, id))[0] ?? randomName(id) + ENDING;
}
