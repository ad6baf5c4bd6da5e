import { invalid, quoteId } from '../flags/index.ts';
import { readable, shownValue } from '../flags/options.ts';

/** For whom a store is: executors read the switch and report, operators change it. */
export type Side = 'executor' | 'operator';

/** The factory of each side, by the scheme of a store's location. */
const NAMES: Readonly<Record<string, Readonly<Record<Side, string>>>> = {
  file: {
    executor: 'fileStore (openfeature-kill-switch/store/file)',
    operator: 'fileControlStore (openfeature-kill-switch/store/file/control)',
  },
  memory: {
    executor: 'memoryStore (openfeature-kill-switch/store/memory)',
    operator: 'memoryControlStore (openfeature-kill-switch/store/memory/control)',
  },
  redis: {
    executor: 'redisStore (openfeature-kill-switch/store/redis)',
    operator: 'redisControlStore (openfeature-kill-switch/store/redis/control)',
  },
};

/**
 * Refuses a store of the other side, which looks much the same and would fail only when it is used, and a store that
 * does not name its side.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export const checkSide = (who: string, store: StoreLike, side: Side): void =>
  readable(`The store that ${who} was given`, () => checkReadSide(who, store, side));

interface StoreLike {
  readonly location: string;
  readonly side: Side;
}

function checkReadSide(who: string, store: StoreLike, side: Side): void {
  const given = store as { readonly location?: unknown; readonly side?: unknown; readonly open?: unknown } | undefined;
  if (typeof given !== 'object' || given === null || typeof given.open !== 'function')
    throw invalid(
      `${who} needs a store, such as redis${side === 'operator' ? 'Control' : ''}Store({ url }), not ${shownValue(given)}.`,
    );
  if (given.side === side) return;
  if (given.side !== 'executor' && given.side !== 'operator')
    throw invalid(
      `${who} was given a store whose side is ${quoteId(given.side)}; it must be "${side}". It may come from another version of this package.`,
    );
  const scheme = /^(file|memory):/.exec(String(given.location))?.[1] ?? 'redis';
  const whose = given.side === 'executor' ? "the executors'" : "the operators'";
  throw invalid(`${who} was given ${whose} store of ${String(given.location)}. It takes ${NAMES[scheme]?.[side]}.`);
}
