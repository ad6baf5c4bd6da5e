import type { LimitClient, ModeSource } from '../flags/mode-source.ts';
import type { Replica } from '../store/replica.ts';
import type { Approving } from './approvals.ts';
import type { AroundStorage } from './around.ts';
import type { Changes } from './changes.ts';
import type { Confirming } from './confirm.ts';
import type { Evaluating } from './evaluate.ts';
import type { PreparingStorage } from './handlers.ts';
import type { Identity } from './identity.ts';
import type { OwnJournal } from './journal.ts';
import type { InFlight } from './in-flight.ts';
import type { Interventions } from './interventions.ts';
import type { LocalState } from './look.ts';
import type { GuardMetrics } from './metrics.ts';
import type { OpenCalls } from './open-calls.ts';
import type { ShadowRuns } from './shadow-runs.ts';
import type { Spending } from './spending.ts';
import type { Tripwires } from './tripwires.ts';
import type { Turns } from './turn.ts';

/**
 * Everything that an attempt needs. A function that needs a part of it takes that part's type: an `Evaluating`, a
 * `LocalState`, or a `Pick`.
 */
export interface Guard extends Evaluating, LocalState {
  readonly replica: (Pick<Replica, 'reading' | 'limit'> & Confirming) | null;
  /** Who is asked for the flags of limits; null where the local copy alone has them. */
  readonly limitClient: LimitClient | null;
  /** The client as a reversal asks it; null: it is asked as by anybody. */
  readonly reversing: ModeSource['reversing'];
  /** Null where there is no store, or its driver keeps no journal. */
  readonly journal: OwnJournal | null;
  /** Null where there is no store, or its driver cannot ask people. */
  readonly approving: Approving | null;
  /** Sets aside what calls may come to; null where there is no store. */
  readonly spending: Spending | null;
  /** Count what calls do; null where there is no store. */
  readonly tripwires: Tripwires | null;
  readonly organizationId: string;
  readonly inFlight: InFlight;
  /** Attempts, and ticks that are being decided. */
  readonly calls: OpenCalls;
  readonly changes: Changes;
  readonly interventions: Interventions;
  readonly shadowRuns: ShadowRuns;
  readonly metrics: GuardMetrics;
  /** The identity of the code that runs now; undefined outside runs where `requireRun` is set. */
  readonly identity: () => Identity | undefined;
  /** Calls a function under another identity. */
  readonly within: <Result>(identity: Identity | undefined, work: () => Result) => Result;
  /** The parent of a run that opens now. */
  readonly parent: () => Identity | undefined;
  readonly around: AroundStorage;
  readonly preparing: PreparingStorage;
  readonly requireRun: boolean;
  readonly turns: Turns;
  readonly leaseMs: number;
  readonly handlerTimeoutMs: number;
}
