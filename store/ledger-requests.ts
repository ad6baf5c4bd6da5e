import { z } from 'zod';
import { invalid, MOST_AMOUNT, quoteId, SPEND_TYPES } from '../flags/index.ts';
import type { Costs, Reservation } from './capabilities/ledger.ts';

const amount = z.int().min(0).max(MOST_AMOUNT);
const time = z.int().min(0);
const id = z.string().min(1).max(100);

/** The longest name of an account, in characters. */
const LONGEST_ACCOUNT = 4096;
/** How many charges one call may have. */
const MOST_CHARGES = 1000;

const windowSchema = z.discriminatedUnion('is', [
  z.strictObject({ is: z.literal('total'), idleMs: time.nullable() }),
  z.strictObject({ is: z.literal('fixed'), from: time, until: time }),
  z.strictObject({ is: z.literal('sliding'), ms: z.int().min(1) }),
]);

const chargeSchema = z.object({
  account: z.string().min(1).max(LONGEST_ACCOUNT),
  type: z.enum(SPEND_TYPES),
  amount,
  limit: amount,
  warnAt: amount.nullable(),
  window: windowSchema,
});

export const reservationSchema = z.object({ id, charges: z.array(chargeSchema).max(MOST_CHARGES) });
export const costsSchema = z.strictObject({
  usd: amount.optional(),
  tokens: amount.optional(),
  calls: amount.optional(),
});

const first = ({ issues: [issue] }: z.ZodError): string =>
  issue ? `${issue.path.map(String).join('.') || 'it'}: ${issue.message}` : 'it cannot be read';

/** A reservation as a ledger takes it, without what else its charges say. @throws KillSwitchError INVALID_ARGUMENT */
export function givenReservation(given: Reservation): Reservation {
  const parsed = reservationSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw invalid(
    `A reservation has whole amounts from 0 to ${MOST_AMOUNT}, and windows of times (${first(parsed.error)}).`,
  );
}

/** The id of a reservation. @throws KillSwitchError INVALID_ARGUMENT */
export function givenReservationId(given: string): string {
  if (id.safeParse(given).success) return given;
  throw invalid(`The id of a reservation is a text of 1 to 100 characters, not ${quoteId(given)}.`);
}

/** What a call came to. @throws KillSwitchError INVALID_ARGUMENT */
export function givenCosts(given: Costs): Costs {
  const parsed = costsSchema.safeParse(given);
  if (parsed.success) return Object.fromEntries(Object.entries(parsed.data).filter(([, units]) => units !== undefined));
  throw invalid(`Costs are whole amounts from 0 to ${MOST_AMOUNT} in ledger units (${first(parsed.error)}).`);
}

/** True when each day that a reservation names is the one of this moment. */
export const isOfThisDay = ({ charges }: Reservation, now: number): boolean =>
  charges.every(({ window }) => window.is !== 'fixed' || (window.from <= now && now < window.until));
