import { MemoryStorage } from '@openfeature/flagd-core';
import { z } from 'zod';
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

/** A definition that flagd can serve, once it is written as JSON. */
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

const schemaErrorsSchema = z.array(
  z.object({
    instancePath: z.string(),
    keyword: z.string(),
    message: z.string().optional(),
    params: z.record(z.string(), z.unknown()).optional(),
  }),
);

type SchemaError = z.infer<typeof schemaErrorsSchema>[number];

const ignore = (): void => {};

/** For flagd-core, which otherwise prints its remarks about a definition to the console. */
export const QUIET_LOGGER = { error: ignore, warn: ignore, info: ignore, debug: ignore };

/**
 * The problems that flagd's own JSON schema (as flagd-core ships it) and flagd's evaluator find in a definition; an
 * empty list when it is sound.
 */
export function definitionProblems(definition: string): DefinitionProblem[] {
  const warnings: DefinitionProblem[] = [];
  const logger = { ...QUIET_LOGGER, warn: (message: string) => warnings.push({ path: '', message }) };
  try {
    new MemoryStorage(logger).setConfigurations(definition, true);
    return warnings; // a rule that cannot be compiled, although the schema allows it, is only warned of
  } catch (error) {
    return readable(schemaErrors(error), definition);
  }
}

/** flagd-core throws the schema's errors as JSON at the end of a message, and other failures as a cause. */
function schemaErrors(error: unknown): SchemaError[] {
  const message = error instanceof Error ? error.message : ''; // as it is: it is read, not shown
  try {
    return schemaErrorsSchema.parse(JSON.parse(message.slice(message.indexOf('['))));
  } catch {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : message;
    return [{ instancePath: '', keyword: 'structure', message: cause }];
  }
}

/**
 * The schema tries every kind of flag and of operation in turn, and reports at each level above a fault why none of
 * them fits. Here only the innermost place of each fault is reported, and once.
 */
function readable(errors: readonly SchemaError[], definition: string): DefinitionProblem[] {
  const problems = new Map<string, string>();
  const concrete = errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'oneOf');
  const said = concrete.length > 0 ? concrete : errors;
  const isOuter = (path: string): boolean =>
    path.includes('/targeting') && said.some(({ instancePath }) => instancePath.startsWith(`${path}/`));
  for (const { instancePath, keyword, message, params } of said) {
    const variants = /^\/flags\/[^/]+\/variants(?=\/)/.exec(instancePath)?.[0];
    const unknown = params?.['additionalProperty'];
    if (variants !== undefined) {
      problems.set(variants, 'the values must all be of one type: boolean, number, string or object');
    } else if (isOuter(instancePath)) {
      // said of what is in it
    } else if (unknown !== undefined && /\/targeting|^\/\$evaluators\//.test(instancePath)) {
      problems.set(instancePath, operationProblem(valueAt(definition, instancePath), unknown));
    } else if (!problems.has(instancePath)) {
      const allowed = params?.['allowedValues'] ?? unknown;
      const detail = allowed === undefined ? '' : ` (${JSON.stringify(allowed)})`;
      problems.set(instancePath, `${message ?? keyword}${detail}`);
    }
  }
  return [...problems].map(([path, message]) => ({ path, message }));
}

function operationProblem(value: unknown, unknown: unknown): string {
  const names = Object.keys(Object(value));
  return names.length > 1
    ? `has ${names.length} operations (${names.map((name) => JSON.stringify(name)).join(', ')}) where one can stand`
    : `${JSON.stringify(unknown)} is not an operation of flagd's targeting`;
}

/** What a JSON pointer names. */
function valueAt(definition: string, path: string): unknown {
  let value: unknown = JSON.parse(definition);
  for (const part of path.split('/').slice(1)) {
    value = Reflect.get(Object(value), part.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return value;
}
