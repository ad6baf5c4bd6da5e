import {
  type ActiveKill,
  bothKills,
  isMode,
  killAdds,
  type Mode,
  parseTarget,
  readTarget,
  stepFrom,
} from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { ALREADY, baseMode, type CommandRow, endAfter, event, type Loosening, refused, targetRefused } from './row.ts';

export interface Kill extends GivenReason {
  readonly target: string;
  readonly mode: Mode;
  readonly expiresAt: string | null;
  /** In place of `expiresAt`, in milliseconds from the store's time. */
  readonly lastsMs?: number | undefined;
}

export const kill: CommandRow<Kill> = {
  changes: ({ target }) => ['kill', target],
  reach: ({ target }) => readTarget(target),
  reads: [],
  wish: ({ target, mode, lastsMs, ...command }, view, commandId) => {
    const wrong = targetRefused(target, parseTarget);
    if (wrong) return wrong;
    if (mode === 'live') return refused({ kind: 'live_kill' });
    const expiresAt = lastsMs === undefined ? command.expiresAt : endAfter(lastsMs, view.time);
    if (expiresAt === undefined) return refused({ kind: 'end_out_of_reach', lastsMs: Number(lastsMs) });
    if (expiresAt !== null && expiresAt <= view.time)
      return refused({ kind: 'end_passed', end: expiresAt, now: view.time });
    const active = view.get('kill', target);
    const terms = { mode, expires_at: expiresAt };
    // What is there cannot be read, so the event says the whole of it: another version, which can, comes to no less.
    if (active?.set_aside !== undefined) return event('kill', { id: commandId, target, ...bothKills(active, terms) });
    return killAdds(active, terms) ? event('kill', { id: commandId, target, ...terms }) : ALREADY;
  },
};

export const revive: CommandRow<{ readonly target: string } & Loosening> = {
  changes: ({ target }) => ['kill', target],
  readsBeside: () => [['mode']],
  wish: ({ target, breakGlass }, view) => {
    // Another version may have recorded a target that this one would refuse.
    const wrong = targetRefused(target, readTarget);
    if (wrong) return wrong;
    const active = view.get('kill', target);
    if (!active) return refused({ kind: 'not_killed', target });
    const to = view.get('governance')?.ladder && !breakGlass ? stepOf(active) : 'live';
    return event('revive', { id: active.id, target, ...(to !== 'live' && { to }) });
  },
  leaves: (_command, view, { to }) => (isMode(to) ? to : baseMode(view)),
};

/**
 * The next step of a kill. A pause is lifted to what stood before it: nothing, where it is all that was ever asked;
 * else that is not known here, and it counts as a full stop.
 */
const stepOf = ({ mode, killed_at, at }: ActiveKill): Mode =>
  mode === 'paused' && killed_at === at ? 'live' : stepFrom(mode);

export interface Expire {
  readonly target: string;
  readonly id: string;
  /** The end that was judged: a kill that was extended since stays. */
  readonly expiresAt: string | null;
}

/** An operating process ends a kill whose time is over. */
export const expire: CommandRow<Expire> = {
  isUngoverned: true,
  changes: ({ target }) => ['kill', target],
  wish: ({ target, id, expiresAt }, view) => {
    const active = view.get('kill', target);
    const isOver =
      active?.id === id &&
      active.expires_at !== null &&
      active.expires_at === expiresAt &&
      active.expires_at <= view.time;
    return isOver ? event('expire', { id, target }) : refused({ kind: 'not_killed', target });
  },
  needsNoReason: true,
};
