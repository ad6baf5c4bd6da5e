import { isJsonObject } from './json-object.ts';
import { definitionProblems, type FlagdFlag } from './flagd-schema.ts';

/** The app's own flags, ready to stand beside those of the switch. */
export interface OrdinaryFlags {
  readonly flags: ReadonlyArray<readonly [string, FlagdFlag]>;
  /** The keys of the flags that are left out: flagd could not read them, or their names belong to the switch. */
  readonly leftOut: readonly string[];
}

const NONE: OrdinaryFlags = { flags: [], leftOut: [] };
const known = new WeakMap<object, OrdinaryFlags>();

/**
 * The flags of a definition that are sound, each by itself. flagd refuses a whole definition for one bad flag, and goes
 * on with the old one, so a mistake of the app's would keep a kill from arriving. Each shared rule is copied to where
 * it is referred to, and the metadata of the set into each flag.
 */
export function ordinaryFlags(definition: Readonly<Record<string, unknown>> | undefined): OrdinaryFlags {
  if (!definition) return NONE;
  let result = known.get(definition);
  if (!result) {
    result = readFlags(definition);
    known.set(definition, result);
  }
  return result;
}

function readFlags(definition: Readonly<Record<string, unknown>>): OrdinaryFlags {
  const evaluators = asObject(definition['$evaluators']);
  const setMetadata = asObject(definition['metadata']);
  const flags: [string, FlagdFlag][] = [];
  const leftOut: string[] = [];
  for (const [key, value] of Object.entries(asObject(definition['flags']))) {
    const flag = readFlag(asObject(value), evaluators, setMetadata);
    if (!key.startsWith('kill-switch.') && isSound(flag, key)) flags.push([key, flag]);
    else leftOut.push(key);
  }
  return { flags, leftOut };
}

const isSound = (flag: unknown, key: string): flag is FlagdFlag =>
  definitionProblems(JSON.stringify({ flags: Object.fromEntries([[key, flag]]) })).length === 0;

/** Only the members that flagd knows: its Go decoder fails on some others where they have the wrong type. */
function readFlag(
  flag: Readonly<Record<string, unknown>>,
  evaluators: Readonly<Record<string, unknown>>,
  setMetadata: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { state, variants, defaultVariant, targeting } = flag;
  const metadata = { ...setMetadata, ...asObject(flag['metadata']) };
  return {
    state,
    variants,
    ...(defaultVariant === undefined || defaultVariant === null ? {} : { defaultVariant }),
    ...(targeting === undefined || targeting === null ? {} : { targeting: inline(targeting, evaluators, []) }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

/**
 * `{ "$ref": NAME }` replaced by the shared rule of that name. flagd replaces it as text in the whole definition; here
 * no name of the app's can reach into the switch's flags.
 */
function inline(value: unknown, evaluators: Readonly<Record<string, unknown>>, within: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => inline(item, evaluators, within));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === '$ref' && typeof first[1] === 'string') {
    const name = first[1];
    if (Object.hasOwn(evaluators, name) && !within.includes(name)) {
      return inline(evaluators[name], evaluators, [...within, name]);
    }
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, inline(item, evaluators, within)]));
}

const asObject = (value: unknown): Readonly<Record<string, unknown>> => (isJsonObject(value) ? value : {});
