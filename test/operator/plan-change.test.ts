import { describe, expect, test } from 'vitest';
import { MAX_EPOCH, MODES } from '../../flags/index.ts';
import { type Command, entriesFor } from '../../operator/commands/index.ts';
import type { EventContent } from '../../operator/commands/row.ts';
import type { Actor } from '../../operator/operators.ts';
import type { Check } from '../../operator/plan.ts';
import { planChange } from '../../operator/plan-change.ts';
import { ChangeRefusedError } from '../../operator/refusals.ts';
import { Desk, kill, started, T0 } from './desk.ts';

const revive = (epoch: number | undefined): Command => ({ type: 'revive', target: 'agent:x', reason: 'fixed', epoch });

describe('the start', () => {
  test('a fresh control plane is in draft_only, and is created once', () => {
    const desk = started();
    expect(desk.state.mode.mode).toBe('draft_only');
    expect(desk.refusal({ type: 'init', generation: 'g1' })).toBe('ALREADY_INITIALISED');
  });

  test('nothing can be changed before it', () => {
    expect(new Desk().refusal(kill())).toBe('NOT_INITIALISED');
  });

  test('recover numbers its event beyond every epoch that was lost, so that an epoch only grows', () => {
    const desk = started();
    const lost = { generation: 'g0', epoch: 41, hash: 'a'.repeat(64), recovered: false };
    const { event, head } = desk.do({ type: 'recover', generation: 'g1', reason: 'disk', givenUp: [lost] });
    expect(event.seq).toBe(42);
    expect(head).toMatchObject({ generation: 'g1', recovered: true });
    expect(desk.state.control?.generations).toEqual(['g0', 'g1']);
    expect(desk.refusal({ type: 'recover', generation: 'g2', givenUp: [] })).toBe('REASON_REQUIRED');
  });
});

describe('kill and revive, as the protocol model demands', () => {
  test('a kill needs no reason; a revive does', () => {
    const desk = started();
    desk.do(kill());
    expect(desk.refusal({ type: 'revive', target: 'agent:x', epoch: desk.epoch })).toBe('REASON_REQUIRED');
    expect(desk.state.killCount).toBe(1);
    desk.do(revive(desk.epoch));
    expect(desk.state.killCount).toBe(0);
    expect(desk.refusal(revive(desk.epoch))).toBe('NOT_KILLED');
  });

  test('a tightening stays: a revive by somebody who had not seen it fails', () => {
    const desk = started();
    desk.do(kill({ mode: 'draft_only' }));
    const known = desk.epoch;
    desk.do(kill({ mode: 'full_stop' }), 'dan');
    expect(desk.refusal(revive(known))).toBe('CONFLICT');
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ mode: 'full_stop', killed_by: 'unverified:dan' });
  });

  test('only what removes a kill ends it: a stricter one replaces it, and what concerns no kill ends none', () => {
    const desk = started();
    expect(desk.do(kill({ mode: 'draft_only' })).ends).toBeNull();
    expect(desk.do(kill({ mode: 'full_stop' })).ends).toBeNull();
    expect(desk.do({ type: 'limit', name: 'mails', value: 5 }).ends).toBeNull();
    expect(desk.do({ type: 'limit', name: 'mails', value: 7, reason: 'more' }).ends).toBeNull();
    expect(desk.do(revive(desk.epoch)).ends).toMatchObject({ target: 'agent:x', mode: 'full_stop' });
  });

  test('an already kill is seconded, and stays for somebody who had not seen that', () => {
    const desk = started();
    desk.do(kill());
    const known = desk.epoch;
    const second = desk.do(kill(), 'dan');
    expect(second).toMatchObject({ already: true, direction: 'neutral', event: { type: 'second' } });
    expect(desk.refusal(revive(known))).toBe('CONFLICT');
    desk.do(revive(desk.epoch));
  });

  test('a revived kill that was made again is another kill', () => {
    const desk = started();
    desk.do(kill());
    const known = desk.epoch;
    desk.do(revive(known));
    desk.do(kill(), 'dan');
    expect(desk.refusal(revive(known))).toBe('CONFLICT');
  });

  test('the stricter mode and the later end win, whichever comes second', () => {
    const desk = started();
    desk.do(kill({ mode: 'full_stop', expiresAt: '2026-01-01T01:00:00.000Z' }));
    desk.do(kill({ mode: 'read_only', expiresAt: '2026-01-01T02:00:00.000Z' }));
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({
      mode: 'full_stop',
      expires_at: '2026-01-01T02:00:00.000Z',
    });
    desk.do(kill({ mode: 'read_only' }));
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ mode: 'full_stop', expires_at: null });
  });

  test('a kill outlasts another one’s end, and ends by an event once the store’s clock says so', () => {
    const desk = started();
    const end = '2026-01-01T01:00:00.000Z';
    const { event } = desk.do(kill({ expiresAt: end }));
    const expire: Command = { type: 'expire', target: 'agent:x', id: String(event.data['id']), expiresAt: end };
    expect(desk.refusal(expire)).toBe('NOT_KILLED');
    desk.time = end;
    const later = '2026-01-01T02:00:00.000Z';
    desk.do(kill({ expiresAt: later }), 'dan');
    desk.time = later;
    expect(desk.refusal(expire)).toBe('NOT_KILLED'); // another end than the one that was judged
    desk.do(kill({ expiresAt: null }), 'dan');
    expect(desk.refusal(expire)).toBe('NOT_KILLED');
    expect(desk.state.killCount).toBe(1);
  });

  test('a kill never makes anything live, and does not end before it begins', () => {
    const desk = started();
    expect(desk.refusal(kill({ mode: 'live' }))).toBe('INVALID_ARGUMENT');
    expect(desk.refusal(kill({ expiresAt: T0 }))).toBe('INVALID_ARGUMENT');
    for (const lastsMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e15])
      expect(desk.refusal(kill({ lastsMs }))).toBe('INVALID_ARGUMENT');
    expect(desk.refusal(kill({ target: 'x' }))).toBe('INVALID_ARGUMENT');
  });
});

describe('a reason is required exactly where a change loosens', () => {
  test.each([
    ['mode', { type: 'mode', mode: 'full_stop', targeting: null }, { type: 'mode', mode: 'live', targeting: null }],
    [
      'leaving a targeting rule for less than full_stop',
      { type: 'mode', mode: 'full_stop', targeting: null },
      { type: 'mode', mode: 'full_stop', targeting: { if: [true, 'live', 'full_stop'] } },
    ],
    ['feature', { type: 'feature', name: 'f', stage: 'dark' }, { type: 'feature', name: 'f', stage: 'shadow' }],
    ['limit', { type: 'limit', name: 'l', value: 10 }, { type: 'limit', name: 'l', value: 11 }],
    [
      'autonomy',
      { type: 'autonomy', action: 'a.b', stage: 'human_in_the_loop' },
      { type: 'autonomy', action: 'a.b', stage: 'trusted' },
    ],
  ] as Array<[string, Command, Command]>)('%s', (_name, tighter, looser) => {
    const desk = started();
    desk.do(tighter);
    const known = desk.epoch;
    expect(desk.refusal(looser)).toBe('REASON_REQUIRED');
    desk.do(tighter, 'dan'); // seconded
    expect(desk.refusal({ ...looser, reason: 'why not', epoch: known } as Command)).toBe('CONFLICT');
    desk.do({ ...looser, reason: 'why not', epoch: desk.epoch } as Command);
    expect(desk.plan(tighter)).toMatchObject({ change: { direction: 'tightens' } });
  });

  test('every mode that is stricter than another needs none', () => {
    for (const [rank, mode] of MODES.entries()) {
      const desk = started();
      desk.do({ type: 'mode', mode, targeting: null, reason: 'start' });
      for (const next of MODES.slice(rank))
        expect(desk.refusal({ type: 'mode', mode: next, targeting: null })).toBe('not refused');
      for (const next of MODES.slice(0, rank)) {
        expect(desk.refusal({ type: 'mode', mode: next, targeting: null })).toBe('REASON_REQUIRED');
      }
    }
  });
});

test('planning a kill reads one entry, however many kills there are', () => {
  expect(entriesFor(kill())).toEqual(['kill:agent:x']);
});

test.each(['__proto__', 'constructor', '*a', 'a:b', '{x}', '🛑', 'x'.repeat(512), '🛑'.repeat(512)])(
  'the id %s is an id like any other',
  (id) => {
    const desk = started();
    desk.do(kill({ target: `agent:${id}` }));
    expect(desk.state.kills.agent.get(id)?.target).toBe(`agent:${id}`);
    desk.do({ type: 'feature', name: id, stage: 'live', reason: 'r' });
    desk.do({ type: 'limit', name: id, value: 1 });
    desk.do({ type: 'revive', target: `agent:${id}`, reason: 'r' });
    expect([...desk.state.entries()].map(([key]) => key)).toEqual(['control', 'mode', `feature:${id}`, `limit:${id}`]);
  },
);

test.each(['', 'x'.repeat(513), 'a\nb', 'a\u0000', '\ud800'])('the id %j is refused and nothing changes', (id) => {
  const desk = started();
  expect(desk.refusal(kill({ target: `agent:${id}` }))).toBe('INVALID_ARGUMENT');
  expect(desk.refusal({ type: 'feature', name: id, stage: 'live', reason: 'r' })).toBe('INVALID_ARGUMENT');
  expect(desk.refusal({ type: 'limit', name: id, value: 1 })).toBe('INVALID_ARGUMENT');
  expect(desk.refusal({ type: 'autonomy', action: id, stage: 'trusted', reason: 'r' })).toBe('INVALID_ARGUMENT');
});

test('whatever goes wrong while a change is planned is that change’s own refusal, and no word of the store', () => {
  const desk = started();
  const odd = kill({ lastsMs: 5n as unknown as number });
  const plan = desk.plan(odd);
  expect(plan).toMatchObject({ is: 'nothing', objection: { refusal: { kind: 'not_planned', command: 'kill' } } });
  const refusal = desk.refused(odd);
  expect(refusal && new ChangeRefusedError(refusal)).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(/^The kill could not be planned, and nothing was changed: /),
  });
});

describe('whoever may object to a change', () => {
  const reviveX = revive(undefined);

  test('is asked in order, and only the first objection counts', () => {
    const desk = started();
    desk.do(kill());
    const asked: string[] = [];
    const check =
      (name: string, objects: boolean): Check =>
      ({ command, actor, change }) => {
        asked.push(`${name} ${command.type} ${actor.is} ${change.direction}`);
        return objects ? { is: 'refused', refusal: { kind: 'live_kill' } } : null;
      };
    const plan = desk.plan(reviveX, 'dan', [check('one', false), check('two', true), check('three', true)]);
    expect(plan).toEqual({
      is: 'nothing',
      objection: { is: 'refused', refusal: { kind: 'live_kill' } },
    });
    expect(asked).toEqual(['one revive unverified loosens', 'two revive unverified loosens']);
  });

  const request = { id: 'r1', expires_at: '2026-01-01T01:00:00.000Z' };
  const recording =
    (record: EventContent): Check =>
    () => ({ is: 'pending', request, record });

  test('can have something else recorded in its place, as an event of the same command', () => {
    const desk = started();
    desk.do(kill());
    const second = recording({ type: 'second', data: { kind: 'kill', name: 'agent:x' } });
    expect(desk.plan(reviveX, 'dan', [second])).toMatchObject({
      is: 'instead',
      objection: { is: 'pending', request },
      change: {
        already: false,
        ends: null,
        direction: 'neutral',
        event: { actor: 'unverified:dan', type: 'second', reason: 'fixed', data: { command_id: 'c3' } },
      },
    });
  });

  test('cannot have authority given back by what is recorded in its place', () => {
    const desk = started();
    const { event } = desk.do(kill());
    const itself = recording({ type: 'revive', data: { id: event.data['id'], target: 'agent:x' } });
    expect(desk.plan(reviveX, 'dan', [itself])).toMatchObject({
      is: 'nothing',
      objection: { is: 'refused', refusal: { kind: 'not_planned', problem: expect.stringContaining('The revive') } },
    });
    expect(desk.plan(kill({ target: 'agent:y' }), 'dan', [itself])).toMatchObject({ is: 'change' });
  });

  test('leaves no gap in the log where a recover is objected to, and records nothing where there is no log', () => {
    const lost = { generation: 'g0', epoch: 41, hash: 'a'.repeat(64), recovered: false };
    const recover: Command = { type: 'recover', generation: 'g1', reason: 'disk', givenUp: [lost], begins: true };
    const second = recording({ type: 'second', data: { kind: 'mode', name: null } });
    expect(started().plan(recover, 'dan', [second])).toMatchObject({ is: 'instead', change: { event: { seq: 2 } } });
    expect(new Desk().plan(recover, 'dan', [second])).toMatchObject({ is: 'nothing' });
  });

  test('is not asked about what cannot be planned at all', () => {
    const never: Check = () => {
      throw new Error('asked');
    };
    expect(started().plan(reviveX, 'dan', [never])).toMatchObject({ objection: { refusal: { kind: 'not_killed' } } });
  });

  test('cannot fail other changes, and keeps nobody from stopping: one that throws refuses what gives back', () => {
    const broken: Check = () => {
      throw new Error('a table that is not there');
    };
    const desk = started();
    expect(desk.plan(kill(), 'dan', [broken])).toMatchObject({ is: 'change', change: { event: { type: 'kill' } } });
    expect(desk.plan({ type: 'mode', mode: 'live', targeting: null, reason: 'r' }, 'dan', [broken])).toMatchObject({
      is: 'nothing',
      objection: { is: 'refused', refusal: { kind: 'not_planned', problem: 'a table that is not there' } },
    });
  });
});

test.each<[Actor, string]>([
  [{ is: 'unverified', id: 'dana', roles: ['admin'] }, 'unverified:dana'],
  [{ is: 'unverified', id: 'token:dana', roles: undefined }, 'unverified:token:dana'],
  [{ is: 'verified', id: 'dana', roles: ['operator'], source: 'token' }, 'token:dana'],
  [{ is: 'system' }, 'system'],
])('the log says how its actor is known: %j', (actor, name) => {
  const desk = started();
  const plan = planChange(desk.view, { command: kill(), actor, commandId: 'c1' });
  expect(plan).toMatchObject({ change: { event: { actor: name } } });
});

describe('what is asked of whoever gives authority back', () => {
  const live = { type: 'mode', mode: 'live', targeting: null, reason: 'r' } as const;

  test('a reason that can stand in the log as it was given; a kill is not refused for one that cannot', () => {
    const desk = started();
    const odd = { reason: 'cut', reasonProblem: 'A reason is a text, not a list.' };
    const plan = desk.plan({ ...live, ...odd });
    expect(plan).toMatchObject({
      objection: { refusal: { kind: 'reason_unfit', problem: 'A reason is a text, not a list.' } },
    });
    expect(desk.plan({ ...kill(), ...odd })).toMatchObject({ is: 'change', change: { event: { reason: 'cut' } } });
    expect(desk.plan({ ...live, mode: 'full_stop', ...odd })).toMatchObject({ is: 'change' });
  });

  test('an epoch that this log has reached', () => {
    const desk = started();
    const { head } = desk.state;
    expect(desk.plan({ ...live, epoch: 2 })).toMatchObject({
      objection: { refusal: { kind: 'epoch_ahead', named: 2, head } },
    });
    expect(desk.plan({ ...live, epoch: 1 })).toMatchObject({ is: 'change' });
    const recover = { type: 'recover', generation: 'g1', givenUp: [], begins: true, reason: 'r' } as const;
    expect(new Desk().plan({ ...recover, epoch: 5 })).toMatchObject({
      objection: { refusal: { kind: 'epoch_ahead', head: null } },
    });
    expect(new Desk().plan({ ...recover, epoch: 0 })).toMatchObject({ is: 'change' });
  });

  test('none of this where authority is taken away', () => {
    const desk = started();
    desk.do({ type: 'mode', mode: 'read_only', targeting: null });
    const stricter = { type: 'mode', mode: 'full_stop', targeting: null } as const;
    expect(desk.plan({ ...stricter, epoch: 1 })).toMatchObject({ is: 'change' });
    expect(desk.plan({ ...stricter, epoch: 99 })).toMatchObject({ is: 'change' });
  });

  test('what was not there before was not changed after anything', () => {
    expect(started().plan({ type: 'flags', definition: {}, reason: 'r', epoch: 1 })).toMatchObject({ is: 'change' });
  });

  test('no epoch need be named', () => {
    const desk = started();
    desk.do(kill());
    expect(desk.plan(revive(undefined))).toMatchObject({ is: 'change' });
  });
});

describe('a log whose numbers are used up', () => {
  const full = (epoch: number): Desk => {
    const desk = started();
    desk.state.epoch = epoch;
    return desk;
  };

  test('takes its last one, and no change after it', () => {
    expect(full(MAX_EPOCH - 1).do(kill()).event.seq).toBe(MAX_EPOCH);
    expect(full(MAX_EPOCH).refused(kill())).toEqual({ kind: 'log_full', epoch: MAX_EPOCH });
  });

  test('takes no recover beyond the last epoch', () => {
    const lost = { generation: 'g0', epoch: MAX_EPOCH, hash: 'a'.repeat(64), recovered: false };
    const recover: Command = { type: 'recover', generation: 'g1', reason: 'disk', givenUp: [lost], begins: true };
    expect(started().refused(recover)).toEqual({ kind: 'log_full', epoch: 1 });
    expect(new Desk().refused(recover)).toEqual({ kind: 'log_full', epoch: 0 });
  });
});
