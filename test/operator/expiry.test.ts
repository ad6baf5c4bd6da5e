import { describe, expect, test } from 'vitest';
import type { ActiveKill } from '../../flags/index.ts';
import { expiryProof } from '../../operator/expiry.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-01-01T00:00:00.000Z');
/** Killed at T0, for eight hours. */
const kill: ActiveKill = {
  id: 'k',
  target: 'agent:x',
  mode: 'full_stop',
  reason: null,
  killed_by: 'unverified:ann',
  killed_at: '2026-01-01T00:00:00.000Z',
  expires_at: '2026-01-01T08:00:00.000Z',
  ...LAST_CHANGE,
  epoch: 3,
};

interface Given {
  /**
   * How long this process has run, by the clock that counts, and how far its wall clock was from the true time at its
   * start and is now.
   */
  readonly ranFor: number;
  readonly startedOff?: number;
  readonly off?: number;
  /** How long after T0 it is, truly, and what the store's clock is off by. */
  readonly now: number;
  readonly storeOff?: number;
  readonly seenFor?: number;
  readonly ownClock?: boolean;
  readonly lastEventAt?: number;
  readonly roundTrip?: number;
}

const proof = (given: Given) => {
  const { ranFor, startedOff = 0, off = startedOff, now, storeOff = 0, seenFor = ranFor, roundTrip = 10 } = given;
  const at = (mono: number, wall: number) => ({ mono, wall });
  return expiryProof(
    kill,
    at(1000 + ranFor - seenFor, 0),
    {
      before: at(1000 + ranFor, T0 + now + off),
      after: at(1000 + ranFor + roundTrip, T0 + now + off + roundTrip),
      store: T0 + now + storeOff,
    },
    {
      started: at(1000, T0 + now - ranFor + startedOff),
      ownClock: given.ownClock ?? true,
      lastEventAt: given.lastEventAt ?? T0,
    },
  );
};

describe('the time of a kill is over', () => {
  test.each<[string, Given, ReturnType<typeof proof>]>([
    ['for a process that has just begun, by two clocks that agree', { ranFor: 0, now: 8 * HOUR }, 'clocks'],
    ['for one that has waited for all of it', { ranFor: 8 * HOUR, now: 8 * HOUR, ownClock: false }, 'waited'],
    [
      'for one that has waited, whatever its own wall clock says',
      { ranFor: 8 * HOUR, now: 8 * HOUR, off: 99 * HOUR },
      'waited',
    ],
    ['not before it is', { ranFor: 7 * HOUR, now: 7 * HOUR }, null],
    ['not by this machine’s clock alone, nine hours ahead', { ranFor: 0, now: HOUR, startedOff: 9 * HOUR }, null],
    ['not by the store’s clock alone, nine hours ahead', { ranFor: HOUR, now: HOUR, storeOff: 9 * HOUR }, null],
    [
      'not by a clock that was set since the process began, and the store’s',
      { ranFor: HOUR, now: HOUR, off: 9 * HOUR, storeOff: 9 * HOUR },
      null,
    ],
    [
      'not where the store has no other clock than this machine’s',
      { ranFor: HOUR, now: HOUR, startedOff: 9 * HOUR, storeOff: 9 * HOUR, ownClock: false },
      null,
    ],
    [
      'not while the store’s clock says that it is not, however long was waited',
      { ranFor: 9 * HOUR, now: 9 * HOUR, storeOff: -2 * HOUR },
      null,
    ],
    [
      'not while the store’s clock is behind its own log',
      { ranFor: 9 * HOUR, now: 9 * HOUR, lastEventAt: T0 + 10 * HOUR },
      null,
    ],
    ['not by clocks when the store took long to answer', { ranFor: 0, now: 8 * HOUR, roundTrip: 2500 }, null],
    [
      'not for a process that has run long but has seen this end late',
      { ranFor: 9 * HOUR, seenFor: HOUR, now: 9 * HOUR, ownClock: false },
      null,
    ],
    ['by clocks that differ a little', { ranFor: 0, now: 8 * HOUR + 1500, storeOff: -1500 }, 'clocks'],
    ['not by clocks that differ more', { ranFor: 0, now: 8 * HOUR + 2500, storeOff: -2500 }, null],
  ])('%s', (_, given, expected) => {
    expect(proof(given)).toBe(expected);
  });

  test('never for one without an end', () => {
    const look = { before: { mono: 9e15, wall: 9e15 }, after: { mono: 9e15, wall: 9e15 }, store: 9e15 };
    const time = { started: { mono: 0, wall: 0 }, ownClock: true, lastEventAt: 0 };
    expect(expiryProof({ ...kill, expires_at: null }, { mono: 0, wall: 0 }, look, time)).toBeNull();
  });
});
