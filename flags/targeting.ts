import { FlagdCore } from '@openfeature/flagd-core';
import { MODE_FLAG } from './catalogue.ts';
import { isMode, MODES, type Mode, SAFE_MODE } from './modes.ts';
import type { Entry } from './state.ts';

/** Every mode as a flagd variant of its own name. */
export const MODE_VARIANTS: Readonly<Record<Mode, Mode>> = Object.fromEntries(
  MODES.map((mode) => [mode, mode]),
) as Record<Mode, Mode>;

// One evaluator for each base mode that has targeting; it goes when its entry goes.
const evaluators = new WeakMap<Entry<'mode'>, FlagdCore>();

const evaluatorOf = (entry: Entry<'mode'>): FlagdCore => {
  let core = evaluators.get(entry);
  if (!core) {
    core = new FlagdCore();
    core.setConfigurations(
      JSON.stringify({
        flags: {
          [MODE_FLAG]: {
            state: 'ENABLED',
            variants: MODE_VARIANTS,
            defaultVariant: entry.mode,
            targeting: entry.targeting,
          },
        },
      }),
    );
    evaluators.set(entry, core);
  }
  return core;
};

/** The base mode for a context, by flagd's own evaluator; whatever is wrong with the rule is `full_stop`. */
export function evaluateTargeting(entry: Entry<'mode'>, context: Readonly<Record<string, unknown>>): Mode {
  try {
    const { value } = evaluatorOf(entry).resolveStringEvaluation(MODE_FLAG, SAFE_MODE, context as never);
    return isMode(value) ? value : SAFE_MODE;
  } catch {
    return SAFE_MODE; // every way for a rule to fail is the safe value: this is the decision, not a swallowed error
  }
}
