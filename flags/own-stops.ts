import { MOST_AMOUNT } from './amounts.ts';
import type { BudgetCharge } from './budgets.ts';
import type { Stop } from './stops.ts';
import type { Trip } from './tripwire-detector.ts';

/** Who stops, and what is known there. */
export interface StopMaker {
  readonly id: string;
  /** The epoch of the state by which it was decided. */
  readonly epoch: number;
  /** The store's time, in milliseconds; null where it is not known. */
  readonly now: number | null;
}

const timeOf = (now: number | null): { readonly at?: string } =>
  now === null ? {} : { at: new Date(now).toISOString() };

const bounded = (value: number): number => (Number.isFinite(value) ? Math.min(value, MOST_AMOUNT) : MOST_AMOUNT);

/** The stop of a budget in which a call had no room; null where the call names nothing that could be stopped. */
export function budgetStop(
  { budget, counted, target, type, limit }: Omit<BudgetCharge, 'account'>,
  spent: number,
  { id, epoch, now }: StopMaker,
): Stop | null {
  if (target === null) return null;
  return {
    ...{ id, target, epoch, ...timeOf(now), by: 'budget', name: budget, counted, type },
    ...{ value: bounded(spent), limit: bounded(limit) },
  };
}

/** The stop of a tripwire that has tripped. */
export const tripwireStop = ({ tripwire, target, value, limit }: Trip, { id, epoch, now }: StopMaker): Stop => ({
  ...{
    id,
    target,
    epoch,
    ...timeOf(now),
    by: 'tripwire',
    name: tripwire,
    value: bounded(value),
    limit: bounded(limit),
  },
});
