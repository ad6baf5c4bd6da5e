import { type FlagRow, flagRow, quoteId, ruleProblem, withoutOwnConditions } from '../flags/index.ts';
import { isJsonObject } from '../flags/json-object.ts';
import { endOf } from './dead-man.ts';
import { asObject, type FlagdProblem, type Json, pointer } from './flagd-text.ts';

/** What is wrong with one flag of the switch. */
export interface FlagCheck {
  readonly problems: readonly FlagdProblem[];
  /** True when its default allows more than its safe value. */
  readonly unsafe: boolean;
}

/**
 * Checks one kill-switch flag as a switch: whether its values are valid, and what happens after `now` (wall time in
 * milliseconds) when nobody renews its definition.
 */
export function checkFlag(key: string, flag: Json, now: number): FlagCheck {
  const { problems, unsafe } = ownProblems(key, flag, now);
  return { problems: [...problems, ...unevenShares(flag['targeting'], `${pointer(key)}/targeting`)], unsafe };
}

function ownProblems(key: string, flag: Json, now: number): FlagCheck {
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
  const disagreement = ruleProblem(withoutOwnConditions(flag['targeting']));
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
