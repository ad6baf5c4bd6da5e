import type { Instant } from './lease.ts';

/**
 * How long the answer to a confirmation lets an irreversible action start, in milliseconds since it was *sent*, by both
 * clocks.
 */
export const PERMIT_MS = 250;

/** Added for clocks of two machines that run at different speeds, and for timers that fire early. */
const MARGIN_MS = 50;

/**
 * `kill` returns no sooner than this after its append was acknowledged, in milliseconds by the operator's monotonic
 * clock. Every permit that was given before the kill has run out by then, so no confirmed action starts after `kill`
 * has returned, also one of an executor that nobody knew of.
 */
export const KILL_RETURN_MS = PERMIT_MS + MARGIN_MS;

/** True while both clocks show less than `PERMIT_MS` since the permit was asked for. */
export const isPermitFresh = (sent: Instant, now: Instant): boolean =>
  now.mono - sent.mono < PERMIT_MS && Math.abs(now.wall - sent.wall) < PERMIT_MS;
