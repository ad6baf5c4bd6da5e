import { type EntryKey, type EntryKind, entryKey, type Target } from '../../flags/index.ts';
import { alert, alert_remove, undelivered } from './alert.ts';
import { approve, escalate, reject } from './approval.ts';
import { archive } from './archive.ts';
import { autonomy } from './autonomy.ts';
import { budget } from './budget.ts';
import { init, recover } from './control.ts';
import { drill, drill_end, drill_lift, drill_press, drill_rollback, drill_schedule, drill_step } from './drill.ts';
import { feature, requirement } from './feature.ts';
import { flags } from './flags.ts';
import { attempt, governance, withdraw } from './governance.ts';
import { expire, kill, revive } from './kill.ts';
import { limit } from './limit.ts';
import { mode } from './mode.ts';
import { resolve } from './resolve.ts';
import { rollback, takeover } from './rollback.ts';
import type { CommandRow } from './row.ts';
import { rule_add, rule_remove, rule_renew } from './rule.ts';
import { snapshot } from './snapshot.ts';
import { lapse, standing, standing_withdraw } from './standing.ts';
import { stop } from './stop.ts';
import { tripwire } from './tripwire.ts';

/** Every command: the entries that it reads, and the event that it makes. To add one, copy a file beside this one. */
const ROWS = {
  ...{ init, recover, snapshot, archive },
  ...{ kill, revive, expire, stop },
  ...{ mode, feature, requirement, limit, autonomy, flags },
  ...{ budget, tripwire },
  ...{ rule_add, rule_remove, rule_renew },
  ...{ approve, reject, escalate, standing, standing_withdraw, lapse },
  ...{ resolve, rollback, takeover },
  ...{ governance, withdraw, attempt },
  ...{ drill, drill_step, drill_end, drill_press, drill_lift, drill_rollback, drill_schedule },
  ...{ alert, alert_remove, undelivered },
};

type MembersOf<Row> = Row extends CommandRow<infer Members> ? Members : never;

export type CommandType = keyof typeof ROWS;
export type CommandOf<T extends CommandType> = { readonly type: T } & MembersOf<(typeof ROWS)[T]>;

/** A change that an operator, or the system, asks for. */
export type Command = { readonly [T in CommandType]: CommandOf<T> }[CommandType];

const TABLE: { readonly [T in CommandType]: CommandRow<CommandOf<T>> } = ROWS;

/** True for the type of a command of this version. */
export const isCommandType = (type: unknown): type is CommandType =>
  typeof type === 'string' && Object.hasOwn(ROWS, type);

/** The row of a command's type. */
export const rowOf = <T extends CommandType>({ type }: { readonly type: T }): CommandRow<CommandOf<T>> => TABLE[type];

/** What a tightening by this command reaches of the work in flight; null: nothing, only what starts from then on. */
export const reachOf = (command: Command): Target | null => rowOf(command).reach?.(command) ?? null;

/** Whether what this command asks for takes any authority away, also where it changes nothing. */
export const restricts = (command: Command): boolean => rowOf(command).restricts?.(command) ?? true;

/** Whether this version understands the whole state; and what giving authority back takes. */
const UNGOVERNED: readonly EntryKind[] = ['control'];
const GOVERNED: readonly EntryKind[] = ['control', 'governance', 'requests', 'drills'];

/**
 * The entries that must be read to plan this command. Only a few, so that a kill costs the same beside any number of
 * others.
 */
export function entriesFor(command: Command): EntryKey[] {
  const { changes, isUngoverned, readsBeside, also, reads = isUngoverned ? UNGOVERNED : GOVERNED } = rowOf(command);
  const places = [changes(command), ...(readsBeside?.(command) ?? []), ...(also?.(command) ?? [])];
  return [...new Set([...reads.map((single) => entryKey(single)), ...places.map((place) => entryKey(...place))])];
}
