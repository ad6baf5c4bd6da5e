import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import type { AttemptEnd } from '../ending.ts';
import { costsOf, type Spends, spendsOf } from '../spend.ts';
import type { Charged, Reservation, Spending, Tripped } from '../spending.ts';
import { answeredBefore } from './journal.ts';
import type { Outcome } from '../outcome.ts';
import type { Next, Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * How often, and how long after another, the journal is asked before a budget trips whether a call elsewhere has the
 * same key and the room: what that one intends is written a moment after it has its room.
 */
const [LOOKS, LOOK_AGAIN_MS] = [20, 50];

/**
 * Reserves in every budget what the call may come to, in one step; where it does not fit, stops what the budget says.
 * A call that is only drafted spends nothing yet, one that undoes something is not held up by what that has cost, and
 * one that is redirected spends for the input that was made for it.
 */
export const budgets: Step = {
  name: 'budgets',
  isFor: (_action, hasStore) => hasStore,
  take<Input, Result>(attempt: Attempt<Input, Result>): Next<Result> | Promise<Next<Result>> {
    const { action, decision, guard, reversal, subject } = attempt;
    const { spending } = guard;
    if (reversal || (!action.spend && !spending?.hasBudgets)) return 'go on';
    if (!spending) return refuseUnsupported(attempt, 'an action that spends needs a store that keeps its budgets');
    const { verdict } = decision;
    if (verdict === 'draft' || (verdict === 'redirect' && !attempt.redirected)) return 'go on';
    const spends = spendsOf(action, attempt.effective.input);
    if ('problem' in spends)
      return attempt.refuse(blocked(subject, faultCause('HANDLER_FAILED', spends.problem), decision));
    const charged = spending.charged(subject, spends.value);
    if ('code' in charged) return attempt.refuse(blocked(subject, faultCause(charged.code, charged.message), decision));
    for (const cause of spending.warningsOfUncounted(charged))
      guard.interventions.warn({ ...decision, cause }, subject, attempt.effective.input, 'deciding');
    if ((attempt.reservation?.terms ?? '') === charged.terms) return 'go on';
    return reserve(attempt, spending, { spends: spends.value, charged });
  },
};

/**
 * Whether what runs would come to what is reserved, in the budgets as they are now; asked in the turn that starts the
 * action, because a budget may have been set or lowered meanwhile.
 */
export function fitsReservation<Input, Result>(
  { action, guard, reservation, reversal, subject }: Attempt<Input, Result>,
  input: Input,
): boolean {
  if (reversal || !guard.spending) return true;
  const spends = spendsOf(action, input);
  const charged = 'value' in spends ? guard.spending.charged(subject, spends.value) : null;
  return charged !== null && 'terms' in charged && charged.terms === (reservation?.terms ?? '');
}

interface Asked {
  readonly spends: Spends;
  readonly charged: Charged;
}

async function reserve<Input, Result>(
  attempt: Attempt<Input, Result>,
  spending: Spending,
  { spends, charged }: Asked,
): Promise<Next<Result>> {
  if (attempt.reservation) {
    await attempt.withdraw(); // it was for other amounts, or in another window
    if (charged.terms === '') return 'again';
  }
  const key = attempt.action.journal ? attempt.options.idempotencyKey : undefined;
  if (key === undefined) return reserveNow(attempt, spending, { spends, charged, leave: () => {} });
  const { waited, leave } = await spending.turnOf(key);
  try {
    // Another delivery was about to start: what the journal has of that need not be paid for again.
    const answered = waited ? await answeredBefore(attempt) : null;
    return answered ?? (await reserveNow(attempt, spending, { spends, charged, leave }));
  } finally {
    if (!attempt.reservation) leave();
  }
}

async function reserveNow<Input, Result>(
  attempt: Attempt<Input, Result>,
  spending: Spending,
  { spends, charged, leave }: Asked & { readonly leave: () => void },
): Promise<Next<Result>> {
  const { decision, guard, subject } = attempt;
  const answer = await spending.reserve(subject, spends, charged);
  switch (answer.is) {
    case 'reserved': {
      const { begun } = answer.reservation;
      const reservation: Reservation = {
        ...answer.reservation,
        begun() {
          begun();
          leave();
        },
      };
      attempt.reservation = reservation;
      attempt.atEnd((end) => settle(attempt, spending, { reservation, end }));
      for (const cause of answer.warnings)
        guard.interventions.warn({ ...decision, cause }, subject, attempt.effective.input, 'deciding');
      return 'go on';
    }
    case 'over':
      return trip(attempt, spending, answer.tripped);
    case 'fault':
      return attempt.refuse(blocked(subject, faultCause(answer.fault.code, answer.fault.message), decision));
    default:
      return answer satisfies never;
  }
}

/**
 * What the journal has of an earlier call with this key, or of one elsewhere that has its room and is about to start:
 * that spends nothing more. Null: nothing.
 */
async function answeredSoon<Input, Result>(
  attempt: Attempt<Input, Result>,
  tripped: readonly Tripped[],
): Promise<Outcome<Result> | null> {
  const isShared = attempt.action.journal && attempt.options.idempotencyKey !== undefined;
  const looks = isShared && tripped.some(({ isAwaited }) => isAwaited) ? LOOKS : 1;
  for (let look = 1; ; look += 1) {
    const answered = await answeredBefore(attempt);
    if (answered || look === looks) return answered;
    await sleep(LOOK_AGAIN_MS, undefined, { ref: false });
  }
}

/** Each budget that has no room stops what it says; a call that none of that stops is refused all the same. */
async function trip<Input, Result>(
  attempt: Attempt<Input, Result>,
  spending: Spending,
  tripped: readonly [Tripped, ...Tripped[]],
): Promise<Next<Result>> {
  const { decision, subject } = attempt;
  const answered = await answeredSoon(attempt, tripped);
  if (answered) return answered;
  await spending.stop(tripped);
  const { verdict } = attempt.look();
  if (verdict !== decision.verdict) return 'again';
  return attempt.refuse(blocked(subject, tripped[0].cause, decision));
}

interface Settled<Result> {
  readonly reservation: Reservation;
  readonly end: AttemptEnd<Result>;
}

async function settle<Input, Result>(
  { action, decision, effective, guard, subject }: Attempt<Input, Result>,
  spending: Spending,
  { reservation: { id, begun }, end }: Settled<Result>,
): Promise<void> {
  begun();
  if (end.is === 'not_started') return spending.release(id);
  // What has failed may have cost all of it.
  if (end.is !== 'landed') return spending.settle(id, {});
  const { costs, problem } = costsOf(action, end.result);
  if (problem !== null) {
    const cause = faultCause('HANDLER_FAILED', `${problem}: all that was set aside counts`);
    guard.interventions.warn({ ...decision, cause }, subject, effective.input, 'landed');
  }
  return spending.settle(id, costs);
}
