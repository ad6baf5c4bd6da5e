import { contextFromSubject, invalid, limitFlag, limitOfAnswer } from '../flags/index.ts';
import type { LimitClient } from '../flags/mode-source.ts';
import { within } from '../store/with-deadline.ts';
import { EVALUATION_TIMEOUT_MS } from './evaluate.ts';
import type { GuardedSubject } from './subject.ts';

/** The values of limits' flags by the names of the limits, as far as a client has given a positive answer. */
export type LimitFlags = ReadonlyMap<string, number>;

/** A default that is no limit: an answer that gives it back is no positive one. */
const NO_LIMIT = -1;

const late = (): Error => new Error(`no answer within ${EVALUATION_TIMEOUT_MS} ms`);

/**
 * Asks the client for the flags of these limits, each once and all at the same time. Never rejects: where an answer is
 * not positive, or does not come in time, the limit in code stands.
 */
export async function askLimits(
  client: LimitClient,
  subject: GuardedSubject,
  names: readonly string[],
): Promise<LimitFlags> {
  const flags = new Map<string, number>();
  const ask = async (name: string): Promise<void> => {
    const asked = client.getNumberDetails(limitFlag(name), NO_LIMIT, contextFromSubject(subject));
    const details = await within(Promise.resolve(asked), EVALUATION_TIMEOUT_MS, late);
    const value = limitOfAnswer(name, details, NO_LIMIT);
    if (value !== undefined) flags.set(name, value);
  };
  await Promise.all(names.map((name) => ask(name).catch(() => {})));
  return flags;
}

/**
 * @throws KillSwitchError INVALID_ARGUMENT for an action with limits where the client cannot be asked for their flags:
 * nobody could lower them
 */
export function checkLimitClient(action: string, client: LimitClient | null): void {
  if (client === null || typeof client.getNumberDetails === 'function') return;
  throw invalid(
    `The action ${action} has limits, and the client of createKillSwitch has no getNumberDetails to ask for their flags: give it an OpenFeature client, such as OpenFeature.getClient().`,
  );
}
