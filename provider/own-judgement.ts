import type { Provider } from '@openfeature/server-sdk';

// Private to this copy of the package: a symbol would also be had by whatever inherits from a provider of ours, such
// as a cache in front of it.
const judging = new WeakSet<Provider>();

/**
 * Notes a provider that keeps its own lease: once nothing confirms its answers, they are safe values by themselves.
 * Not for an instance of a subclass, which may answer out of a cache of its own.
 */
export const noteOwnJudgement = (provider: Provider): void => void judging.add(provider);

/**
 * Whether a provider keeps its own lease. Its STALE then only says that its last confirmation has failed; that of any
 * other provider may mean a cache of any age.
 */
export const judgesItself = (provider: Provider): boolean => judging.has(provider);
