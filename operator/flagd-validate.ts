import { isJsonObject } from '../flags/json-object.ts';
import { endOf } from './dead-man.ts';
import {
  type DefinitionProblem,
  definitionProblems,
  type FlagRow,
  flagRow,
  MODE_FLAG,
  messageOf,
  quoteId,
  variableProblem,
} from '../flags/index.ts';

/**
 * A problem of a definition. `error`: flagd would refuse it, or it does not stop anything. `warning`: it stops less
 * surely than it could.
 */
export interface FlagdProblem extends DefinitionProblem {
  readonly severity: 'error' | 'warning';
}

/** The result of `flagd validate` for one definition. */
export interface FlagdValidation {
  /** No problem is an error. */
  readonly ok: boolean;
  readonly problems: readonly FlagdProblem[];
  /** The keys of indispensable kill-switch flags that are missing. */
  readonly missing: readonly string[];
  /** The keys of kill-switch flags whose default allows more than their safe value. */
  readonly unsafe: readonly string[];
}

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

const NO_MODE = `${MODE_FLAG} is missing: a client that passes a careless default goes on as if nothing could stop it. Start from flags/kill-switch.flagd.json or from "kill-switch flagd export".`;

type Json = Readonly<Record<string, unknown>>;

/**
 * Checks the text of a flagd definition by flagd's own schema, and then as a kill switch: whether `kill-switch.mode` is
 * there, whether every kill-switch flag has valid values only, and what happens after `now` (wall time in milliseconds)
 * when nobody renews the definition. Never throws.
 */
export function validateFlagd(text: string, now = Date.now()): FlagdValidation {
  const parsed = readDefinition(text);
  if (typeof parsed === 'string') return report([{ path: '', message: parsed, severity: 'error' }], [MODE_FLAG], []);

  const { definition, problems: shape } = withNamedFlags(parsed);
  const problems: FlagdProblem[] = [
    ...shape,
    ...schemaProblems(definition).map((problem) => ({ ...problem, severity: 'error' as const })),
  ];
  const flags = asObject(definition['flags']);
  const missing = Object.hasOwn(flags, MODE_FLAG) ? [] : [MODE_FLAG];
  if (missing.length > 0) {
    problems.push({ path: '/flags', message: NO_MODE, severity: 'error' });
  }
  const unsafe: string[] = [];
  for (const [key, value] of Object.entries(flags)) {
    if (!key.startsWith('kill-switch.')) continue;
    const found = checkFlag(key, asObject(value), now);
    problems.push(...found.problems, ...unevenShares(asObject(value)['targeting'], `${pointer(key)}/targeting`));
    if (found.unsafe) unsafe.push(key);
  }
  const leftOut = asObject(definition['metadata'])['left_out'];
  if (leftOut !== undefined) {
    const message = `the export left out flags of the app that do not pass flagd's schema: ${JSON.stringify(leftOut)}`;
    problems.push({ path: '/metadata/left_out', message, severity: 'warning' });
  }
  return report(problems, missing, unsafe);
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

function withoutMissing<T extends FlagdValidation>(result: T): T {
  if (result.missing.length === 0) return result;
  const problems = result.problems.filter(({ message }) => message !== NO_MODE);
  // A file that cannot be parsed keeps the problem that says so.
  return { ...result, ...report(problems, [], result.unsafe) };
}

function sharedFlags(files: readonly FlagdFile[]): SharedFlag[] {
  const owners = new Map<string, { readonly file: string; readonly set: string }[]>();
  for (const { file, text } of files) {
    const parsed = readDefinition(text);
    if (typeof parsed === 'string') continue;
    const { definition } = withNamedFlags(parsed);
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

const report = (problems: readonly FlagdProblem[], missing: readonly string[], unsafe: readonly string[]) => ({
  ok: problems.every(({ severity }) => severity !== 'error'),
  problems: problems.map((problem) => ({ ...problem, path: short(problem.path), message: short(problem.message) })),
  missing,
  unsafe,
});

/** The definition, or a sentence that says why it cannot be read. */
function readDefinition(text: string): Json | string {
  if (text.trim() === '') return 'The definition is empty: flagd would refuse it and go on with the one before.';
  if (text.startsWith('\uFEFF'))
    return 'The definition begins with a byte order mark, which flagd cannot read: save it as plain UTF-8.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return `The definition is not JSON: ${messageOf(error)}. flagd would refuse it, and go on with the one before, unless the file's name ends in .yaml or .yml: YAML can only be checked as JSON.`;
  }
  return isJsonObject(parsed) ? parsed : 'The definition must be a JSON object with "flags".';
}

/** flagd itself also reads `flags` as a list of flags with a `key` each. */
function withNamedFlags(definition: Json): { readonly definition: Json; readonly problems: FlagdProblem[] } {
  const { flags } = definition;
  if (!Array.isArray(flags)) return { definition, problems: [] };
  const message = 'is a list: flagd reads it, but in-process clients do not. Use an object with the keys as names.';
  const named = flags.map((flag, index) => {
    const { key } = asObject(flag);
    return [typeof key === 'string' ? key : String(index), flag];
  });
  return {
    definition: { ...definition, flags: Object.fromEntries(named) },
    problems: [{ path: '/flags', message, severity: 'warning' }],
  };
}

/**
 * The problems that flagd's schema and evaluator find. Where they do not name the flag, each flag is checked by itself.
 */
function schemaProblems(definition: Json): DefinitionProblem[] {
  const problems = definitionProblems(JSON.stringify(definition));
  if (problems.every(({ path }) => path !== '')) return problems;
  const located = Object.entries(asObject(definition['flags'])).flatMap(([key, flag]) =>
    definitionProblems(JSON.stringify({ ...definition, flags: Object.fromEntries([[key, flag]]) })).map(
      ({ path, message }) => ({ path: path || pointer(key), message }),
    ),
  );
  return located.length > 0 ? located : problems;
}

/** The JSON pointer of a flag. */
const pointer = (key: string): string => `/flags/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

function checkFlag(
  key: string,
  flag: Json,
  now: number,
): { readonly problems: FlagdProblem[]; readonly unsafe: boolean } {
  const problems: FlagdProblem[] = [];
  const path = pointer(key);
  const say = (severity: FlagdProblem['severity'], member: string, message: string): void =>
    void problems.push({ path: path + member, message, severity });
  const row = flagRow(key)?.row;
  if (!row) {
    say('warning', '', 'is no flag of the switch, and nothing will ask for it; is it misspelt?');
    return { problems, unsafe: false };
  }
  const grave = row.kind === 'mode' ? 'error' : 'warning';
  const safe = JSON.stringify(row.safeValue);
  const variants = asObject(flag['variants']);
  for (const [name, value] of Object.entries(variants)) {
    if (!row.isValid(value)) say('error', `/variants/${name}`, `${quoteId(value)} is not ${MEANINGS[row.kind]}`);
  }
  if (flag['state'] === 'DISABLED') {
    say(grave, '/state', `is DISABLED: a client gets its own default, and one with the fail-closed hook gets ${safe}`);
  }
  const disagreement = variableProblem(flag['targeting']);
  if (disagreement !== null) say('warning', '/targeting', `is a rule that ${disagreement}`);
  const variant = flag['defaultVariant'];
  if (typeof variant !== 'string' || !Object.hasOwn(variants, variant)) {
    say(grave, '/defaultVariant', `is missing: without it a client gets its own default; name a variant of ${safe}`);
    return { problems, unsafe: false };
  }
  // A limit has no looser default: it only lowers the one in code.
  if (row.kind === 'limit' || !row.isValid(variants[variant])) return { problems, unsafe: false };
  const unsafe = variants[variant] !== row.safeValue;
  if (unsafe || flag['targeting'] !== undefined) {
    const problem = deadManProblem(endOf(flag, row.safeValue), now);
    if (problem !== null) say('warning', '/targeting', problem);
  }
  if (unsafe) {
    const given = JSON.stringify(variants[variant]);
    say('warning', '/defaultVariant', `gives ${given} wherever targeting does not answer; the safe value is ${safe}`);
  }
  return { problems, unsafe };
}

/**
 * Problems of `fractional` rules by an attribute that a context may lack. Measured with flagd 0.16 and flagd-core 4.0:
 * for a context without the attribute, but with a targeting key, flagd uses the key, and flagd-core returns nothing;
 * inside a `cat` each inserts another text.
 */
function unevenShares(rule: unknown, path: string): FlagdProblem[] {
  if (typeof rule !== 'object' || rule === null) return [];
  const found = Object.entries(rule).flatMap(([name, value]) =>
    unevenShares(value, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  const shares = isJsonObject(rule) ? rule['fractional'] : undefined;
  const attribute = Array.isArray(shares) && !Array.isArray(shares[0]) ? bareVariable(shares[0]) : null;
  if (attribute === null) return found;
  const [name, fallback] = [JSON.stringify(attribute), JSON.stringify({ var: [attribute, 'none'] })];
  const message = `shares out by ${name}: for a context without it flagd itself (rpc) goes by the targeting key, or by another text, and may say live where an in-process client says full_stop; give it a fallback: ${fallback}`;
  return [{ path: `${path}/fractional`, message, severity: 'warning' }, ...found];
}

/** The first attribute in a rule without a fallback that flagd does not set itself; null where there is none. */
function bareVariable(rule: unknown): string | null {
  if (typeof rule !== 'object' || rule === null) return null;
  for (const [name, value] of Object.entries(rule)) {
    const [attribute, fallback] = [value].flat() as unknown[];
    const isBare = name === 'var' && typeof attribute === 'string' && (fallback ?? null) === null;
    if (isBare && !attribute.startsWith('$flagd.')) return attribute;
    const inner = bareVariable(value);
    if (inner !== null) return inner;
  }
  return null;
}

const NO_DEAD_MAN =
  'has no dead man: when whoever writes this definition is dead or cut off, clients go on with it for ever; "kill-switch flagd export --watch FILE" keeps a file that ends by itself';

const MEANINGS: Readonly<Record<FlagRow['kind'], string>> = {
  mode: 'a mode: live, approval_gated, test_mode, draft_only, read_only, paused or full_stop',
  feature: 'a stage of a feature: dark, shadow, gated or live',
  limit: 'a limit: a finite number that is not negative',
  autonomy: 'a stage of autonomy: human_in_the_loop, human_on_the_loop, autonomous or trusted',
};

/** In milliseconds. An export that nobody renews ends within seconds: a later end than this is no export's. */
const FAR_MS = 86_400_000;

/** What is wrong with the second at which a flag stops by itself, or null. */
function deadManProblem(end: number | null, now: number): string | null {
  if (end === null) return NO_DEAD_MAN;
  const inMs = end * 1000 - now;
  if (inMs <= FAR_MS) return null;
  return `has a dead man that is due in ${Math.floor(inMs / FAR_MS)} days: when whoever writes this definition is dead or cut off, clients go on with it until then`;
}

/** The longest text that is shown; values may have megabytes. */
const SHOWN = 1000;

const short = (text: string): string =>
  text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;

const asObject = (value: unknown): Json => (isJsonObject(value) ? value : {});
