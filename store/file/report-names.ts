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

/** What follows an id where nobody is to foresee the name; no id has a full stop in its file name. */
const RANDOM = /\.[0-9a-f]{24}$/;

/** A name for a file of that id that nobody can foresee, without its ending. */
export const randomName = (id: string): string => `${fileName(id)}.${randomBytes(12).toString('hex')}`;

/** The first name of a report: anybody who knows the id knows it too. */
export const nameOf = (id: string): string => fileName(id) + ENDING;

const stemOf = (name: string): string => name.slice(0, -ENDING.length).replace(RANDOM, '');

/** The id that a report is shown under: of a name that this package would not give, the name itself. */
export function idOfReport(name: string): string {
  const stem = stemOf(name);
  const id = idOfFileName(stem);
  return textProblem(id) === null && fileName(id) === stem ? id : name.slice(0, -ENDING.length);
}

/**
 * Whose report it is: the file's name says so, and where that was cut to fit the file system the report does, if it is
 * the one that belongs there.
 */
export function idIn(text: string, name: string): string {
  const id = idOfReport(name);
  if (!id.includes('~')) return id;
  const given = jsonMember(text, 'id');
  return typeof given === 'string' && textProblem(given) === null && fileName(given) === stemOf(name) ? given : id;
}

/** True for what is shown as an id and is the name of a file that this package would not make. */
export const isForeignName = (stem: string): boolean =>
  basename(stem) === stem && Buffer.byteLength(stem) <= 250 && idOfReport(stem + ENDING) === stem;

/** True in a folder in which others than its owner may write: only there can somebody else have taken a name. */
export const isShared = ({ self }: OpenFolder): boolean => (statSync(self).mode & 0o022) !== 0;

/** So many names are looked through for the other names of one report. */
const MOST_NAMES = { names: 200_000, files: 1000 };

/** All other names that reports of this id have. Others may have made them, too. */
export async function otherNames(open: OpenFolder, id: string): Promise<readonly { name: string; owner: number }[]> {
  const walk = new Walk(open, `${fileName(id)}.`, ENDING);
  try {
    return (await walk.next(open, MOST_NAMES)).filter(({ name }) => RANDOM.test(name.slice(0, -ENDING.length)));
  } finally {
    walk.close();
  }
}

/**
 * The names under which this user has put a report of this id, the newest first: others may have taken the first name,
 * or may have left it since.
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

/** The name under which this user puts a report of this id: the first one, unless somebody else has taken it. */
export async function ownName(open: OpenFolder, id: string): Promise<string> {
  const first = nameOf(id);
  const found = lstatSync(open.at(first), { throwIfNoEntry: false });
  if (!found || isOwn(found.uid) || !isShared(open)) return first;
  return (await ownNames(open, id))[0] ?? randomName(id) + ENDING;
}
