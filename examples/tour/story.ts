import { freshStart, goLive, pauseAndResume, testMode } from './degrees.ts';
import { drill } from './drilled.ts';
import { approval, budget, rollback } from './earned.ts';
import { lostStore, silentStore } from './lost-contact.ts';
import { refusals, verify } from './records.ts';
import type { Cast } from './stage.ts';
import { killAll, killOne, revive } from './stops.ts';

const STEPS = [
  freshStart,
  goLive,
  pauseAndResume,
  testMode,
  killOne,
  killAll,
  revive,
  silentStore,
  lostStore,
  approval,
  budget,
  rollback,
  drill,
  refusals,
  verify,
];

/** The tour, step by step. @throws TourFailed as soon as one promise is broken */
export async function tellStory(cast: Cast): Promise<void> {
  for (const step of STEPS) await step(cast);
}
