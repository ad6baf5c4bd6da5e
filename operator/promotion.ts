import {
  entryKey,
  type FeatureEvidence,
  isLooserStage,
  loosestStage,
  surelyNoLooser,
  type StageTerms,
} from '../flags/index.ts';
import { type ControlConnection, KEPT_INTERVENTIONS, type ShelfReader } from '../store/ports.ts';
import { readInterventions } from '../store/reports.ts';
import { readShadow } from '../store/shadow-records.ts';
import { evidenceNumbers, evidenceOf, type Reports, type UnjudgedRun } from './evidence.ts';

/** All that executors have reported of features, as far as the store keeps it. */
export async function readReports(shelf: ShelfReader): Promise<Reports> {
  const shadow = await readShadow(shelf);
  const { interventions } = await readInterventions(shelf, KEPT_INTERVENTIONS);
  return { ...shadow, interventions };
}

/** What a promotion rests on, and the epoch at which that was read: what was changed since is not promoted by it. */
export interface Promotion {
  /** Undefined where the feature has no requirement, or gives nobody more. */
  readonly evidence: FeatureEvidence | undefined;
  /** The first runs that lack an outcome. */
  readonly unjudged: readonly UnjudgedRun[];
  readonly epoch: number | undefined;
}

/**
 * The evidence for a feature that is to go beyond `shadow`, where it has a requirement. A demotion reads no reports, so
 * it is as quick as any kill. Null: it goes no further than `shadow`, and nothing was read.
 */
export async function promotionOf(
  { name, ...terms }: StageTerms & { readonly name: string },
  { read, shelf }: Pick<ControlConnection, 'read' | 'shelf'>,
): Promise<Promotion | null> {
  if (!isLooserStage(loosestStage(terms), 'shadow')) return null;
  const view = await read([entryKey('control'), entryKey('feature', name)]);
  const entry = view.get('feature', name);
  const epoch = view.head?.epoch;
  if (!entry?.requirement || surelyNoLooser(name, entry, terms)) return { evidence: undefined, unjudged: [], epoch };
  const shown = evidenceOf(name, entry, await readReports(shelf), view.time);
  return { evidence: evidenceNumbers(shown), unjudged: shown.unjudged, epoch };
}
