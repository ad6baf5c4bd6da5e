import { AUTONOMY_FLAG_PREFIX, CATALOGUE, FEATURE_FLAG_PREFIX, LIMIT_FLAG_PREFIX, MODE_FLAG } from './catalogue.ts';
import { compileMode, unidentifiedConditions } from './compile-mode.ts';
import { isSameForAll } from './feature-stage.ts';
import { stageRule } from './feature-targeting.ts';
import { invalid } from './errors.ts';
import { type FlagdDefinition, type FlagdFlag, SCHEMA_URL } from './flagd-schema.ts';
import { type Condition, firstOf, is, type JsonLogic, not, or, variable } from './json-logic.ts';
import { isOfOtherKind } from './rule-kinds.ts';
import { ordinaryFlags } from './ordinary-flags.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES, type FeatureStage } from './stages.ts';
import type { Entry } from './entries.ts';
import type { State } from './state.ts';
import { MODE_VARIANTS } from './targeting.ts';

/**
 * The flag set of every definition of the switch, also of the one that the package ships: with it as flagd's selector
 * (`flagSetId=kill-switch`) a client never gets a flag that another set has under the same key.
 */
const FLAG_SET_ID = 'kill-switch';

export interface CompileOptions {
  /** Whose switch this is: a context that names another organization is `full_stop`. Default: any may ask. */
  readonly organizationId?: string | undefined;
  /**
   * The dead man's time, in Unix seconds: from then on every flag of the switch has its safe value. Default: none, so
   * the definition never stops by itself.
   */
  readonly validUntil?: number | undefined;
}

/**
 * The state as one flagd definition that decides as `restrictionFor` does, for flagd and every client of it in every
 * language.
 *
 * Its size, and the time that one evaluation of `kill-switch.mode` takes, grow with the number of kills (with 100,000
 * ids flagd-core needed 0.4 ms, and flagd itself, which reads the rule anew each time, 25 ms), while direct resolution
 * stays flat. flagd's Go evaluator takes an attribute that is null for an absent one. Where the targeting of the base
 * mode fails for a context, the whole evaluation fails, and a client without the fail-closed hook gets its own default.
 * The metadata says `flagSetId`, `epoch`, `organization_id`, `valid_until`, which log this is (`generation`,
 * `first_generation`, `from_nothing` where it was recovered without any), and `left_out`: the app's own flags that do
 * not pass flagd's schema.
 *
 * @throws KillSwitchError INVALID_ARGUMENT for a `validUntil` that is not a whole number
 */
export function compileFlagd(state: State, options: CompileOptions = {}): FlagdDefinition {
  const { organizationId, validUntil } = options;
  if (validUntil !== undefined && !Number.isSafeInteger(validUntil)) {
    throw invalid(`validUntil is a whole number of seconds since 1970, not ${validUntil}.`);
  }
  const stops = validUntil === undefined ? [] : [isOver(validUntil)];
  const { control } = state;
  const { flags: ordinary, leftOut } = ordinaryFlags(state.flags?.definition);
  const mode = compileMode(state, stops, organizationId);
  const flags: [string, FlagdFlag][] = [
    // The default variant is what an evaluator serves that does not understand the targeting.
    [MODE_FLAG, flag(MODE_VARIANTS, CATALOGUE.mode.safeValue, mode)],
  ];
  const variantsOf = (values: readonly string[]): Record<string, string> =>
    Object.fromEntries(values.map((value) => [value, value]));
  const guarded = (variants: Record<string, unknown>, safe: string, value: string): FlagdFlag =>
    flag(variants, safe, firstOf([[or(stops), safe]], value));
  for (const [name, entry] of state.features) {
    const branches = isSameForAll(entry) ? null : stageBranches(entry, organizationId);
    const variants = variantsOf(FEATURE_STAGES);
    const chosen = firstOf([[or(stops), 'dark'], ...(branches ?? [])], branches === null ? entry.stage : 'dark');
    flags.push([FEATURE_FLAG_PREFIX + name, flag(variants, 'dark', chosen)]);
  }
  for (const [name, { value }] of state.limits) {
    flags.push([LIMIT_FLAG_PREFIX + name, guarded({ limit: value, safe: CATALOGUE.limit.safeValue }, 'safe', 'limit')]);
  }
  for (const [action, { stage }] of state.autonomy) {
    flags.push([AUTONOMY_FLAG_PREFIX + action, guarded(variantsOf(AUTONOMY_STAGES), 'human_in_the_loop', stage)]);
  }
  return {
    $schema: SCHEMA_URL,
    flags: Object.fromEntries([...ordinary, ...flags]),
    metadata: {
      flagSetId: FLAG_SET_ID,
      epoch: state.epoch,
      ...(control === undefined ? {} : generationOf(control)),
      ...(organizationId === undefined ? {} : { organization_id: organizationId }),
      ...(validUntil === undefined ? {} : { valid_until: validUntil }),
      ...(leftOut.length === 0 ? {} : { left_out: leftOut.join(', ') }),
    },
  };
}

/**
 * The generation of the log, and the first generation of its control plane. `from_nothing`: it was recovered without
 * any log, so any older generation could be its own.
 */
function generationOf({ generation, generations, recovered }: Entry<'control'>): Record<string, string | boolean> {
  const first = generations[0] ?? generation;
  return { generation, first_generation: first, ...(recovered && first === generation && { from_nothing: true }) };
}

/** The answers of a feature's rule, as `stageFor` gives them; whatever else it answers is `dark`. */
function stageBranches(
  entry: Entry<'feature'>,
  organizationId: string | undefined,
): Array<readonly [Condition, FeatureStage]> {
  const { rule, value, attributes } = stageRule(entry);
  return [
    ...unidentifiedConditions(organizationId).map((stop) => [stop, 'dark'] as const),
    ...[...attributes].map(([name, kinds]) => [isOfOtherKind(name, kinds), 'dark'] as const),
    ...(rule === null
      ? [[true, value] as const]
      : [...FEATURE_STAGES.map((stage) => [is(rule, stage), stage] as const), [is(rule, null), value] as const]),
  ];
}

/** A flag that always serves one variant; or one whose targeting chooses, with the safe variant as the default. */
function flag(
  variants: Readonly<Record<string, unknown>>,
  safe: string | number,
  chosen: { readonly rule: JsonLogic } | { readonly value: string },
): FlagdFlag {
  return 'value' in chosen
    ? { state: 'ENABLED', variants, defaultVariant: chosen.value }
    : { state: 'ENABLED', variants, defaultVariant: String(safe), targeting: chosen.rule };
}

/** The dead man: true when `validUntil` has passed, and also when the evaluator does not know the time. */
function isOver(validUntil: number): Condition {
  const now = variable('$flagd.timestamp');
  return or([{ '>=': [now, validUntil] }, not(now)]);
}
