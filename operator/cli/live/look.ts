import { setTimeout as sleep } from 'node:timers/promises';
import { isKillSwitchError, messageOf } from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';
import { followedOn } from '../followed.ts';
import type { View } from './view.ts';

/** How often the switch is read, in milliseconds; and how soon after an event. */
const [LOOK_MS, SOON_MS] = [1000, 250];

/** How many kills and changes are read: more than a terminal has rows. */
const MOST_ROWS = 200;

export interface Looking {
  readonly control: ControlPlane;
  readonly signal: AbortSignal;
  /** Shows what keeps it from following the log. */
  readonly note: (line: string) => void;
  /** Called with each change of the view. */
  readonly onView: (view: View) => void;
}

/** What the view begins with. @throws KillSwitchError as `status` does */
export async function firstView(control: ControlPlane): Promise<View> {
  const status = await control.status({ limit: MOST_ROWS });
  return { status, readAt: Date.now(), outage: null, oldest: await oldestOf(control, status), events: [], note: '' };
}

/**
 * Reads the switch about once a second and soon after each event, until `signal` fires. Goes on through outages, and
 * where the log was replaced.
 * @throws KillSwitchError CLOSED
 */
export async function keepLooking(first: View, { control, signal, note, onView }: Looking): Promise<void> {
  let view = first;
  let poke = new AbortController();
  const change = (changes: Partial<View>): void => {
    view = { ...view, ...changes };
    if (!signal.aborted) onView(view);
  };
  const ending = new AbortController();
  const end = AbortSignal.any([signal, ending.signal]);
  const follow = async (): Promise<void> => {
    const after = Math.max(0, first.status.epoch - MOST_ROWS);
    for await (const event of followedOn({ note }, control, { after, signal: end })) {
      change({ events: [event, ...view.events].slice(0, MOST_ROWS) });
      if (event.seq > view.status.epoch) poke.abort();
    }
  };
  const read = async (): Promise<void> => {
    while (!end.aborted) {
      await sleep(SOON_MS, undefined, { signal: end }).catch(() => {}); // aborted: the loop ends
      await sleep(LOOK_MS - SOON_MS, undefined, { signal: AbortSignal.any([end, poke.signal]) }).catch(() => {});
      if (end.aborted) return;
      poke = new AbortController();
      change(await looked(control, view));
    }
  };
  try {
    // The first one that ends or fails ends the other, whose answer nobody waits for: the store may be silent.
    await Promise.race([follow(), read()]);
  } finally {
    ending.abort();
  }
}

async function looked(control: ControlPlane, { outage }: View): Promise<Partial<View>> {
  try {
    const status = await control.status({ limit: MOST_ROWS });
    return { status, oldest: await oldestOf(control, status), readAt: Date.now(), outage: null };
  } catch (error) {
    if (!isKillSwitchError(error)) throw error;
    return { outage: { since: outage?.since ?? Date.now(), problem: messageOf(error) } };
  }
}

/** Requests are listed by how urgent they are, so all that wait are read. */
async function oldestOf(control: ControlPlane, { held_approvals: held }: View['status']): Promise<View['oldest']> {
  if (held === null || held === 0) return null;
  const { data } = await control.approvals({ status: 'pending' });
  return data.reduce<View['oldest']>(
    (oldest, each) => (oldest === null || each.requested_at < oldest.requested_at ? each : oldest),
    null,
  );
}
