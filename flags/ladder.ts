import { isStricter, type Mode } from './modes.ts';
import { deepFreeze } from './freeze.ts';

/**
 * The steps back to full authority, the strictest first. `paused` is none of them: it is lifted to what stood before
 * it.
 */
export const LADDER: readonly Mode[] = deepFreeze([
  'full_stop',
  'read_only',
  'draft_only',
  'test_mode',
  'approval_gated',
  'live',
]);

/**
 * The loosest mode to which one step leads from there.
 * @param stood what stood before a pause; default: nothing is known of it, so it counts as `full_stop`
 */
export function stepFrom(mode: Mode, stood?: Mode): Mode {
  if (mode === 'paused') return stood ?? stepFrom('full_stop');
  return LADDER[LADDER.indexOf(mode) + 1] ?? 'live';
}

/** True where that step, or something stricter, is asked for. */
export const isWithinStep = (step: Mode, asked: Mode): boolean => asked === step || isStricter(asked, step);
