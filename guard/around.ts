import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Decision } from '../flags/index.ts';
import type { Identity } from './identity.ts';
import type { Watched } from './in-flight.ts';

/** A call that runs, as what its own code opens is decided by it. */
export interface LetThrough extends Pick<Watched, 'decision' | 'look' | 'refresh'> {
  /** False once its code has returned. */
  readonly isActive: () => boolean;
  readonly work: { readonly stoppedBy: Decision | undefined };
}

/**
 * The call around the code that runs, where people or a rollback have let it through: what may not run by itself may
 * run there, as long as the call does.
 */
export interface Around {
  readonly call: LetThrough;
  /** Who acted when it started: a run inside it is somebody else, whom nobody has let through. */
  readonly as: Identity | undefined;
}

/** Its own storage: only code that such a call has started pays for it. */
export type AroundStorage = AsyncLocalStorage<Around>;
