import {
  autonomyFlag,
  type Entry,
  type EntryKey,
  entryKey,
  featureFlag,
  limitFlag,
  MODE_FLAG,
  placeOf,
  type State,
} from '../flags/index.ts';
import { ordinaryFlags } from '../flags/ordinary-flags.ts';
import type { ChangedEntries } from '../store/live-copy.ts';

type Definition = Entry<'flags'>['definition'] | undefined;

/**
 * The keys of the flags whose answers may differ, now that these entries of the state have changed. `before` is the
 * former definition of the app's own flags.
 */
export function changedFlags(changed: ChangedEntries, state: State, before: Definition): string[] {
  const keys = changed === 'all' ? keysWithFlags(state) : changed;
  return [...new Set(keys.flatMap((key) => flagsOf(key, state, before)))];
}

/** The entries that have flags, without the kills: they may be many, and all have a part in the flag of the mode. */
const keysWithFlags = ({ features, limits, autonomy }: State): EntryKey[] => [
  entryKey('mode'),
  entryKey('flags'),
  ...[...features.keys()].map((name) => entryKey('feature', name)),
  ...[...limits.keys()].map((name) => entryKey('limit', name)),
  ...[...autonomy.keys()].map((name) => entryKey('autonomy', name)),
];

/** The flags that an entry has a part in. */
function flagsOf(key: EntryKey, state: State, before: Definition): readonly string[] {
  const [kind, name = ''] = placeOf(key);
  switch (kind) {
    case 'resolutions':
    case 'rollbacks':
    case 'control':
    case 'approval':
    case 'standing':
    case 'budget':
    case 'tripwire':
    case 'governance':
    case 'requests':
    case 'refusals':
    case 'drills':
    case 'alerts':
    case 'archive':
      return [];
    case 'lifted': // a stop that the log does not have ends with it
    case 'mode':
    case 'kill':
    case 'rule':
      return [MODE_FLAG];
    case 'flags':
      return changedOrdinaryFlags(before, state.flags?.definition);
    case 'feature':
      return [featureFlag(name), MODE_FLAG];
    case 'limit':
      return [limitFlag(name)];
    case 'autonomy':
      return [autonomyFlag(name), MODE_FLAG];
    default:
      return kind satisfies never;
  }
}

function changedOrdinaryFlags(before: Definition, after: Definition): string[] {
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}

const texts = (definition: Definition): ReadonlyMap<string, string> =>
  new Map(ordinaryFlags(definition).flags.map(([key, flag]) => [key, JSON.stringify(flag)]));
