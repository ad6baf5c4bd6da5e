import { formatDuration } from '../duration.ts';
import { drillColumns } from '../drill-words.ts';
import { listing } from '../listing.ts';
import { shortTime } from '../output.ts';
import { shownId } from '../../../flags/index.ts';
import type { DrillScheduleRecord } from '../../drill/records.ts';

/** One line for each drill that comes back. */
const scheduleLine = ({ name, kind, target, window_ms, at, next_at, overdue }: DrillScheduleRecord): string =>
  `${shownId(name)}: ${kind}${target === null ? '' : ` of ${shownId(target)}`} within ${formatDuration(window_ms)}, ${at}, next ${shortTime(next_at)}${overdue ? ', OVERDUE' : ''}`;

export const verb = listing({
  noun: 'drill',
  order: ', newest first',
  none: 'There was no drill yet: kill-switch drill',
  filters: {},
  async list(context, asked) {
    const control = await context.control();
    const drills = await control.drills(asked);
    const schedules = (await control.drillSchedules()).data;
    if (drills.count === 0) for (const schedule of schedules) context.note(scheduleLine(schedule));
    return {
      ...drills,
      below: schedules.length === 0 ? undefined : ['', 'Scheduled:', ...schedules.map(scheduleLine)],
      more: { schedules },
    };
  },
  columns: () => drillColumns,
});
