import { closest } from '../../flags/closest.ts';
import { VERBS } from './verbs.ts';

/** What people type for a verb that has another name here. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  init: ['create', 'new', 'setup', 'install', 'begin'],
  recover: ['repair', 'reset', 'accept'],
  kill: ['stop', 'halt', 'block', 'disable', 'abort', 'terminate', 'shutdown', 'off'],
  pause: ['suspend', 'freeze', 'hold', 'wait'],
  restrict: ['tighten', 'degrade', 'reduce'],
  revive: [
    ...['unkill', 'unstop', 'unpause', 'unrestrict', 'unblock', 'unfreeze', 'resume', 'restore', 'lift', 'release'],
    ...['start', 'enable', 'continue', 'undo', 'restart', 'on'],
  ],
  'rule add': ['forbid', 'schedule'],
  check: ['ask', 'allowed', 'can', 'test'],
  explain: ['why', 'reason'],
  status: ['show', 'info', 'state', 'overview', 'ls', 'list'],
  watch: ['follow', 'tail'],
  log: ['logs', 'events', 'history', 'audit'],
  'log verify': ['verify', 'check-log'],
  'executors forget': ['forget', 'deregister'],
  'flagd export': ['export'],
  'flagd import': ['import'],
  'flagd validate': ['validate', 'lint'],
  'redis acl': ['acl'],
  doctor: ['diagnose', 'health', 'preflight'],
};

const verbOf = new Map(Object.entries(OTHER_WORDS).flatMap(([verb, words]) => words.map((word) => [word, verb])));

/**
 * The verb that was probably meant by a first word that is none. Words that mean the opposite of what they look like
 * (`unkill`) are looked up before any likeness counts.
 */
export function verbMeant(word: string): string | undefined {
  const known = verbOf.get(word.toLowerCase());
  if (known !== undefined) return known;
  const firsts = new Set(VERBS.map(({ name }) => name.split(' ')[0] ?? ''));
  const near = closest(word, [...firsts, ...verbOf.keys()]);
  return near === undefined ? undefined : (verbOf.get(near) ?? near);
}
