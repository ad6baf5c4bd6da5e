import { type EntryPlace, isNamed, type Rollback } from '../../flags/index.ts';
import { type CommandRow, event, type Loosening, refused } from './row.ts';

/** What of a rollback is asked. */
export type AskedRollback = Pick<Rollback, 'target' | 'since' | 'hash' | 'count' | 'kills' | 'performer'> & {
  readonly timeoutMs: number;
};

/** What of a rollback takes a reason. */
export const UNDOING = 'A rollback';

/** Asks that what a target has done is undone, as it was previewed, by that executor. */
export const rollback: CommandRow<AskedRollback & Loosening> = {
  isUngoverned: true,
  changes: () => ['rollbacks'],
  takesReason: () => UNDOING,
  also: ({ kills }) => kills.map(({ target }): EntryPlace => ['kill', target]),
  wish({ target, since, hash, count, timeoutMs, kills, performer }, view, commandId) {
    const changed = kills.find((named) => {
      const kill = view.get('kill', named.target);
      return !kill || !isNamed([named], kill);
    });
    if (changed || !kills.some((named) => named.target === target))
      return refused({ kind: 'not_stopped', target: changed?.target ?? target });
    const about = { id: commandId, target, since, hash, count, timeout_ms: timeoutMs, kills, performer };
    return event('rollback', about);
  },
};

/** Has another executor go on with it. */
export const takeover: CommandRow<Pick<Rollback, 'id' | 'performer'> & Loosening> = {
  isUngoverned: true,
  changes: () => ['rollbacks'],
  takesReason: () => UNDOING,
  wish({ id, performer }, view) {
    const found = view.get('rollbacks')?.asked.some((each) => each.id === id);
    return found ? event('takeover', { id, performer }) : refused({ kind: 'no_rollback', id });
  },
};
