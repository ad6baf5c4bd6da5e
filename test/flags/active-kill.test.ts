import { describe, expect, test } from 'vitest';
import { activeKillSchema, isActiveKill } from '../../flags/records.ts';
import { LAST_CHANGE } from './last-change.ts';

const kill = {
  id: 'k-1',
  target: 'agent:returns-bot',
  mode: 'full_stop',
  reason: null,
  killed_by: 'unverified:dana',
  killed_at: '2026-01-01T00:00:00.000Z',
  expires_at: null,
  ...LAST_CHANGE,
  epoch: 3,
};

const ODD = [
  undefined,
  null,
  '',
  'x',
  0,
  -1,
  1.5,
  Number.NaN,
  {},
  [],
  true,
  '2026-13-01T00:00:00Z',
  'agent:',
  'paused',
];

describe('a kill that is checked by hand', () => {
  test.each([kill, { ...kill, target: 'all', reason: 'r', expires_at: '2027-01-01T00:00:00Z', mode: 'paused' }])(
    'is taken when it is right: %j',
    (value) => {
      expect(isActiveKill(value)).toBe(true);
      expect(activeKillSchema.parse(value)).toEqual(value);
    },
  );

  test.each(Object.keys(kill))('is never taken where the schema refuses its %s', (member) => {
    let refused = 0;
    for (const odd of ODD) {
      const value = { ...kill, [member]: odd };
      if (activeKillSchema.safeParse(value).success) continue;
      refused += 1;
      expect(isActiveKill(value), JSON.stringify(value)).toBe(false);
    }
    expect(refused).toBeGreaterThan(0);
    expect(isActiveKill(Object.fromEntries(Object.entries(kill).filter(([name]) => name !== member)))).toBe(false);
  });

  test.each([null, 'kill', 7, [], { ...kill, more: 1 }])(
    'is left to the schema when it has another shape: %j',
    (value) => {
      expect(isActiveKill(value)).toBe(false);
    },
  );
});
