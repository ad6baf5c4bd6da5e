import { describe, expect, test } from 'vitest';
import { ROLES, type Role } from '../../flags/index.ts';
import type { Command } from '../../operator/commands/index.ts';
import type { Actor } from '../../operator/operators.ts';
import { ChangeRefusedError } from '../../operator/refusals.ts';
import { type Desk, kill, started } from './desk.ts';
import { foundRequest } from './found-request.ts';

const as = (...roles: Role[]): Actor => ({ is: 'verified', source: 'token', id: 'bot', roles });

/** What becomes of a command of somebody with these roles: the code of its refusal, or `done`. */
function outcome(desk: Desk, command: Command, actor: Actor): string {
  const plan = desk.asks(command, actor);
  if (plan.is === 'change') return 'done';
  return plan.objection.is === 'refused' ? new ChangeRefusedError(plan.objection.refusal).code : plan.objection.is;
}

/** A switch with something of each to take back. */
function used(): Desk {
  const desk = started();
  desk.do({ type: 'mode', mode: 'test_mode', targeting: null, reason: 'x' });
  desk.do(kill());
  desk.do({ type: 'limit', name: 'l', value: 3 });
  desk.do({ type: 'rule_add', name: 'r', target: 'agent:y', mode: 'read_only', window: null, when: null });
  return desk;
}

const STOPS: readonly Command[] = [
  kill({ target: 'agent:z' }),
  kill({ target: 'agent:z', mode: 'paused' }),
  { type: 'mode', mode: 'full_stop', targeting: null },
  { type: 'limit', name: 'l', value: 1 },
  { type: 'feature', name: 'f', stage: 'dark' },
  { type: 'reject', found: foundRequest() },
  { type: 'rule_add', name: 's', target: 'agent:y', mode: 'paused', window: null, when: null },
];

const RESTORES: readonly Command[] = [
  { type: 'revive', target: 'agent:x', reason: 'x' },
  { type: 'mode', mode: 'live', targeting: null, reason: 'x' },
  { type: 'limit', name: 'l', value: 9, reason: 'x' },
  { type: 'rule_remove', name: 'r', reason: 'x' },
  { type: 'feature', name: 'g', stage: 'live', reason: 'x' },
  { type: 'flags', definition: { flags: {} }, reason: 'x' },
];

const APPROVES: readonly Command[] = [{ type: 'approve', found: foundRequest({ generation: 'g0' }), edited: null }];
const GOVERNS: readonly Command[] = [
  { type: 'governance', asked: { ladder: true }, reason: 'x' },
  { type: 'recover', generation: 'g1', givenUp: [], reason: 'x' },
];

describe('who may make which change', () => {
  test.each<[Role, readonly string[]]>([
    ['viewer', []],
    ['executor', []],
    ['operator', ['stops']],
    ['approver', ['stops', 'approves']],
    ['restorer', ['stops', 'restores']],
    ['admin', ['stops', 'restores', 'approves', 'governs']],
  ])('%s may: %j', (role, may) => {
    const all = { stops: STOPS, restores: RESTORES, approves: APPROVES, governs: GOVERNS };
    for (const [right, commands] of Object.entries(all))
      for (const command of commands)
        expect([command.type, outcome(used(), command, as(role))]).toEqual([
          command.type,
          may.includes(right) ? 'done' : 'ROLE_REQUIRED',
        ]);
  });

  test('several roles may what each of them may', () => {
    expect(outcome(used(), RESTORES[0] as Command, as('viewer', 'restorer'))).toBe('done');
  });

  test('whoever writes the store and names no roles is an administrator, and unverified', () => {
    const desk = used();
    const plan = desk.asks({ type: 'governance', asked: { ladder: true }, reason: 'x' }, 'dana');
    expect(plan).toMatchObject({ is: 'change', change: { event: { actor: 'unverified:dana' } } });
  });

  test('roles that a program gives are kept to, although it could have given others', () => {
    const dana: Actor = { is: 'unverified', id: 'dana', roles: ['operator'] };
    expect(outcome(used(), RESTORES[0] as Command, dana)).toBe('ROLE_REQUIRED');
    expect(outcome(used(), STOPS[0] as Command, dana)).toBe('done');
  });

  test('an executor stops the agents that its credential acts for, by default that of its own name, and nothing else', () => {
    const bot = as('executor');
    expect(outcome(used(), kill({ target: 'agent:bot' }), bot)).toBe('done');
    for (const target of ['agent:x', 'all', 'agent:bot2', 'run:r', 'action:a.b', 'surface:tool'])
      expect([target, outcome(used(), kill({ target }), bot)]).toEqual([target, 'ROLE_REQUIRED']);
    const fleet: Actor = { is: 'verified', source: 'token', id: 'bot', roles: ['executor'], agents: ['mailer'] };
    expect(outcome(used(), kill({ target: 'agent:mailer' }), fleet)).toBe('done');
    expect(outcome(used(), kill({ target: 'agent:bot' }), fleet)).toBe('ROLE_REQUIRED');
    const desk = used();
    outcome(desk, kill({ target: 'agent:bot' }), bot);
    expect(outcome(desk, { type: 'revive', target: 'agent:bot', reason: 'x' }, bot)).toBe('ROLE_REQUIRED');
  });

  test('nobody does what only the system does', () => {
    const desk = used();
    desk.do(kill({ expiresAt: '2026-01-01T01:00:00.000Z', target: 'agent:q' }));
    const id = String(desk.events.at(-1)?.data['id']);
    desk.time = '2026-01-01T01:00:00.000Z';
    const expire: Command = { type: 'expire', target: 'agent:q', id, expiresAt: desk.time };
    for (const role of ROLES) expect(outcome(desk, expire, as(role))).toBe('ROLE_REQUIRED');
    expect(outcome(desk, expire, { is: 'system' })).toBe('done');
  });
});
