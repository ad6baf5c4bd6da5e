import { autonomyFlag, type Entry, featureFlag, limitFlag, MODE_FLAG, type State } from '../flags/index.ts';
import { ordinaryFlags } from '../flags/ordinary-flags.ts';

type Definition = Entry<'flags'>['definition'] | undefined;

/**
 * The keys of the flags whose answers may differ, now that these entries of the state have changed. `before` is the
 * former definition of the app's own flags.
 */
export function changedFlags(entryKeys: readonly string[], state: State, before: Definition): string[] {
  const changed = new Set<string>();
  for (const entryKey of entryKeys) {
    const colon = entryKey.indexOf(':');
    const kind = colon < 0 ? entryKey : entryKey.slice(0, colon);
    const name = entryKey.slice(colon + 1);
    switch (kind) {
      case 'feature':
        changed.add(featureFlag(name)).add(MODE_FLAG);
        break;
      case 'limit':
        changed.add(limitFlag(name));
        break;
      case 'autonomy':
        changed.add(autonomyFlag(name)).add(MODE_FLAG);
        break;
      case 'flags':
        for (const key of changedOrdinaryFlags(before, state.flags?.definition)) changed.add(key);
        break;
      case 'control': // the whole state is another one
        changed.add(MODE_FLAG);
        for (const feature of state.features.keys()) changed.add(featureFlag(feature));
        for (const limit of state.limits.keys()) changed.add(limitFlag(limit));
        for (const action of state.autonomy.keys()) changed.add(autonomyFlag(action));
        break;
      default:
        changed.add(MODE_FLAG);
    }
  }
  return [...changed];
}

function changedOrdinaryFlags(before: Definition, after: Definition): string[] {
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}

const texts = (definition: Definition): ReadonlyMap<string, string> =>
  new Map(ordinaryFlags(definition).flags.map(([key, flag]) => [key, JSON.stringify(flag)]));
