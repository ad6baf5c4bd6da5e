import type { Head } from '../../flags/index.ts';
import { type CommandRow, event, type Loosening, nameRefused, refused } from './row.ts';

export const init: CommandRow<{ readonly generation: string }> = {
  changes: () => ['control'],
  wish: ({ generation }, { head }) =>
    head ? refused({ kind: 'already_initialised', epoch: head.epoch, place: null }) : event('init', { generation }),
  isUngoverned: true,
  beginsGeneration: true,
  needsNoReason: true,
};

/** The epoch refuses the second of two simultaneous ones. */
export interface Recover extends Loosening {
  readonly generation: string;
  readonly givenUp: readonly Head[];
  /** True: it may begin a log where there is none. Something shows that there was one, or an operator says so. */
  readonly begins?: boolean | undefined;
  /** Executors whose reports of forks are ignored from now on, and those whose reports count again. */
  readonly exclude?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
}

export const recover: CommandRow<Recover> = {
  changes: () => ['control'],
  isUngoverned: true,
  reads: ['control', 'mode'],
  beginsGeneration: true,
  beyond: ({ givenUp }) => Math.max(0, ...givenUp.map(({ epoch }) => epoch)),
  wish: ({ generation, givenUp, begins, exclude = [], include = [] }, view) => {
    if (!view.head && !begins) return refused({ kind: 'never_seen', place: null });
    for (const name of exclude) {
      const wrong = nameRefused('an executor', name);
      if (wrong) return wrong;
    }
    const names = new Set([...(view.get('control')?.excluded ?? []), ...exclude]);
    for (const name of include) names.delete(name);
    const excluded = names.size > 0 ? { excluded: [...names] } : {};
    return event('recover', { generation, given_up: givenUp, ...excluded });
  },
};
