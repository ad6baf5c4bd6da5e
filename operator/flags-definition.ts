import { z } from 'zod';
import { jsonValue } from './json-value.ts';
import { type DefinitionProblem, definitionProblems, invalid, messageOf } from '../flags/index.ts';

const definitionSchema = z.object({ flags: z.record(z.string(), z.unknown()) }).catchall(z.unknown());

/**
 * A flagd definition of the app's ordinary flags.
 * @throws KillSwitchError INVALID_ARGUMENT when it does not pass flagd's schema, or has a flag of the switch
 */
export function parseFlagsDefinition(
  definition: unknown,
): Record<string, unknown> & { readonly flags: Record<string, unknown> } {
  const parsed = definitionSchema.safeParse(jsonValue('The definition of flags', definition));
  if (!parsed.success) throw invalid('A definition of flags is an object with "flags", in the format of flagd.');
  const own = Object.keys(parsed.data.flags).find((key) => key.startsWith('kill-switch.'));
  if (own !== undefined)
    throw invalid(`The flag ${JSON.stringify(own)} belongs to the switch: change it with its own verb.`);
  const problem = firstProblem(parsed.data);
  if (problem) {
    throw invalid(
      `This definition does not pass flagd's own schema: ${problem.path} ${problem.message}. flagd may serve it all the same, but it and its in-process clients need not read it alike; kill-switch flagd validate FILE says all that is wrong with it.`,
    );
  }
  return parsed.data;
}

/**
 * Checked by flagd's schema, because flags that it does not allow are left out when the switch is compiled for flagd.
 */
function firstProblem(definition: Record<string, unknown>): DefinitionProblem | undefined {
  try {
    return definitionProblems(JSON.stringify(definition))[0];
  } catch (error) {
    return { path: 'it', message: `is not JSON: ${messageOf(error)}` };
  }
}
