import { z } from 'zod';
import { MOST_AMOUNT, shownAmount, SPEND_TYPES } from './amounts.ts';
import { countsOf, parseScope, type Scope, TRIP_MODES } from './budget-records.ts';
import type { Cause } from './causes.ts';
import type { Entry, EntryPlace, StateView } from './entries.ts';
import { isStricter } from './modes.ts';
import { MAX_EPOCH, MAX_REASON_LENGTH, targetSchema, timeSchema } from './records.ts';
import { parseTarget, type Target } from './targets.ts';
import { DEFAULT_TRIPWIRES, type Tripwire } from './tripwire-records.ts';

/** The longest name of what stops, in characters: an id with a window and a scope's word before it. */
const LONGEST_NAME = 600;

const name = z.string().min(1).max(LONGEST_NAME);
const number = z.number().min(0).max(MOST_AMOUNT);

const common = {
  /** Chosen by the executor: the same stop, however often it is sent. */
  id: z.string().min(1).max(100),
  target: targetSchema,
  /** The epoch that the executor held: once what it has counted was lifted after it, the stop is over. */
  epoch: z.int().min(0).max(MAX_EPOCH),
  /** When it was made, by the store's clock as the executor had it. */
  at: timeSchema.optional(),
};

/**
 * A restriction that an executor puts on what it runs. How far a budget or a tripwire restricts is never the executor's
 * word, but its definition's.
 */
export const stopSchema = z.discriminatedUnion('by', [
  /** `counted`: what was counted together, as a scope: `run:r-1` of a budget of each run. Amounts in ledger units. */
  z.strictObject({
    ...common,
    by: z.literal('budget'),
    name,
    counted: name,
    type: z.enum(SPEND_TYPES),
    value: number,
    limit: number,
  }),
  z.strictObject({ ...common, by: z.literal('tripwire'), name, value: number, limit: number }),
  /** The executor stops itself, or what it runs, of its own accord. `name`: its own. */
  z.strictObject({
    ...common,
    by: z.literal('executor'),
    name,
    mode: z.enum(TRIP_MODES),
    reason: z.string().max(MAX_REASON_LENGTH).nullable(),
  }),
]);

/** What {@link stopSchema} accepts. */
export type Stop = z.infer<typeof stopSchema>;

/** The most bytes that a stop has as JSON. */
export const LONGEST_STOP = 16 * 1024;

/** Who stopped, as the log has it: `budget:day`, `tripwire:repeats`, `executor:mailer`. */
export const stopActor = ({ by, name }: Pick<Stop, 'by' | 'name'>): string => `${by}:${name}`;

/** What a stop comes to, as the state has what stopped. */
export interface StopTerms {
  readonly mode: Entry<'kill'>['mode'];
  readonly cause: Cause;
  /** What is counted anew once it is lifted, as a scope. */
  readonly counted: string;
  /** Why, for the log; made of numbers and of names that the log has. */
  readonly reason: string | null;
}

/** The tripwire of this name, with those that are there by default; undefined where it was removed. */
export function tripwireOf(view: StateView, named: string): Tripwire | undefined {
  const entry = view.get('tripwire', named);
  if (entry) return entry.definition ?? undefined;
  return Object.hasOwn(DEFAULT_TRIPWIRES, named) ? DEFAULT_TRIPWIRES[named] : undefined;
}

/** The epoch from which on is counted what this scope names; 0 where it was never lifted. */
export const liftedAt = (view: StateView, counted: string): number => view.get('lifted', counted)?.epoch ?? 0;

/** Whether the log has a kill of that target that says all that this stop comes to. */
export function isRecorded(view: StateView, target: string, { mode, counted }: StopTerms): boolean {
  const kill = view.get('kill', target);
  return kill?.counted?.includes(counted) === true && !isStricter(mode, kill.mode);
}

/** What an executor may stop by itself: only what it may run. */
const RUNS: ReadonlySet<Target['type']> = new Set(['run', 'agent', 'mission']);

/** Whether a budget of this scope stops that target where it has counted this. */
function stopsAt(scope: Scope, counted: Scope, target: Target): boolean {
  if (!countsOf(scope, counted)) return false;
  switch (scope.type) {
    case 'day':
    case 'all':
      return target.type === 'all';
    case 'user':
    case 'account':
      return counted.id !== null && (target.type === 'run' || target.type === 'agent');
    default:
      return counted.id !== null && target.type === scope.type && target.id === counted.id;
  }
}

/** The entries that say what a stop comes to, beside the kill that it becomes. */
export function placesOfStop(stop: Stop): readonly EntryPlace[] {
  const lifted: readonly EntryPlace[] = [
    ['lifted', stop.target],
    ['lifted', countedBy(stop)],
  ];
  return stop.by === 'executor' ? lifted : [[stop.by, stop.name], ...lifted];
}

/** What a stop has counted, as a scope. */
const countedBy = (stop: Stop): string => (stop.by === 'budget' ? stop.counted : stop.target);

/** Whether a person has lifted it: its target or its count, or its budget was taken away and is another one since. */
export function isLifted(view: StateView, stop: Stop): boolean {
  const since = stop.by === 'budget' ? (view.get('budget', stop.name)?.since ?? 0) : 0;
  return stop.epoch < Math.max(since, liftedAt(view, countedBy(stop)), liftedAt(view, stop.target));
}

/**
 * What a stop restricts, by the state; null where it is none: of a budget or a tripwire that is not there, of a target
 * that this one does not stop, or lifted since.
 */
export function stopTerms(view: StateView, stop: Stop): StopTerms | null {
  try {
    return isLifted(view, stop) ? null : termsOf(view, stop, parseTarget(stop.target));
  } catch {
    return null; // no scope or no target: whoever wrote it is not this package
  }
}

function termsOf(view: StateView, stop: Stop, target: Target): StopTerms | null {
  const counted = countedBy(stop);
  switch (stop.by) {
    case 'budget': {
      const budget = view.get('budget', stop.name);
      if (!budget || !stopsAt(parseScope(budget.scope), parseScope(counted), target)) return null;
      const [spent, limit] = [shownAmount(stop.type, stop.value), shownAmount(stop.type, stop.limit)];
      return {
        mode: budget.do,
        cause: { kind: 'budget', scope: counted, type: stop.type, spent, limit, target: stop.target },
        counted,
        reason: `${spent} of ${limit} ${stop.type} of the budget ${stop.name} are spent or set aside, and the next call did not fit`,
      };
    }
    case 'tripwire': {
      const tripwire = tripwireOf(view, stop.name);
      if (!tripwire || target.type !== tripwire.scope) return null;
      const { value, limit } = stop;
      return {
        mode: tripwire.do,
        cause: { kind: 'tripwire', name: stop.name, value, limit, target: stop.target },
        counted,
        reason: `the tripwire ${stop.name} (${tripwire.on}) ${value === MOST_AMOUNT ? 'was told what is no number' : `counted ${value}`} where the limit is ${limit}`,
      };
    }
    case 'executor':
      if (!RUNS.has(target.type)) return null;
      return {
        mode: stop.mode,
        cause: { kind: 'kill', killId: stop.id, target: stop.target, killedBy: stopActor(stop), reason: stop.reason },
        counted,
        reason: stop.reason,
      };
    default:
      return stop satisfies never;
  }
}
