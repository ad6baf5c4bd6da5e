import { deepFreeze, invalid, LONGEST_STOP, messageOf, type Stop, stopSchema } from '../flags/index.ts';
import type { KeptStop } from './capabilities/stops.ts';

/** A stop to be kept. @throws KillSwitchError INVALID_ARGUMENT */
export function givenStop(given: Stop): Stop {
  const parsed = stopSchema.safeParse(given);
  if (!parsed.success) throw invalid(`This is no stop that can be kept: ${messageOf(parsed.error)}`);
  const text = JSON.stringify(parsed.data);
  if (text.length > LONGEST_STOP) throw invalid(`A stop has at most ${LONGEST_STOP} characters, not ${text.length}.`);
  return deepFreeze(parsed.data);
}

/** What was kept as a stop, which may be anything. Never throws. */
export function readStop(text: string, writer: string | null): KeptStop {
  if (text.length > LONGEST_STOP) return { problem: `a stop of ${text.length} characters`, writer };
  try {
    const parsed = stopSchema.safeParse(JSON.parse(text));
    if (parsed.success) return { stop: deepFreeze(parsed.data), writer };
  } catch {
    // no JSON: the problem below says as much
  }
  return { problem: 'something that is no stop of this version', writer };
}

/** The stops among what was read. */
export const stopsIn = (kept: readonly KeptStop[]): readonly Stop[] =>
  kept.flatMap((each) => ('stop' in each ? [each.stop] : []));
