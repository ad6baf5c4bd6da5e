import { quoteId, shellWord } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** Drills, and their schedules. */
export interface DrillFacts {
  /** Another drill is under way. */
  readonly drill_running: { readonly id: string; readonly by: string; readonly until: string };
  /** A drill gives back what it has stopped itself only, so it stops nothing that is stopped. */
  readonly drill_stopped: { readonly target: string };
  /** It has ended, or has said nothing for so long that it counts as abandoned. */
  readonly drill_over: { readonly id: string };
  /** Somebody else has changed what it has stopped. */
  readonly drill_touched: { readonly target: string; readonly by: string };
  /** Another process runs it for that time of its schedule, or has done so. */
  readonly drill_taken: { readonly name: string; readonly due: string };
  readonly no_drill: { readonly id: string };
  readonly no_schedule: { readonly name: string };
  readonly schedules_full: { readonly most: number };
}

export const DRILLS: RefusalRows<DrillFacts> = {
  drill_running: {
    code: 'INVALID_STATE',
    says: ({ id, by, until }) =>
      `The drill ${id} by ${by} is under way; it counts as abandoned at ${until} unless it goes on. There is one drill at a time.`,
    hint: { program: 'Wait for it: drills().', command: 'Wait for it: kill-switch drills' },
  },
  drill_stopped: {
    code: 'INVALID_STATE',
    says: ({ target }) =>
      `${target} is stopped already, or is not this drill's to stop. A drill stops only what is not stopped, since it gives that back.`,
    hint: ({ target }) => ({
      program: 'Drill another target, or revive this one first.',
      command: `Drill another target (--target), or give this one back first: kill-switch revive ${shellWord(target)} --reason "…"`,
    }),
  },
  drill_over: {
    code: 'INVALID_STATE',
    says: ({ id }) => `The drill ${id} is over, or has said nothing for so long that it counts as abandoned.`,
    hint: { program: 'See: drills().', command: 'See: kill-switch drills' },
  },
  drill_touched: {
    code: 'CONFLICT',
    says: ({ target, by }) =>
      `${target} was stopped, or changed, by ${by} since the drill had stopped it, so it stays.`,
    hint: ({ target }) => ({
      program: 'To lift it: revive({ target, reason: "…" }).',
      command: `To lift it: kill-switch revive ${shellWord(target)} --reason "…"`,
    }),
  },
  drill_taken: {
    code: 'INVALID_STATE',
    says: ({ name, due }) => `The drill ${quoteId(name)} of ${due} is run by another process, or was.`,
  },
  no_drill: {
    code: 'NOT_FOUND',
    says: ({ id }) => `There is no drill ${quoteId(id)} among the last ones.`,
    hint: { program: 'See what there is: drills().', command: 'See what there is: kill-switch drills' },
  },
  no_schedule: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no schedule ${quoteId(name)} of drills.`,
    hint: { program: 'See what there is: status().', command: 'See what there is: kill-switch drills' },
  },
  schedules_full: {
    code: 'INVALID_STATE',
    says: ({ most }) => `There are ${most} schedules of drills, and no more are taken.`,
    hint: {
      program: 'Remove one: removeDrillSchedule(name).',
      command: 'Remove one: kill-switch drill schedule NAME off',
    },
  },
};
