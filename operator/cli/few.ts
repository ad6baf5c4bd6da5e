import type { ExecutorAcknowledgement } from '../acknowledge.ts';

/** How many silent and how many other executors are shown: the reports of one user must not fill the screen. */
const [SILENT_ROWS, ROWS] = [20, 200];

/** The executors that are shown, in their order. */
export function few<E extends Pick<ExecutorAcknowledgement, 'state'>>(executors: readonly E[]): readonly E[] {
  const [silent, others] = [true, false].map((is) => executors.filter(({ state }) => (state === 'silent') === is));
  const shown = new Set([...(silent ?? []).slice(0, SILENT_ROWS), ...(others ?? []).slice(0, ROWS)]);
  return executors.filter((executor) => shown.has(executor));
}

/** A line that says how many are not shown; none where all are. */
export const more = (all: readonly unknown[], shown: readonly unknown[]): string[] =>
  all.length > shown.length ? [`… and ${all.length - shown.length} more: kill-switch executors`] : [];
