import { shownId } from '../../flags/index.ts';
import type { AgentRow } from '../answers.ts';
import { namesCell, timeCell } from './run-tables.ts';
import { modeCell } from './standing-out.ts';
import type { Column } from './table.ts';

/** Who works, with what restricts each whatever it does. */
export function agentColumns(now = Date.now()): readonly Column<AgentRow>[] {
  return [
    { heading: 'AGENT', cell: ({ agent_id }) => agent_id },
    { heading: 'WORK', cell: ({ open }) => (open ? { ready: 'open' } : null), fixed: true },
    { heading: 'IN FLIGHT', cell: ({ in_flight }) => in_flight, fixed: true },
    { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
    {
      heading: 'BY',
      cell: ({ restrictions }) => (restrictions.length === 0 ? null : { ready: byWords(restrictions) }),
    },
    { heading: 'EXECUTORS', cell: ({ executors }) => namesCell(executors) },
    { heading: 'RUNS', cell: ({ runs }) => namesCell(runs), gives: true },
    { heading: 'MISSIONS', cell: ({ missions }) => namesCell(missions), gives: true },
    { heading: 'HEARD', cell: ({ last_at }) => timeCell(last_at, now), fixed: true },
  ];
}

/** The strictest restriction, and how many more there are. */
function byWords([strictest, ...others]: AgentRow['restrictions']): string {
  if (!strictest) return '';
  const { cause, target } = strictest;
  const by =
    cause.kind === 'kill'
      ? `kill of ${shownId(target)}`
      : cause.kind === 'mode'
        ? 'the base mode'
        : `${cause.kind} on ${shownId(target)}`;
  return others.length === 0 ? by : `${by}, and ${others.length} more`;
}
