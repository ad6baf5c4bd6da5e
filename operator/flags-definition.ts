import { z } from 'zod';
import { type DefinitionProblem, definitionProblems, invalid, messageOf } from '../flags/index.ts';

const definitionSchema = z.object({ flags: z.record(z.string(), z.unknown()) }).catchall(z.unknown());

/** A flagd definition of the app's ordinary flags. @throws KillSwitchError INVALID_ARGUMENT when flagd could not read it, or it has keys of the switch's own */
export function parseFlagsDefinition(definition: unknown): Record<string, unknown> {
  const parsed = definitionSchema.safeParse(definition);
  if (!parsed.success) throw invalid('A definition of flags is an object with "flags", in the format of flagd.');
  const own = Object.keys(parsed.data.flags).find((key) => key.startsWith('kill-switch.'));
  if (own !== undefined)
    throw invalid(`The flag ${JSON.stringify(own)} belongs to the switch: change it with its own verb.`);
  const problem = firstProblem(parsed.data);
  if (problem) throw invalid(`This is not a definition that flagd can read: ${problem.path} ${problem.message}.`);
  return parsed.data;
}

/** By flagd's schema, because what it does not allow is left out where this is compiled for flagd. */
function firstProblem(definition: Record<string, unknown>): DefinitionProblem | undefined {
  try {
    return definitionProblems(JSON.stringify(definition))[0];
  } catch (error) {
    return { path: 'it', message: `is not JSON: ${messageOf(error)}` };
  }
}
