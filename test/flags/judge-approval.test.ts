import { describe, expect, test } from 'vitest';
import {
  type ApprovalCall,
  type ApprovalFacts,
  type Entry,
  hasMatching,
  isKeptApproval,
  isStandingFor,
  judgeApproval,
  keptApprovalSchema,
  type Restricting,
} from '../../flags/index.ts';
import { boundRequest, keptApproval, REQUESTED_AT } from './approval-requests.ts';
import { LAST_CHANGE } from './last-change.ts';

const request = boundRequest();
const HOUR = 3_600_000;

const entry = (more: Partial<Entry<'approval'>> = {}): Entry<'approval'> => ({
  status: 'approved',
  request,
  given: [{ by: 'unverified:dana', at: '2026-01-01T00:00:10.000Z' }],
  edited: null,
  decided_by: 'unverified:dana',
  decided_at: '2026-01-01T00:00:10.000Z',
  notes: null,
  escalated: false,
  ...LAST_CHANGE,
  ...more,
});

const call: ApprovalCall = {
  subject: { action: 'payments.refund', agentId: 'returns-bot', runId: 'run-7' },
  inputHash: request.input_hash,
  limits: ['refund.max'],
};

const facts = (more: Partial<ApprovalFacts> = {}): ApprovalFacts => ({
  generation: 'g',
  now: REQUESTED_AT + 60_000,
  restrictionsSince: () => [],
  ...more,
});

const restriction = (reach: Restricting['reach']): Restricting => ({
  ...{ epoch: 9, hash: 'h', type: 'kill', by: 'unverified:dan', at: '2026-01-01T00:00:20.000Z', reach },
});

const met = restriction({ is: 'target', target: { type: 'agent', id: 'returns-bot' } });

describe('an approval', () => {
  test('is good for exactly the call that was shown', () => {
    expect(judgeApproval(entry(), call, facts())).toEqual({ is: 'approved', edited: null });
    const edited = { input: '{"cents":1}', input_hash: 'c'.repeat(64) };
    expect(judgeApproval(entry({ edited }), call, facts())).toEqual({ is: 'approved', edited });
  });

  test.each<readonly [string, Partial<ApprovalCall> | ApprovalCall['subject']]>([
    ['action', { ...call.subject, action: 'payments.pay' }],
    ['arguments', { inputHash: 'f'.repeat(64) }],
    ['agent', { ...call.subject, agentId: 'another' }],
    ['run', { ...call.subject, runId: 'run-8' }],
    ['run', { ...call.subject, runId: undefined }],
    ['mission', { ...call.subject, missionId: 'm' }],
  ])('is not good where the %s differs', (what, more) => {
    const other = 'inputHash' in more ? { ...call, ...more } : { ...call, subject: more };
    expect(judgeApproval(entry(), other as ApprovalCall, facts())).toEqual({
      is: 'not approved',
      status: 'other_call',
      why: `was asked for another call: the ${what} differ`,
    });
  });

  test.each<readonly [string, Partial<ApprovalFacts>, string]>([
    ['of another generation', { generation: 'g2' }, 'cancelled'],
    ['whose time is over', { now: REQUESTED_AT + HOUR }, 'expired'],
    ['at a time that nobody knows', { now: null }, 'expired'],
    ['where not all that came since is known', { restrictionsSince: () => null }, 'cancelled'],
    ['since which something has restricted the call', { restrictionsSince: () => [met] }, 'cancelled'],
    [
      'since which a limit was lowered',
      { restrictionsSince: () => [restriction({ is: 'limit', name: 'refund.max' })] },
      'cancelled',
    ],
  ])('is not good %s', (_what, more, status) => {
    expect(judgeApproval(entry(), call, facts(more))).toMatchObject({ is: 'not approved', status });
    expect(judgeApproval(entry({ status: 'pending', given: [] }), call, facts(more))).toMatchObject({ status });
  });

  test.each<readonly [string, Parameters<typeof boundRequest>[0], Restricting['reach']]>([
    ['parents', { lineage_agents: ['boss'] }, { is: 'target', target: { type: 'agent', id: 'boss' } }],
    ['parents', { lineage_missions: ['m-0'] }, { is: 'target', target: { type: 'mission', id: 'm-0' } }],
    ['parents', { lineage_runs: ['r-0'] }, { is: 'target', target: { type: 'run', id: 'r-0' } }],
    ['surface', { surface: 'queue' }, { is: 'target', target: { type: 'surface', id: 'queue' } }],
    ['feature', { feature: 'refunds' }, { is: 'target', target: { type: 'feature', id: 'refunds' } }],
    ['limits', { limits: ['refund.most'] }, { is: 'limit', name: 'refund.most' }],
  ])(
    'is not good once the %s of its request are restricted, whatever the call that comes names',
    (_what, of, reach) => {
      const decided = entry({ request: boundRequest(of) });
      const since = facts({ restrictionsSince: () => [restriction(reach)] });
      expect(judgeApproval(decided, call, since)).toMatchObject({ status: 'cancelled' });
      expect(judgeApproval(entry(), call, since)).toMatchObject({ is: 'approved' });
    },
  );

  test('asks for what came after the epoch that the request names, not after the decision', () => {
    const asked: number[] = [];
    const restrictionsSince = (epoch: number): readonly Restricting[] => {
      asked.push(epoch);
      return [];
    };
    judgeApproval(entry(), call, facts({ restrictionsSince }));
    expect(asked).toEqual([request.epoch]);
  });

  test('says who has restricted it since, without a character that is not what it seems', () => {
    const by = 'unverified:d\u202ean';
    const judged = judgeApproval(entry(), call, facts({ restrictionsSince: () => [{ ...met, by }] }));
    expect(judged).toMatchObject({
      why: 'is cancelled: kill at epoch 9 by "unverified:d\\u202ean" has restricted this since',
    });
  });

  test('needs as many people as it asked for', () => {
    const two = { ...request, approvals_needed: 2 };
    expect(judgeApproval(entry({ request: two }), call, facts())).toEqual({ is: 'pending' });
    const given = [
      { by: 'unverified:dana', at: '2026-01-01T00:00:10.000Z' },
      { by: 'unverified:dan', at: '2026-01-01T00:00:11.000Z' },
    ];
    expect(judgeApproval(entry({ request: two, given }), call, facts())).toMatchObject({ is: 'approved' });
  });

  test('that was rejected stays so, whatever else', () => {
    expect(judgeApproval(entry({ status: 'rejected', notes: 'no' }), call, facts())).toEqual({
      is: 'not approved',
      status: 'rejected',
      why: 'was rejected (no)',
    });
  });
});

describe('a standing approval', () => {
  const standing: Entry<'standing'> = {
    ...{ id: 's', action: 'payments.refund', agent_id: 'returns-bot', run_id: null, match: { currency: 'usd' } },
    ...{ times: 20, until: '2026-01-01T01:00:00.000Z', notes: null, ...LAST_CHANGE, epoch: 4 },
  };
  const asked = { subject: call.subject, limits: [], input: { currency: 'usd', cents: 5 } };

  test('is good for calls that have all that it names', () => {
    expect(isStandingFor(standing, asked, facts())).toBe(true);
    expect(isStandingFor({ ...standing, run_id: 'run-7' }, asked, facts())).toBe(true);
    expect(isStandingFor({ ...standing, match: null }, { ...asked, input: undefined }, facts())).toBe(true);
  });

  test.each<readonly [string, Partial<Entry<'standing'>>, object]>([
    ['another action', { action: 'payments.pay' }, {}],
    ['another agent', { agent_id: 'another' }, {}],
    ['another run', { run_id: 'run-8' }, {}],
    ['other arguments', { match: { currency: 'eur' } }, {}],
    ['arguments without what it names', { match: { iban: 'x' } }, {}],
    ['a call that was restricted since', {}, { restrictionsSince: () => [met] }],
    ['a call after its end', {}, { now: REQUESTED_AT + HOUR }],
  ])('is not good for %s', (_what, of, more) => {
    expect(isStandingFor({ ...standing, ...of }, asked, facts(more))).toBe(false);
  });

  test.each([
    [{ a: 1, b: 2 }, { a: 1 }, true],
    [{ a: { x: 1, y: 2 } }, { a: { x: 1 } }, false],
    [{ a: [1, 2] }, { a: [1, 2] }, true],
    [{ a: [1, 2] }, { a: [1] }, false],
    [{ a: 1 }, { a: '1' }, false],
    [{ a: null }, { a: null }, true],
    [{}, { a: null }, false],
    [[{ a: 1 }], { a: 1 }, false],
    ['x', {}, false],
    [{}, { __proto__: null, toString: {} }, false],
    [{ b: 1, a: 2 }, { a: 2, b: 1 }, true],
  ])('compares members by their whole values: %j with %j', (input, match, matches) => {
    expect(hasMatching(input, match)).toBe(matches);
  });
});

describe('a request from a store', () => {
  test('is taken by hand exactly where its schema takes it', () => {
    const right = keptApproval({ mission_id: 'm', feature: 'f', cost_usd: 0.5, escalate_ms: 5, lineage_runs: ['r'] });
    expect(isKeptApproval(right)).toBe(true);
    const odd = [
      undefined,
      null,
      '',
      'x',
      'a.b',
      'a\u0000b',
      'A'.repeat(600),
      0,
      -1,
      1.5,
      2 ** 60,
      Number.NaN,
      [],
      [''],
      {},
    ];
    for (const name of Object.keys(right))
      for (const value of odd) {
        const given = { ...right, [name]: value };
        const says = `${name}: ${JSON.stringify(value)}`;
        expect(isKeptApproval(given), says).toBe(keptApprovalSchema.safeParse(given).success);
      }
    expect(isKeptApproval({ ...right, only_when: 1 })).toBe(false);
    for (const value of [null, [], 'x']) expect(isKeptApproval(value)).toBe(false);
  });
});
