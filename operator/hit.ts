import { messageOf, type Target } from '../flags/index.ts';
import { within } from '../store/with-deadline.ts';
import { type Command, reachOf } from './commands/index.ts';
import type { Hearing } from './hearing.ts';
import { type Matched, matchedBy, matchedByLimit, NOTHING_MATCHED } from './matched.ts';

/**
 * Reads what a stop has hit. It never rejects: the stop stands, whether or not that can be told.
 * @param ms how long the reports may take, in milliseconds
 */
export async function whatIsHit(hearing: Hearing, command: Command, ms: number): Promise<Matched> {
  try {
    return await within(hit(hearing, command), ms, () => new Error("the executors' reports were not read in time"));
  } catch (error) {
    return { ...NOTHING_MATCHED, problem: messageOf(error) };
  }
}

async function hit(hearing: Hearing, command: Command): Promise<Matched> {
  const [{ beats }, seen] = await Promise.all([hearing.hear(), hearing.seen()]);
  const target = reachOf(command);
  if (target && isKnownByWork(target)) return matchedBy(target, { beats, seen, surfaces: [] });
  const without = target && matchedBy(target, { beats, seen, surfaces: [] });
  if (without?.seen) return without;
  // What nobody has performed yet is known by its executor all the same. There may be very many, so they are read last.
  const reports = { beats, seen, surfaces: await hearing.surfaces() };
  return target ? matchedBy(target, reports) : matchedByLimit(command.type === 'limit' ? command.name : '', reports);
}

/** True for what only work in flight, and what was met, can name: no surface says whose it is. */
const isKnownByWork = ({ type }: Target): boolean => ['all', 'agent', 'mission', 'run'].includes(type);
