import { z } from 'zod';
import type { Reversing } from './context.ts';
import { hashSchema, epochSchema, idSchema, lastChangeSchema, targetSchema, timeSchema } from './records.ts';

/** The executor that performs a rollback, and how long it may act without a confirmation, in milliseconds. */
export const performerSchema = z.strictObject({ id: z.string().min(1), name: z.string(), lease_ms: z.int().min(0) });
/** What {@link performerSchema} accepts. */
export type Performer = z.infer<typeof performerSchema>;

/** How many kills a rollback may name. */
const MOST_KILLS = 100;

/** What somebody has asked to be undone, by whom it is done, and which kills that may pass. */
export const rollbackMembers = Object.freeze({
  id: z.string().min(1),
  /** `run:ID`, `mission:ID` or `agent:ID`: what it undoes, and what it has stopped. */
  target: targetSchema,
  /** Undoes what was intended from then on; null: all of it. */
  since: timeSchema.nullable(),
  /** SHA-256 of the list that was previewed. */
  hash: hashSchema,
  /** How many entries that list has. */
  count: z.int().min(0),
  /** How long one reverse operation may take, in milliseconds. */
  timeout_ms: z.int().min(1),
  /** The kills that a reversal passes, each as it was last changed: one that was changed since is another. */
  kills: z.array(z.strictObject({ target: targetSchema, id: idSchema, epoch: epochSchema })).max(MOST_KILLS),
  performer: performerSchema,
});

/** A rollback as the state has it. `former`: who performed it before the one who does. */
export const rollbackSchema = z.strictObject({
  ...rollbackMembers,
  former: performerSchema.nullable(),
  asked_by: z.string(),
  ...lastChangeSchema.shape,
});
/** What {@link rollbackSchema} accepts. */
export type Rollback = z.infer<typeof rollbackSchema>;

/** A kill, as far as a rollback names it. */
export type NamedKill = Rollback['kills'][number];

/** Whether this very kill, unchanged, is among those that are named. */
export const isNamed = (
  kills: readonly NamedKill[],
  { target, id, epoch }: { readonly target: string; readonly id: string; readonly epoch: number },
): boolean => kills.some((named) => named.target === target && named.id === id && named.epoch === epoch);

/** What must be known of a state to judge a reversal. */
interface JudgedState {
  readonly rollbacks: readonly Rollback[];
  get(kind: 'kill', name: string): { readonly target: string; readonly id: string; readonly epoch: number } | undefined;
}

/** The kills that a reversal passes now; or why it may not run at all. */
export function judgeReversing(
  state: JudgedState,
  { rollback: id, executor }: Reversing,
): { readonly kills: readonly NamedKill[] } | { readonly problem: string } {
  const rollback = state.rollbacks.find((each) => each.id === id);
  if (!rollback) return { problem: 'no operator has asked for this rollback' };
  if (rollback.performer.id !== executor)
    return { problem: `the executor ${rollback.performer.name} performs this rollback, and no other may` };
  const { target, kills } = rollback;
  const stop = state.get('kill', target);
  if (!stop) return { problem: `${target} is no longer stopped, so it may go on while it is undone` };
  return isNamed(kills, stop)
    ? { kills }
    : { problem: `${target} was stopped again after this rollback was previewed` };
}
