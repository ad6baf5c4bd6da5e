import { FlagdCore, type FlagdCoreOptions } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CompileOptions,
  compileFlagd,
  definitionProblems,
  type FlagdDefinition,
  MODES,
  restrictionFor,
  State,
} from '../../flags/index.ts';
import { contextArbitrary, ODD_IDS, ODD_LINEAGES, putKill, stateArbitrary } from './arbitraries.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

function evaluator(definition: FlagdDefinition | string, options?: FlagdCoreOptions): FlagdCore {
  const core = new FlagdCore(undefined, quiet, options);
  core.setConfigurations(typeof definition === 'string' ? definition : JSON.stringify(definition));
  return core;
}

const modeOf = (core: FlagdCore, context: object): unknown =>
  core.resolveStringEvaluation('kill-switch.mode', 'caller default', context as never).value;

describe('the compiled definition, evaluated by flagd-core', () => {
  /** Compiled and direct resolution, compared; `seen` counts what was really compared. */
  function compare(mutate: (definition: string) => string, numRuns: number, options?: FlagdCoreOptions) {
    const seen = new Map<string, number>();
    const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    const details = fc.check(
      fc.property(
        stateArbitrary,
        fc.array(contextArbitrary, { minLength: 20, maxLength: 20 }),
        fc.constantFrom('default', undefined),
        (state, contexts, organizationId) => {
          const definition = JSON.stringify(compileFlagd(state, { organizationId }));
          expect(definitionProblems(definition)).toEqual([]);
          const core = evaluator(mutate(definition), options);
          for (const { context, odd } of contexts) {
            const { mode } = restrictionFor(state, context, organizationId);
            const answer = core.resolveStringEvaluation('kill-switch.mode', 'caller default', context as never);
            expect(answer).toMatchObject({ value: mode, variant: mode });
            if (odd.length > 0) expect(mode).toBe('full_stop');
            for (const name of odd.length > 0 ? odd : [mode]) count(name);
          }
        },
      ),
      { numRuns },
    );
    return { details, seen };
  }

  test.each([
    { how: 'compiled to JavaScript', options: {}, numRuns: 250 },
    { how: 'interpreted', options: { disableDynamicCodeGeneration: true }, numRuns: 80 },
  ])('answers every context as direct resolution does, odd types included ($how)', ({ options, numRuns }) => {
    const { details, seen } = compare((text) => text, numRuns, options);
    expect(details.failed, fc.defaultReportMessage(details)).toBe(false);
    for (const name of [...MODES, ...[...ODD_IDS, ...ODD_LINEAGES].map(([odd]) => odd)]) {
      expect(seen.get(name), `${name} was never compared`).toBeGreaterThan(0);
    }
  });

  test.each<[string, (definition: string) => string]>([
    ['forgets the parents', (text) => text.replace(/,\{"var":"lineage_\w+"\}\]\}/g, ']}')],
    ['forgets action patterns', (text) => text.replaceAll('"email."', '"e-mail."')],
    ['takes an unknown feature for live', (text) => text.replace('{"!==":[{"var":"feature"},null]}', 'false')],
    ['lets every organization in', (text) => text.replace('{"!==":[{"var":"organization_id"},"default"]}', 'false')],
    ['does not look at types', (text) => text.replaceAll('{"if":[{"===":', '{"if":[true,false,{"===":')],
    ['lifts a pause', (text) => text.replaceAll('"paused"', '"live"')],
  ])('differs from direct resolution when it %s', (_, mutate) => {
    expect(compare(mutate, 250).details.failed).toBe(true);
  });
});
