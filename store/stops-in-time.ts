import type { Stops } from './capabilities/stops.ts';
import { withDeadline } from './with-deadline.ts';

/** The same list of stops with a deadline: what is not kept within `ms` milliseconds rejects, and may be kept. */
export const stopsInTime = (stops: Stops, ms: number): Stops => ({
  add: (stop) => withDeadline(stops.add(stop), ms, 'stops'),
});
