import { entryKey } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { evidenceOf } from '../evidence.ts';
import { givenFeature, givenFeatureName, givenRequirement } from '../given/feature.ts';
import { givenList } from '../given/list.ts';
import { partOf } from '../lists.ts';
import { promotionOf, readReports } from '../promotion.ts';
import { NotInitialisedError } from '../refusals.ts';
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
      return acting.setOrStop({ command: { ...command, ...promotion, epoch }, waiting });
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
