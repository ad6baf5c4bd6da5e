import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { deepFreeze } from './freeze.ts';
import { MODES } from './modes.ts';
import { type Role, ROLES } from './roles.ts';

/**
 * Who else has to agree before authority is given back: nobody; another person than who asks (`asker`); also another
 * than all who have restricted it since it was whole (`killer`). To repeat a stop restricts nothing.
 */
export const SECOND_PERSONS = Object.freeze(['off', 'asker', 'killer'] as const);

/** One of {@link SECOND_PERSONS}. */
export type SecondPerson = (typeof SECOND_PERSONS)[number];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The least and the most of each duration, in milliseconds. */
export const GOVERNANCE_BOUNDS: Readonly<
  Record<'dwell_ms' | 'pending_expires_ms' | 'drill_ms', readonly [least: number, most: number]>
> = deepFreeze({
  /** How long each step of the ladder has to stand. */
  dwell_ms: [0, 30 * DAY_MS],
  /** How long a request waits for another person. */
  pending_expires_ms: [1000, 30 * DAY_MS],
  /** How old the last passed drill may be. */
  drill_ms: [MINUTE_MS, 366 * DAY_MS],
});

const within = ([least, most]: readonly [number, number]): z.ZodNumber => z.int().min(least).max(most);

/** What giving authority back takes, beside a reason and a role. */
export const governanceSchema = z.strictObject({
  second_person: z.enum(SECOND_PERSONS),
  /** True: one step looser at a time (`flags/ladder.ts`). */
  ladder: z.boolean(),
  dwell_ms: within(GOVERNANCE_BOUNDS.dwell_ms),
  /** Null: no drill is asked for. */
  drill_ms: within(GOVERNANCE_BOUNDS.drill_ms).nullable(),
  /** True: in an emergency one person may do without the others and the steps, which is loudly logged. */
  break_glass: z.boolean(),
  pending_expires_ms: within(GOVERNANCE_BOUNDS.pending_expires_ms),
  /** Who may restore a mode, where that is not everybody who may give authority back. */
  restore_roles: z.partialRecord(z.enum(MODES), z.array(z.enum(ROLES)).min(1)),
});

/** What giving authority back takes. */
export interface Governance extends z.infer<typeof governanceSchema> {}

/** Where nobody has set any. */
export const NO_GOVERNANCE: Governance = deepFreeze({
  second_person: 'off',
  ladder: false,
  dwell_ms: 0,
  drill_ms: null,
  break_glass: false,
  pending_expires_ms: 60 * MINUTE_MS,
  restore_roles: {},
});

/** True for the same governance. */
export const isSameGovernance = (one: Governance, other: Governance): boolean =>
  canonicalize(termsOf(one)) === canonicalize(termsOf(other));

/** The governance of an entry, without its last change. */
export const termsOf = ({
  second_person,
  ladder,
  dwell_ms,
  drill_ms,
  break_glass,
  pending_expires_ms,
  restore_roles,
}: Governance): Governance => ({
  second_person,
  ladder,
  dwell_ms,
  drill_ms,
  break_glass,
  pending_expires_ms,
  restore_roles,
});

/** True where the second asks for no less than the first, in each respect: else a change to it gives authority back. */
export function asksForNoLess(before: Governance, after: Governance): boolean {
  return (
    SECOND_PERSONS.indexOf(after.second_person) >= SECOND_PERSONS.indexOf(before.second_person) &&
    (after.ladder || !before.ladder) &&
    after.dwell_ms >= before.dwell_ms &&
    (before.drill_ms === null || (after.drill_ms !== null && after.drill_ms <= before.drill_ms)) &&
    (before.break_glass || !after.break_glass) &&
    after.pending_expires_ms <= before.pending_expires_ms &&
    MODES.every((mode) => namesNoMore(before.restore_roles[mode], after.restore_roles[mode]))
  );
}

/** Absent: everybody who may give authority back. */
const namesNoMore = (before: readonly Role[] | undefined, after: readonly Role[] | undefined): boolean =>
  before === undefined || (after !== undefined && after.every((role) => before.includes(role)));
