import { CANARY } from '../flags/index.ts';
import { normaliseAction } from './normalise-action.ts';
import type { AnyAction } from './reversal.ts';

/** What a drill's own work is given and gives. */
export interface CanaryWork {
  readonly drill: string;
  readonly step: number;
  /** Whom something would be sent to; absent: nobody. */
  readonly to?: string;
}

const withReverse = {
  effect: 'write',
  surface: 'background',
  idempotent: true,
  execute: (work: CanaryWork): CanaryWork => work, // its record is all that it leaves
  reverse: { action: CANARY.undo, input: (work: CanaryWork): CanaryWork => work },
} as const;

/**
 * The actions that every executor has by itself, for drills: they do nothing, and leave nothing but their records. They
 * are registered nowhere, so that no application can call them.
 */
export const CANARIES = Object.freeze({
  act: normaliseAction<CanaryWork, CanaryWork>({ ...withReverse, name: CANARY.act }),
  send: normaliseAction<CanaryWork, CanaryWork>({ ...withReverse, name: CANARY.send }),
  undo: normaliseAction<CanaryWork, null>({
    ...{ name: CANARY.undo, effect: 'write', surface: 'background', idempotent: true, journal: true },
    execute: () => null,
  }),
});

/** The same sending, under the name of an action of the application: what restricts that restricts this. */
export const sendingAs = (name: string) =>
  normaliseAction<CanaryWork, CanaryWork>({
    ...{ name, effect: 'write', surface: 'background', idempotent: true, journal: true },
    execute: withReverse.execute,
  });

/** What rollbacks of drills undo and undo it by. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a rollback gives each the input made for it
export const canaries = (): AnyAction[] => Object.values(CANARIES).map((each) => each as unknown as AnyAction);
