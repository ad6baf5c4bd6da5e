import { z } from 'zod';
import { type Charge, invalid, type LedgerWindow, MOST_AMOUNT, quoteId, SPEND_TYPES } from '../flags/index.ts';
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

/** A reservation as a ledger takes it. @throws KillSwitchError INVALID_ARGUMENT */
export function givenReservation(given: Reservation): Reservation {
  if (isReservation(given)) return given;
  const parsed = reservationSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw invalid(
    `A reservation has whole amounts from 0 to ${MOST_AMOUNT}, and windows of times (${first(parsed.error)}).`,
  );
}

/**
 * The schema's check by hand, for speed: every call that spends makes one. What its charges say besides is left out
 * where it is written down; the schema judges whatever fails here.
 */
const isReservation = ({ id: given, charges }: Reservation): boolean =>
  typeof given === 'string' &&
  given !== '' &&
  given.length <= 100 &&
  Array.isArray(charges) &&
  charges.length <= MOST_CHARGES &&
  charges.every(isCharge);

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const isCharge = ({ account, type, amount: own, limit, warnAt, window }: Charge): boolean =>
  typeof account === 'string' &&
  account !== '' &&
  account.length <= LONGEST_ACCOUNT &&
  SPEND_TYPES.includes(type) &&
  isWhole(own) &&
  isWhole(limit) &&
  (warnAt === null || isWhole(warnAt)) &&
  isWindow(window);

function isWindow(window: LedgerWindow): boolean {
  if (window.is === 'total') return window.idleMs === null || isWhole(window.idleMs);
  if (window.is === 'fixed') return isWhole(window.from) && isWhole(window.until);
  return window.is === 'sliding' && isWhole(window.ms) && window.ms > 0;
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
