import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { textProblem, invalid } from '../../flags/index.ts';

/** The kinds of reports: each has a folder, in which each executor writes under its own name. */
const REPORTED = [
  'beats',
  'forks',
  'surfaces',
  'checkpoints',
  'interventions',
  'proposals',
  'seen',
  'notices',
  'shadow',
  'journal',
  'approvals',
  'claims',
  'ledger',
  'stops',
] as const;

/**
 * Where one organization's switch is. What operators write and what executors write is in different folders, so that
 * file permissions can protect the former.
 */
export interface FilePaths extends Readonly<Record<(typeof REPORTED)[number], string>> {
  readonly root: string;
  /** Written by operators, read by executors. */
  readonly control: string;
  readonly log: string;
  /** Names the operator who alone may append for a moment, because a change of theirs that goes first was overtaken. */
  readonly precedence: string;
  /** How often what was refused was tried, beyond what the log says. */
  readonly attempts: string;
  /** When an operating process has last said that it runs. */
  readonly operating: string;
  /** A file that is there once an operator has made all folders in which executors report. */
  readonly made: string;
  /** What alerts need beside the log: a folder that only its owner may enter. */
  readonly alerts: string;
  /** What executors report, of all organizations: a folder that an operator makes. */
  readonly reported: string;
  /** What executors of this organization report, a folder for each kind. */
  readonly executors: string;
  /** Anchors of executors whose user has no other place for them: see default-anchor.ts. */
  readonly anchors: string;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function filePaths(root: string, organizationId: string): FilePaths {
  const name = fileName(organizationId);
  const control = join(root, 'control', name);
  const reported = join(root, 'executors');
  const executors = join(reported, name);
  const of = (kind: (typeof REPORTED)[number]): string => join(executors, kind);
  return {
    ...{ root, control, reported, executors, anchors: join(executors, 'anchors') },
    log: join(control, 'log.jsonl'),
    precedence: join(control, 'precedence'),
    attempts: join(control, 'attempts'),
    operating: join(control, 'operating'),
    made: join(control, 'folders-made'),
    alerts: join(control, 'alerts'),
    beats: of('beats'),
    forks: of('forks'),
    surfaces: of('surfaces'),
    checkpoints: of('checkpoints'),
    interventions: of('interventions'),
    proposals: of('proposals'),
    seen: of('seen'),
    notices: of('notices'),
    shadow: of('shadow'),
    journal: of('journal'),
    approvals: of('approvals'),
    claims: of('claims'),
    ledger: of('ledger'),
    stops: of('stops'),
  };
}

/** All folders in which executors report. */
export const reportFolders = (paths: FilePaths): readonly string[] => REPORTED.map((kind) => paths[kind]);

/**
 * The folder as an absolute path, so that it stays the same when the working directory changes.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function storeFolder(directory: unknown): string {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw invalid('The directory of a file store must be the path of a folder.');
  }
  return resolve(directory);
}

/** The longest name of an id. File systems take 255 bytes; the rest is for endings. */
const LONGEST = 180;

/**
 * An id as a file name: small letters, digits, `-` and `_` stand for themselves, every other byte of its UTF-8 is `%xx`
 * (capitals too, since some file systems ignore case). A name that is too long is cut, and ends in a `~`, which no
 * other name has, and a hash.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function fileName(id: string): string {
  const problem = textProblem(id);
  if (problem) throw invalid(`The id ${problem}.`);
  let name = '';
  for (const byte of Buffer.from(id, 'utf8')) {
    const character = String.fromCharCode(byte);
    name += /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }
  if (name.length <= LONGEST) return name;
  return `${name.slice(0, LONGEST - 65)}~${createHash('sha256').update(id, 'utf8').digest('hex')}`;
}

/** The id that a file name stands for; for a name that was cut, the name itself. */
export function idOfFileName(name: string): string {
  try {
    return name.includes('~') ? name : decodeURIComponent(name);
  } catch {
    return name;
  }
}
