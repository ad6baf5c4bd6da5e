import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FOLDS } from '../../flags/index.ts';
import { VERBS } from '../../operator/cli/verbs.ts';
import { root } from '../../scripts/prepare.mjs';
import { OWN_KEYS, RUN_KEYS, SHARED_KEYS } from '../../store/redis/keys.ts';

// What docs/upgrading.md says is new since 0.1 is all that is. The lists are what 0.1.0 had.

const OLD_EVENTS = 'init recover kill second revive expire mode feature limit autonomy flags snapshot';
const OLD_VERBS = [
  ...['init', 'recover', 'kill', 'pause', 'restrict', 'revive', 'mode', 'feature', 'limit', 'autonomy', 'status'],
  ...['watch', 'kills', 'features', 'limits', 'executors', 'executors forget', 'interventions', 'surfaces', 'log'],
  ...['log verify', 'flagd export', 'flagd import', 'flagd validate', 'redis acl'],
];
const OLD_KEYS = [
  ...['head', 'state', 'log', 'executor-names', 'changes', 'precedence'],
  ...['beats', 'surfaces', 'fork-reports', 'proposals', 'interventions', 'seen', 'checkpoints', 'checkpoint-times'],
];

const page = readFileSync(join(root, 'docs/upgrading.md'), 'utf8');

/** All names that one part of the page sets as code, one that begins with these words. */
const named = (words: string): readonly string[] => {
  const [, text = ''] = page.split(`**${words}**`);
  const [part = ''] = text.split('\n\n');
  return [...part.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
};

const without = (all: readonly string[], old: readonly string[]): string[] => all.filter((each) => !old.includes(each));

describe('what docs/upgrading.md names as new since 0.1', () => {
  test('is every verb that 0.1 did not have, and no old one is gone', () => {
    const verbs = VERBS.map(({ name }) => name);
    expect(named('Names that are typed.')).toEqual(expect.arrayContaining(without(verbs, OLD_VERBS)));
    expect(without(OLD_VERBS, verbs)).toEqual([]);
  });

  test('is every type of event, and no old one is gone', () => {
    const types = Object.keys(FOLDS);
    expect(named('In the log.')).toEqual(expect.arrayContaining(without(types, OLD_EVENTS.split(' '))));
    expect(without(OLD_EVENTS.split(' '), types)).toEqual([]);
  });

  test('is every key in Redis', () => {
    const runs = Object.values(RUN_KEYS).map((key) => `${key}:RUN`);
    const keys = [...Object.values(SHARED_KEYS), ...runs, ...Object.values(OWN_KEYS)];
    expect(named('In Redis.')).toEqual(expect.arrayContaining(without(keys, OLD_KEYS)));
  });
});
