import { asObject, type Json, readDefinition } from './flagd-text.ts';
import { type FlagdValidation, validateFlagd, withoutMissing } from './flagd-validate.ts';

/** One of the files that a flagd reads, in its order. */
export interface FlagdFile {
  readonly file: string;
  readonly text: string;
}

/** A flag that several files have. Which one flagd serves depends on the order of the files. */
export interface SharedFlag {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  /** The files that have it, in flagd's order. */
  readonly files: readonly string[];
  /** The file whose flag a client without a selector gets from flagd (rpc): the last. */
  readonly wins: string;
  readonly message: string;
}

/** The result of `flagd validate` for several definitions that one flagd serves. */
export interface FlagdFilesValidation {
  readonly ok: boolean;
  readonly files: readonly (FlagdValidation & { readonly file: string })[];
  readonly shared: readonly SharedFlag[];
}

/**
 * Checks each file as {@link validateFlagd} does, and finds flags that several files have: a later file silently
 * replaces the flag of an earlier one, with its dead man. One of the files must have `kill-switch.mode`.
 */
export function validateFlagdFiles(files: readonly FlagdFile[]): FlagdFilesValidation {
  const checked = files.map(({ file, text }) => ({ file, ...validateFlagd(text) }));
  const isServed = checked.some(({ missing }) => missing.length === 0);
  const results = checked.map((result) => (isServed ? withoutMissing(result) : result));
  const shared = sharedFlags(files);
  const ok = results.every((result) => result.ok) && shared.every(({ severity }) => severity !== 'error');
  return { ok, files: results, shared };
}

function sharedFlags(files: readonly FlagdFile[]): SharedFlag[] {
  const owners = new Map<string, { readonly file: string; readonly set: string }[]>();
  for (const { file, text } of files) {
    const { definition } = readDefinition(text);
    if (definition === null) continue;
    for (const [key, flag] of Object.entries(asObject(definition['flags']))) {
      const set = setOf(asObject(flag)) || setOf(definition);
      owners.set(key, [...(owners.get(key) ?? []), { file, set }]);
    }
  }
  return [...owners].flatMap(([key, all]) => (all.length > 1 ? [sharedFlag(key, all)] : []));
}

const setOf = (bearer: Json): string => {
  const id = asObject(bearer['metadata'])['flagSetId'];
  return typeof id === 'string' ? id : '';
};

function sharedFlag(key: string, owners: readonly { readonly file: string; readonly set: string }[]): SharedFlag {
  const sets = new Set(owners.map(({ set }) => set));
  const wins = owners.at(-1)?.file ?? '';
  const choice =
    sets.size === 1
      ? 'and no selector can tell them apart by their flag set'
      : 'and without a selector an in-process client may get another one, because their flag sets (metadata.flagSetId) differ';
  const isSwitch = key.startsWith('kill-switch.');
  const mend = isSwitch
    ? 'Take it out of all files but the one that "kill-switch flagd export" keeps'
    : 'Keep it in one of them';
  return {
    key,
    severity: isSwitch ? 'error' : 'warning',
    files: owners.map(({ file }) => file),
    wins,
    message: `is in ${owners.length} files: flagd serves the last one's, ${choice}. ${mend}.`,
  };
}
