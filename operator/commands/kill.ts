import { bothKills, killAdds, type Mode, parseTarget, readTarget } from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { ALREADY, type CommandRow, endAfter, event, type Loosening, refused, targetRefused } from './row.ts';

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
  wish: ({ target }, view) => {
    // Another version may have recorded a target that this one would refuse.
    const wrong = targetRefused(target, readTarget);
    if (wrong) return wrong;
    const active = view.get('kill', target);
    return active ? event('revive', { id: active.id, target }) : refused({ kind: 'not_killed', target });
  },
};

export interface Expire {
  readonly target: string;
  readonly id: string;
  /** The end that was judged: a kill that was extended since stays. */
  readonly expiresAt: string | null;
}

/** An operating process ends a kill whose time is over. */
export const expire: CommandRow<Expire> = {
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
