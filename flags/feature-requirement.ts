import { z } from 'zod';

/** How many runs, and how many days, a requirement can ask for at most. */
export const MOST_RUNS = 10_000;
const MOST_DAYS = 365;

/**
 * What has to be shown before a feature goes beyond `shadow`: at least so many shadow runs, on at least so many days,
 * and at least such a share of agreement among those that a person has judged. With any requirement no intervention may
 * be unresolved. 0: not asked for.
 */
export const requirementSchema = z.strictObject({
  runs: z.int().min(0).max(MOST_RUNS),
  days: z.int().min(0).max(MOST_DAYS),
  agreement: z.number().min(0).max(1),
});
/** What {@link requirementSchema} accepts. */
export type FeatureRequirement = z.infer<typeof requirementSchema>;

const count = z
  .int()
  .min(0)
  .max(2 ** 31);

/**
 * What the reports of executors come to, in numbers only: no text of theirs enters an event. `days`: the calendar days
 * (UTC) with a shadow run. `judged`: the shadow runs beside which stands what a person did; `agreed`: those in which it
 * was the same.
 */
export const evidenceSchema = z.strictObject({
  shadow_runs: count,
  days: count,
  judged: count,
  agreed: count,
  unresolved: count,
});
/** What {@link evidenceSchema} accepts. */
export type FeatureEvidence = z.infer<typeof evidenceSchema>;

/** The evidence of a feature of which nothing was reported. */
export const NO_EVIDENCE: FeatureEvidence = Object.freeze({
  shadow_runs: 0,
  days: 0,
  judged: 0,
  agreed: 0,
  unresolved: 0,
});

/** The share of judged shadow runs in which a person did the same; null where none was judged. */
export const agreementOf = ({ judged, agreed }: FeatureEvidence): number | null =>
  judged === 0 ? null : agreed / judged;

/** A share for people: 95 %. */
export const shareText = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

/** What the evidence lacks, one part of a sentence for each; none where the requirement is met. */
export function missingEvidence({ runs, days, agreement }: FeatureRequirement, evidence: FeatureEvidence): string[] {
  const share = agreementOf(evidence);
  const { shadow_runs, judged, unresolved } = evidence;
  // Where agreement counts, it is asked of as many runs as have to be shown, not of the one that went well.
  const toJudge = agreement > 0 ? Math.max(1, runs) : 0;
  return [
    ...(shadow_runs < runs ? [`${shadow_runs} of ${runs} shadow runs`] : []),
    ...(evidence.days < days ? [`shadow runs on ${evidence.days} of ${days} days`] : []),
    ...(judged < toJudge ? [`the outcomes of ${judged} of ${toJudge} shadow runs`] : []),
    ...(share !== null && share < agreement
      ? [`an agreement of ${shareText(share)} where ${shareText(agreement)} are required`]
      : []),
    ...(unresolved > 0
      ? [`${unresolved} unresolved ${unresolved === 1 ? 'intervention' : 'interventions'}, where none may be left`]
      : []),
  ];
}

/** True where the second requirement asks for less than the first, in anything. */
export function asksForLess(before: FeatureRequirement | undefined, after: FeatureRequirement | undefined): boolean {
  if (!before) return false;
  if (!after) return true;
  return after.runs < before.runs || after.days < before.days || after.agreement < before.agreement;
}

/** True for the same requirement. */
export const isSameRequirement = (
  one: FeatureRequirement | undefined,
  other: FeatureRequirement | undefined,
): boolean => one?.runs === other?.runs && one?.days === other?.days && one?.agreement === other?.agreement;

/** True for one that asks for nothing, and so is none. */
export const asksForNothing = ({ runs, days, agreement }: FeatureRequirement): boolean =>
  runs === 0 && days === 0 && agreement === 0;
