import { type Anchor, KillSwitchError, quoteId } from '../flags/index.ts';

/**
 * To which control plane an anchor belongs; compared before heads are. Anchors of older versions do not name their
 * organization.
 */
export type AnchorOwner = Pick<Anchor, 'organization_id' | 'generations'>;

/** True unless both name an organization and these differ. */
export const isSameOrganization = (a: AnchorOwner, b: AnchorOwner): boolean =>
  a.organization_id === undefined || b.organization_id === undefined || a.organization_id === b.organization_id;

/**
 * True when both know a common generation. Every control plane begins with a generation of its own, and remembers it
 * over each `recover`.
 */
export const haveCommonGeneration = (a: readonly string[], b: readonly string[]): boolean =>
  a.some((generation) => b.includes(generation));

/** True when `kept` is newer than `anchor`: later in the same generation, or in a generation that came after it. */
export function isNewer(kept: Anchor, anchor: Anchor): boolean {
  if (kept.head.generation === anchor.head.generation) return kept.head.epoch > anchor.head.epoch;
  return kept.generations.includes(anchor.head.generation) && !anchor.generations.includes(kept.head.generation);
}

const controlPlane = ({ organization_id, first_generation, generations }: Anchor): string => {
  const first = first_generation ?? generations[0];
  const plane = first === undefined ? 'a control plane' : `the control plane that began as ${quoteId(first)}`;
  return organization_id === undefined ? plane : `${plane} of the organization ${quoteId(organization_id)}`;
};

/** The error for an anchor of another control plane: whose it is, whose it should be, and how to mend it. */
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

/**
 * @throws KillSwitchError ANCHOR_FOREIGN when `kept` is of another control plane: an executor of that one still needs
 * it
 */
export function checkReplaceable(kept: Anchor, anchor: Anchor, where: string): void {
  if (isSameOrganization(kept, anchor) && haveCommonGeneration(kept.generations, anchor.generations)) return;
  throw foreignAnchor(kept, where, {
    organizationId: anchor.organization_id ?? 'default',
    firstGeneration: anchor.first_generation,
  });
}
