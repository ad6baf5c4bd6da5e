import { type Anchor, KillSwitchError, quoteId } from '../flags/index.ts';

/**
 * Whose anchor it is: what is compared before two heads are. Anchors of older versions do not name their organization.
 */
export type AnchorOwner = Pick<Anchor, 'organization_id' | 'generations'>;

/** True when both are of one organization, as far as they say. */
export const isSameOrganization = (a: AnchorOwner, b: AnchorOwner): boolean =>
  a.organization_id === undefined || b.organization_id === undefined || a.organization_id === b.organization_id;

/**
 * True when some log is a part of both: every control plane begins a generation of its own, and keeps it over each
 * `recover`.
 */
export const haveCommonGeneration = (a: readonly string[], b: readonly string[]): boolean =>
  a.some((generation) => b.includes(generation));

/**
 * True when `kept` is further along the way that `anchor` is on: later in the same generation, or in one that followed
 * on it.
 */
export function isNewer(kept: Anchor, anchor: Anchor): boolean {
  if (kept.head.generation === anchor.head.generation) return kept.head.epoch > anchor.head.epoch;
  return kept.generations.includes(anchor.head.generation) && !anchor.generations.includes(kept.head.generation);
}

const controlPlane = ({ organization_id, first_generation, generations }: Anchor): string => {
  const first = first_generation ?? generations[0];
  const plane = first === undefined ? 'a control plane' : `the control plane that began as ${quoteId(first)}`;
  return organization_id === undefined ? plane : `${plane} of the organization ${quoteId(organization_id)}`;
};

/** Why an anchor says nothing about a switch, and what to do about it. */
export const foreignAnchor = (
  anchor: Anchor,
  where: string | undefined,
  own: { readonly organizationId: string; readonly firstGeneration?: string | undefined },
): KillSwitchError =>
  new KillSwitchError(
    'ANCHOR_FOREIGN',
    `The anchor${where === undefined ? '' : ` ${where}`} is of ${controlPlane(anchor)}, but this executor follows ` +
      `${controlPlane({ ...anchor, organization_id: own.organizationId, first_generation: own.firstGeneration, generations: [] })}. ` +
      'Give it an anchor of its own (the option `anchor`); or, if nothing else uses that one, remove it to accept the store as it is.',
  );

/** @throws KillSwitchError ANCHOR_FOREIGN when `kept` belongs to somebody else, who still needs it */
export function checkReplaceable(kept: Anchor, anchor: Anchor, where: string): void {
  if (isSameOrganization(kept, anchor) && haveCommonGeneration(kept.generations, anchor.generations)) return;
  throw foreignAnchor(kept, where, {
    organizationId: anchor.organization_id ?? 'default',
    firstGeneration: anchor.first_generation,
  });
}
