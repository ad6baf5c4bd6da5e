import { entryKey } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { evidenceOf } from '../evidence.ts';
import { givenFeature, givenFeatureName, givenRequirement } from '../given/feature.ts';
import { givenList } from '../given/list.ts';
import { partOf } from '../lists.ts';
import { type Promotion, promotionOf, readReports } from '../promotion.ts';
import { ChangeRefusedError, isChangeRefusedError, NotInitialisedError } from '../refusals.ts';
import { featureDetails } from '../status.ts';
import { type Acting, answerTo } from './acting.ts';

/** Features: their stages, and what they have to show. */
export function features(
  acting: Acting,
): Pick<ControlPlane, 'setFeature' | 'setRequirement' | 'features' | 'evidence'> {
  const { connection, opened } = acting;
  return {
    async setFeature(options) {
      const { command, waiting } = givenFeature(options);
      const promotion = await promotionOf(command, connection);
      const epoch = command.epoch ?? promotion?.epoch;
      const set = acting.setOrStop({ command: { ...command, evidence: promotion?.evidence, epoch }, waiting });
      return set.catch((error: unknown) => withUnjudged(error, promotion?.unjudged ?? []));
    },

    async setRequirement(options) {
      return answerTo(await acting.set(givenRequirement(options)));
    },

    async features(options = {}) {
      const { skip, limit } = givenList('features', options, {});
      const { state, time } = await opened.whole();
      const reports = await readReports(connection.shelf);
      const { data, count } = partOf([...state.features], { skip, limit });
      return {
        data: data.map(([name, entry]) => {
          const { stage, shadow_runs, agreement, missing } = evidenceOf(name, entry, reports, time);
          return { name, stage, ...featureDetails(entry), shadow_runs, agreement, missing };
        }),
        count,
      };
    },

    async evidence(name) {
      const { name: feature } = givenFeatureName(name);
      const view = await connection.read([entryKey('control'), entryKey('feature', feature)]);
      if (!view.head) throw new NotInitialisedError(opened.place);
      return evidenceOf(feature, view.get('feature', feature), await readReports(connection.shelf), view.time);
    },
  };
}

/** Names the runs that lack an outcome, where a promotion is refused for that. The plan knows numbers only. */
function withUnjudged(error: unknown, unjudged: Promotion['unjudged']): never {
  if (!isChangeRefusedError(error) || error.refusal.kind !== 'evidence_required' || unjudged.length === 0) throw error;
  if (!error.refusal.missing.some((each) => each.startsWith('the outcomes of'))) throw error;
  throw new ChangeRefusedError({ ...error.refusal, unjudged });
}
