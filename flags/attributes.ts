import { IDENTITY_ATTRIBUTES, LINEAGE_ATTRIBUTES } from './context.ts';
import { quoteId } from './printable.ts';

/** The longest attributes of an application, in characters of JSON: they go with every evaluation. */
export const MAX_ATTRIBUTES_LENGTH = 16_384;

const OF_IDENTITY: ReadonlySet<string> = new Set([
  ...Object.keys(IDENTITY_ATTRIBUTES),
  ...Object.keys(LINEAGE_ATTRIBUTES),
]);

/**
 * Why these cannot be an application's own attributes in an evaluation context, as the rest of a sentence that begins
 * with `context`; null when they can. They are plain data.
 */
export function attributesProblem(attributes: Readonly<Record<string, unknown>>): string | null {
  for (const name of Object.keys(attributes)) {
    const problem = nameProblem(name);
    if (problem !== null) return `has ${quoteId(name)}, ${problem}`;
  }
  const { targetingKey } = attributes;
  if (targetingKey !== undefined && (typeof targetingKey !== 'string' || targetingKey === ''))
    return `has the targetingKey ${quoteId(targetingKey)}, which must be a non-empty text`;
  const { length } = JSON.stringify(attributes);
  return length > MAX_ATTRIBUTES_LENGTH
    ? `has ${length} characters of JSON, more than ${MAX_ATTRIBUTES_LENGTH}: it goes with every evaluation`
    : null;
}

function nameProblem(name: string): string | null {
  if (OF_IDENTITY.has(name)) return 'which says who asks: only the switch itself sets that';
  if (name.startsWith('$')) return 'and names that begin with $ are those of evaluators';
  return name === '' || name in Object.prototype ? 'which some evaluators find in every context' : null;
}
