import { describe, expect, test } from 'vitest';
import { ZodError } from 'zod';
import { GENESIS, sealEvent } from '../../flags/hash-chain.ts';
import {
  activeKillSchema,
  anchorSchema,
  headSchema,
  idSchema,
  isActiveKill,
  killRecord,
  limitValueSchema,
  logEventSchema,
  MAX_EPOCH,
  MAX_REASON_LENGTH,
  parseEvent,
  targetSchema,
} from '../../flags/records.ts';
import { LAST_CHANGE } from './last-change.ts';

const kill = {
  id: 'k-1',
  target: 'agent:returns-bot',
  mode: 'full_stop' as const,
  reason: null,
  killed_by: 'unverified:dana',
  killed_at: '2026-01-01T00:00:00.000Z',
  expires_at: null,
  ...LAST_CHANGE,
  epoch: 3,
};

const event = sealEvent({
  seq: 1,
  at: '2026-01-01T00:00:00.000Z',
  actor: 'unverified:dana',
  type: 'init',
  data: { generation: 'g0' },
  reason: null,
  prev: GENESIS,
});

const head = { generation: 'g0', epoch: 1, hash: event.hash, recovered: false };

const ODD = [
  undefined,
  null,
  '',
  'x',
  0,
  -1,
  1.5,
  MAX_EPOCH + 1,
  Number.NaN,
  {},
  [],
  true,
  '2026-13-01T00:00:00Z',
  '2026-01-01T00:00:00+01:00',
  'agent:',
  'paused',
  'x'.repeat(MAX_REASON_LENGTH + 1),
  event.hash.toUpperCase(),
  `x${event.hash}`,
  `${event.hash}x`,
  [event.hash],
  [event.at],
];

/** True where the check by hand took it: what the schema took is another object. */
function isTakenByHand(value: unknown): boolean {
  try {
    return parseEvent(value) === value;
  } catch (error) {
    if (error instanceof ZodError) return false;
    throw error;
  }
}

interface Checked {
  readonly what: string;
  readonly right: readonly object[];
  readonly schema: typeof activeKillSchema | typeof logEventSchema;
  readonly isTaken: (value: unknown) => boolean;
}

describe.each<Checked>([
  {
    what: 'a kill',
    right: [kill, { ...kill, target: 'all', reason: 'r', expires_at: '2027-01-01T00:00:00Z', mode: 'paused' }],
    schema: activeKillSchema,
    isTaken: isActiveKill,
  },
  {
    what: 'an event',
    right: [event, { ...event, seq: MAX_EPOCH, reason: 'x'.repeat(MAX_REASON_LENGTH), at: '2026-01-01T00:00:00Z' }],
    schema: logEventSchema,
    isTaken: isTakenByHand,
  },
])('$what that is checked by hand', ({ right, schema, isTaken }) => {
  const one = { ...right[0] };

  test.each(right)('is taken when it is right: %#', (value) => {
    expect(isTaken(value)).toBe(true);
    expect(schema.parse(value)).toEqual(value);
  });

  test.each(Object.keys(one))('is never taken where the schema refuses its %s', (member) => {
    let refused = 0;
    for (const odd of ODD) {
      const value = { ...one, [member]: odd };
      if (schema.safeParse(value).success) continue;
      refused += 1;
      expect(isTaken(value), JSON.stringify(value)).toBe(false);
    }
    expect(refused).toBeGreaterThan(0);
    expect(isTaken(Object.fromEntries(Object.entries(one).filter(([name]) => name !== member)))).toBe(false);
  });

  test.each([null, 'kill', 7, [], { ...one, more: 1 }])(
    'is left to the schema when it has another shape: %#',
    (value) => {
      expect(isTaken(value)).toBe(false);
      expect(schema.safeParse(value).success).toBe(false);
    },
  );
});

describe('an event from outside', () => {
  test('is refused where neither the check by hand nor the schema takes it', () => {
    expect(() => parseEvent({ ...event, actor: '' })).toThrow(/actor/);
    expect(() => parseEvent({ ...event, type: '' })).toThrow(/type/);
  });

  test('whose data is no plain object is left to the schema', () => {
    expect(isTakenByHand({ ...event, data: new Map() })).toBe(false);
  });
});

describe('the bounds of what is recorded', () => {
  const takes = (schema: { safeParse(value: unknown): { success: boolean } }, values: readonly unknown[]): boolean[] =>
    values.map((value) => schema.safeParse(value).success);

  test('of an id, and why one is refused', () => {
    expect(takes(idSchema, ['a', '*', 'x'.repeat(512), 'x'.repeat(513), '', 'a\n', 7])).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(idSchema.safeParse('').error?.issues).toMatchObject([{ code: 'custom', message: 'must not be empty' }]);
  });

  test('of a target, and why one is refused', () => {
    expect(takes(targetSchema, ['all', 'agent:a', 'agent:', 'nobody'])).toEqual([true, true, false, false]);
    expect(targetSchema.safeParse('nobody').error?.issues).toMatchObject([
      { message: expect.stringContaining('nobody') },
    ]);
  });

  test('of a limit', () => {
    expect(takes(limitValueSchema, [0, 0.5, -1, Number.POSITIVE_INFINITY])).toEqual([true, true, false, false]);
  });

  test('of a head', () => {
    const heads = [
      head,
      { ...head, epoch: MAX_EPOCH },
      { ...head, generation: 'x'.repeat(100) },
      { ...head, epoch: 0 },
      { ...head, epoch: MAX_EPOCH + 1 },
      { ...head, generation: '' },
      { ...head, generation: 'x'.repeat(101) },
      { ...head, hash: event.hash.toUpperCase() },
      { ...head, more: 1 },
    ];
    expect(takes(headSchema, heads)).toEqual([true, true, true, ...Array<boolean>(6).fill(false)]);
  });

  test('of an anchor: older versions name neither organization nor first generation', () => {
    const old = { head, generations: ['g0'] };
    const anchors = [old, { ...old, organization_id: 'acme', first_generation: 'g0' }, { ...old, more: 1 }, { head }];
    expect(takes(anchorSchema, anchors)).toEqual([true, true, false, false]);
  });
});

describe('the record of a kill', () => {
  const shown = {
    id: 'k-1',
    organization_id: 'acme',
    target: 'agent:returns-bot',
    target_type: 'agent',
    target_id: 'returns-bot',
    mode: 'full_stop',
    reason: null,
    killed_by: 'unverified:dana',
    killed_at: kill.killed_at,
    expires_at: null,
  };

  test('is active while nobody has revived it', () => {
    expect(killRecord('acme', kill)).toEqual({
      ...shown,
      is_active: true,
      revived_by: null,
      revived_at: null,
      revive_reason: null,
    });
  });

  test('says who revived it, when and why', () => {
    expect(killRecord('acme', kill, { by: 'ann', at: '2026-02-01T00:00:00Z', reason: 'fixed' })).toEqual({
      ...shown,
      is_active: false,
      revived_by: 'ann',
      revived_at: '2026-02-01T00:00:00Z',
      revive_reason: 'fixed',
    });
  });
});
