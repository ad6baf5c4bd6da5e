import { MemoryStorage } from '@openfeature/flagd-core';
import { messageOf } from './errors.ts';
import type { JsonLogic } from './json-logic.ts';

export const SCHEMA_URL = 'https://flagd.dev/schema/v0/flags.json';

export type FlagdMetadata = Readonly<Record<string, string | number | boolean>>;

/** One flag of a flagd definition. */
export interface FlagdFlag {
  readonly state: 'ENABLED' | 'DISABLED';
  readonly variants: Readonly<Record<string, unknown>>;
  readonly defaultVariant?: string | null | undefined;
  readonly targeting?: JsonLogic | undefined;
  readonly metadata?: FlagdMetadata | undefined;
}

/** What flagd serves; as JSON it is what flagd's schema asks for. */
export interface FlagdDefinition {
  readonly $schema: string;
  readonly flags: Readonly<Record<string, FlagdFlag>>;
  readonly metadata: FlagdMetadata;
}

/** What is wrong with a flagd definition, and where: `path` is a JSON pointer into it, '' for all of it. */
export interface DefinitionProblem {
  readonly path: string;
  readonly message: string;
}

interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const ignore = (): void => {};

/** For flagd-core, which otherwise prints to the console what it thinks of a definition. */
export const QUIET_LOGGER = { error: ignore, warn: ignore, info: ignore, debug: ignore };

/** What flagd's own JSON schema, as flagd-core carries it, and flagd's evaluator have against a definition; nothing when it is sound. */
export function definitionProblems(definition: string): DefinitionProblem[] {
  const warnings: DefinitionProblem[] = [];
  const logger = { ...QUIET_LOGGER, warn: (message: string) => warnings.push({ path: '', message }) };
  try {
    new MemoryStorage(logger).setConfigurations(definition, true);
    return warnings; // a rule that cannot be compiled, although the schema allows it, is only warned of
  } catch (error) {
    return readable(schemaErrors(error));
  }
}

/** flagd-core throws the schema's errors as JSON at the end of a message, and other failures as a cause. */
function schemaErrors(error: unknown): SchemaError[] {
  const message = error instanceof Error ? error.message : ''; // as it is: it is read, not shown
  try {
    return JSON.parse(message.slice(message.indexOf('['))) as SchemaError[];
  } catch {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : message;
    return [{ instancePath: '', keyword: 'structure', message: cause }];
  }
}

/** The schema tries every kind of flag and of operation in turn and reports why it is none of them: one problem a place says enough. */
function readable(errors: readonly SchemaError[]): DefinitionProblem[] {
  const problems = new Map<string, string>();
  const concrete = errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'oneOf');
  for (const { instancePath, keyword, message, params } of concrete.length > 0 ? concrete : errors) {
    const variants = /^\/flags\/[^/]+\/variants(?=\/)/.exec(instancePath)?.[0];
    const unknown = params?.['additionalProperty'];
    if (variants !== undefined) {
      problems.set(variants, 'the values must all be of one type: boolean, number, string or object');
    } else if (unknown !== undefined && instancePath.includes('/targeting')) {
      problems.set(instancePath, `${JSON.stringify(unknown)} is not an operation of flagd's targeting`);
    } else if (!problems.has(instancePath)) {
      const allowed = params?.['allowedValues'] ?? unknown;
      const detail = allowed === undefined ? '' : ` (${JSON.stringify(allowed)})`;
      problems.set(instancePath, `${message ?? keyword}${detail}`);
    }
  }
  return [...problems].map(([path, message]) => ({ path, message }));
}
