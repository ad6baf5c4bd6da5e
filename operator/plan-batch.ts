import { type Entry, type EntryKind, entryKey, type Head, loosens, State } from '../flags/index.ts';
import type { Append, ControlView } from '../store/ports.ts';
import type { Command } from './commands/index.ts';
import type { Check, GivenCommand, Objection, PlannedChange } from './plan.ts';
import { planChange } from './plan-change.ts';

/** A command that waits until it is planned. */
export interface WaitingJob {
  /** When it may be planned at the soonest, in milliseconds by the clock that `nextJobs` is given. */
  readonly notBefore: number;
  /** True: it is tried alone, because a batch with it had something wrong. */
  readonly alone: boolean;
  readonly command: Command;
}

/** One job of a batch, as it is appended. */
export interface Planned<J> {
  readonly job: J;
  readonly change: PlannedChange;
  /** What its operator is answered once it is recorded, where this is a request; else null. */
  readonly objection: Objection | null;
}

/** What becomes of the jobs that were taken together. */
export interface PlannedBatch<J> {
  /** Those that are appended together. */
  readonly planned: ReadonlyArray<Planned<J>>;
  /** Their appends; each expects the head that the one before it leaves. */
  readonly appends: readonly Append[];
  /** True when they give authority back; false when they do not, or there are none. */
  readonly loosens: boolean;
  /** The state after them. */
  readonly after: ControlView;
  /** Those of which nothing is recorded. */
  readonly objected: ReadonlyArray<{ readonly job: J; readonly objection: Objection }>;
  /** Those that are planned later: all from the first on that differs from the batch in `loosens`. */
  readonly left: readonly J[];
}

const isKill = ({ command }: WaitingJob): boolean => command.type === 'kill';

/** The jobs to plan next, at most `most`: kills where any are due at `now`, else the oldest; none where none is due. */
export function nextJobs<J extends WaitingJob>(waiting: readonly J[], now: number, most: number): readonly J[] {
  const due = waiting.filter(({ notBefore }) => notBefore <= now);
  const kills = due.filter(isKill);
  const candidates = kills.length > 0 ? kills : due;
  return candidates[0]?.alone ? candidates.slice(0, 1) : candidates.filter(({ alone }) => !alone).slice(0, most);
}

/** Plans jobs one after the other, each on the state after those before it. */
export function planBatch<J extends GivenCommand>(
  view: ControlView,
  jobs: readonly J[],
  checks: readonly Check[],
): PlannedBatch<J> {
  const after = new Overlay(view);
  const planned: Array<Planned<J>> = [];
  const appends: Append[] = [];
  const objected: Array<{ readonly job: J; readonly objection: Objection }> = [];
  let left: readonly J[] = [];
  let loosening: boolean | null = null;
  for (const [index, job] of jobs.entries()) {
    const plan = planChange(after, job, checks);
    if (plan.is === 'nothing') {
      objected.push({ job, objection: plan.objection });
      continue;
    }
    const { change } = plan;
    loosening ??= loosens(change);
    if (loosens(change) !== loosening) {
      left = jobs.slice(index);
      break;
    }
    planned.push({ job, change, objection: plan.is === 'instead' ? plan.objection : null });
    appends.push({ ...change, expected: after.head });
    after.apply(change);
  }
  return { planned, appends, loosens: loosening ?? false, after, objected, left };
}

/** A view with changes on top that are not appended yet. */
class Overlay implements ControlView {
  readonly #view: ControlView;
  readonly #put = new State();
  readonly #removed = new Set<string>();
  head: Head | null;
  readonly time: string;

  constructor(view: ControlView) {
    this.#view = view;
    this.head = view.head;
    this.time = view.time;
  }

  get<K extends EntryKind>(kind: K, name?: string): Entry<K> | undefined {
    if (this.#removed.has(entryKey(kind, name))) return undefined;
    return this.#put.get(kind, name) ?? this.#view.get(kind, name);
  }

  apply({ patch, event, head }: PlannedChange): void {
    this.#put.apply(patch, event);
    for (const key of patch.remove) this.#removed.add(key);
    for (const [key] of patch.set) this.#removed.delete(key);
    this.head = head;
  }
}
