import { checkKeys } from '../../flags/options.ts';
import { KEPT_INTERVENTIONS, KEPT_NOTICES, KEPT_PROPOSALS } from '../../store/ports.ts';
import { readInterventions } from '../../store/reports.ts';
import { acknowledge, EVERYTHING } from '../acknowledge.ts';
import type { ControlPlane } from '../control-plane.ts';
import { followInterventions } from '../follow-interventions.ts';
import { forgetExecutor } from '../forget-executor.ts';
import { givenFollowInterventions, givenList, givenSurfaces } from '../given/list.ts';
import { EXECUTOR_FILTERS, INTERVENTION_FILTERS } from '../list-filters.ts';
import { partOf } from '../lists.ts';
import { NotInitialisedError } from '../refusals.ts';
import { surfaceRows } from '../surface-rows.ts';
import type { Acting } from './acting.ts';

/** The longest list of interventions, or of one executor's proposals, that a store keeps. */
const KEPT = Math.max(KEPT_INTERVENTIONS, KEPT_PROPOSALS, KEPT_NOTICES);

type Executors = 'executors' | 'forgetExecutor' | 'interventions' | 'followInterventions' | 'surfaces';

/** What executors report. */
export const executors = (acting: Acting): Pick<ControlPlane, Executors> => {
  const { connection, opened } = acting;
  return {
    async executors(options = {}) {
      const { matches, ...page } = givenList('executors', options, EXECUTOR_FILTERS);
      const { beats, head, time } = await opened.hearing.hear();
      if (!head) throw new NotInitialisedError(opened.place);
      const about = { head, reach: EVERYTHING, store: head, time };
      const heard = beats.flatMap((beat) =>
        acknowledge([beat], about, 0).executors.map((executor) => ({ beat, executor })),
      );
      const found = heard.filter(matches).map(({ executor }) => executor);
      return partOf(found, page);
    },

    async forgetExecutor(executorId, options = {}) {
      const { writer } = checkKeys('forgetExecutor', options, { writer: true });
      acting.requireRight('stop', 'executors forget');
      return forgetExecutor(connection, executorId, writer);
    },

    async interventions(options = {}) {
      const { matches, wanted, ...page } = givenList('interventions', options, INTERVENTION_FILTERS);
      const { interventions, unreadable } = await readInterventions(connection.shelf, KEPT, wanted.proposals);
      return { ...partOf(interventions.filter(matches), page), unreadable };
    },

    followInterventions(options = {}) {
      const source = { shelf: connection.shelf, closed: opened.closed };
      return followInterventions(source, givenFollowInterventions(options));
    },

    async surfaces(options = {}) {
      const { matches, ...page } = givenSurfaces(options);
      return partOf((await surfaceRows(connection)).filter(matches), page);
    },
  };
};
