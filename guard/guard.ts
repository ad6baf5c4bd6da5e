import type { Replica } from '../store/replica.ts';
import type { Changes } from './changes.ts';
import type { Confirming } from './confirm.ts';
import type { ModeSource } from './evaluate.ts';
import type { Identity } from './identity.ts';
import type { InFlight } from './in-flight.ts';
import type { Interventions } from './interventions.ts';
import type { LocalState } from './look.ts';
import type { GuardMetrics } from './metrics.ts';
import type { Turns } from './turn.ts';

/**
 * All that actions are performed with. Whoever needs a part of it takes that part: a `ModeSource`, a `LocalState`, what
 * waits, what runs.
 */
export interface Guard extends ModeSource, LocalState {
  readonly replica: (Pick<Replica, 'reading'> & Confirming) | null;
  readonly organizationId: string;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly interventions: Interventions;
  readonly metrics: GuardMetrics;
  /** Who acts now; nobody outside runs where `requireRun` is set. */
  readonly identity: () => Identity | undefined;
  /** Calls a function as somebody, whoever acts now. */
  readonly within: <Result>(identity: Identity | undefined, work: () => Result) => Result;
  /** Whose child a run that opens now is. */
  readonly parent: () => Identity | undefined;
  readonly requireRun: boolean;
  readonly turns: Turns;
  readonly leaseMs: number;
  readonly handlerTimeoutMs: number;
}
