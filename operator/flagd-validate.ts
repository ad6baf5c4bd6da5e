import { type DefinitionProblem, definitionProblems, MODE_FLAG } from '../flags/index.ts';
import { checkFlag } from './flagd-check-flag.ts';
import { asObject, type FlagdProblem, type Json, pointer, readDefinition } from './flagd-text.ts';

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

const NO_MODE = `${MODE_FLAG} is missing: a client that passes a careless default goes on as if nothing could stop it. Start from flags/kill-switch.flagd.json or from "kill-switch flagd export".`;

/**
 * Checks the text of a flagd definition by flagd's own schema, and then as a kill switch: whether `kill-switch.mode` is
 * there, whether every kill-switch flag has valid values only, and what happens after `now` (wall time in milliseconds)
 * when nobody renews the definition. Never throws.
 */
export function validateFlagd(text: string, now = Date.now()): FlagdValidation {
  const { definition, problems: read } = readDefinition(text);
  if (definition === null) return report(read, [MODE_FLAG], []);

  const problems: FlagdProblem[] = [
    ...read,
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
    problems.push(...found.problems);
    if (found.unsafe) unsafe.push(key);
  }
  const leftOut = asObject(definition['metadata'])['left_out'];
  if (leftOut !== undefined) {
    const message = `the export left out flags of the app that do not pass flagd's schema: ${JSON.stringify(leftOut)}`;
    problems.push({ path: '/metadata/left_out', message, severity: 'warning' });
  }
  return report(problems, missing, unsafe);
}

/** The result without the complaint that `kill-switch.mode` is missing: another file of the same flagd has it. */
export function withoutMissing<T extends FlagdValidation>(result: T): T {
  if (result.missing.length === 0) return result;
  const problems = result.problems.filter(({ message }) => message !== NO_MODE);
  // A file that cannot be parsed keeps the problem that says so.
  return { ...result, ...report(problems, [], result.unsafe) };
}

const report = (problems: readonly FlagdProblem[], missing: readonly string[], unsafe: readonly string[]) => ({
  ok: problems.every(({ severity }) => severity !== 'error'),
  problems: problems.map((problem) => ({ ...problem, path: short(problem.path), message: short(problem.message) })),
  missing,
  unsafe,
});

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

/** The longest text that is shown; values may have megabytes. */
const SHOWN = 1000;

const short = (text: string): string =>
  text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
