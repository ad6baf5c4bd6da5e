import { describe, expect, test } from 'vitest';
import {
  GENESIS,
  type LogEvent,
  type Mode,
  type Restriction,
  restrictionFor,
  sealEvent,
  State,
} from '../../flags/index.ts';
import { judgeReversing } from '../../flags/rollbacks.ts';
import { NOW } from './arbitraries.ts';

const FIRST = { id: 'e-1', name: 'first', lease_ms: 5000 };
const SECOND = { id: 'e-2', name: 'second', lease_ms: 5000 };

/** A live switch whose run `r`, of the agent `x` for the mission `m`, is stopped and is being undone. */
class World {
  readonly state = new State();

  constructor() {
    this.event('init', { generation: 'g1' });
    this.event('mode', { mode: 'live', targeting: null });
  }

  event(type: string, data: Record<string, unknown>, reason: string | null = 'test'): void {
    const { state } = this;
    const [seq, prev, at] = [state.epoch + 1, state.hash || GENESIS, '2026-01-01T00:00:00Z'];
    const event: LogEvent = sealEvent({ seq, at, actor: 'dana', type, data, reason, prev });
    state.take(event);
  }

  kill(target: string, mode: Mode = 'full_stop'): void {
    this.event('kill', { id: `k ${target} ${this.state.epoch}`, target, mode, expires_at: null });
  }

  revive(target: string): void {
    this.event('revive', { id: this.state.get('kill', target)?.id, target });
  }

  /** Names the kills of these targets as they stand. */
  rollback(id: string, ...targets: readonly string[]): void {
    const kills = targets.map((target) => {
      const kill = this.state.get('kill', target);
      if (!kill) throw new Error(`${target} is not stopped`);
      return { target, id: kill.id, epoch: kill.epoch };
    });
    this.event('rollback', {
      ...{ id, command_id: id, target: targets[0] ?? 'run:r', since: null, hash: 'a'.repeat(64), count: 1 },
      ...{ timeout_ms: 1000, kills, performer: FIRST },
    });
  }

  /** What meets a reversal by this executor. */
  meets(executor: string, rollback = 'rb', action = 'payments.cancel'): Restriction {
    return restrictionFor(this.state, {
      context: { agent_id: 'x', mission_id: 'm', run_id: 'r', lineage_agents: ['boss'], action, effect: 'write' },
      now: () => NOW,
      reversing: { rollback, executor },
    });
  }
}

/** A world in which the run, its agent and everything are stopped, and a rollback of the run names all three. */
function undoing(): World {
  const world = new World();
  for (const target of ['run:r', 'agent:x', 'all']) world.kill(target);
  world.rollback('rb', 'run:r', 'agent:x', 'all');
  return world;
}

describe('what undoes something', () => {
  test('passes the kills that its rollback names, and nobody else does', () => {
    const world = undoing();
    expect(world.meets('e-1')).toMatchObject({ mode: 'live' });
    const context = { agent_id: 'x', mission_id: 'm', run_id: 'r' };
    expect(restrictionFor(world.state, { context, now: () => NOW })).toMatchObject({ mode: 'full_stop' });
    expect(judgeReversing(world.state, { rollback: 'rb', executor: 'e-1' })).toMatchObject({
      kills: [{ target: 'run:r' }, { target: 'agent:x' }, { target: 'all' }],
    });
  });

  test.each<[string, (world: World) => void]>([
    ['a kill of somebody else', (world) => world.kill('agent:y')],
    ['a kill of another run of the same agent', (world) => world.kill('run:r-2')],
    ['a named kill above it that is lifted', (world) => world.revive('agent:x')],
    ['another rollback', (world) => world.rollback('rb-2', 'run:r')],
    ['a limit', (world) => world.event('limit', { name: 'refund.max', value: 1 })],
  ])('goes on after %s', (_what, happens) => {
    const world = undoing();
    happens(world);
    expect(world.meets('e-1')).toMatchObject({ mode: 'live' });
  });

  test.each<[string, (world: World) => void, object]>([
    ['its target is stopped again', (world) => world.kill('run:r'), { code: 'ROLLBACK_ENDED' }],
    [
      'the stop of its target is seconded, though nothing changes',
      (world) => world.event('second', { kind: 'kill', name: 'run:r' }),
      { code: 'ROLLBACK_ENDED' },
    ],
    ['the stop of its target is lifted', (world) => world.revive('run:r'), { code: 'ROLLBACK_ENDED' }],
    [
      'the stop of its target is lifted and put again',
      (world) => {
        world.revive('run:r');
        world.kill('run:r');
      },
      { code: 'ROLLBACK_ENDED' },
    ],
    ['a named kill above it is made anew', (world) => world.kill('agent:x'), { kind: 'kill', target: 'agent:x' }],
    [
      'a named kill above it is lifted and put again',
      (world) => {
        world.revive('all');
        world.kill('all', 'paused');
      },
      { kind: 'kill', target: 'all' },
    ],
    ['its mission is stopped', (world) => world.kill('mission:m'), { kind: 'kill', target: 'mission:m' }],
    ['a parent of it is stopped', (world) => world.kill('agent:boss'), { kind: 'kill', target: 'agent:boss' }],
    [
      'its action is stopped',
      (world) => world.kill('action:payments.*'),
      { kind: 'kill', target: 'action:payments.*' },
    ],
    ['its mission is only paused', (world) => world.kill('mission:m', 'paused'), { kind: 'kill', target: 'mission:m' }],
    ['its mission is only gated', (world) => world.kill('mission:m', 'approval_gated'), { target: 'mission:m' }],
    [
      'the base mode is no more live',
      (world) => world.event('mode', { mode: 'test_mode', targeting: null }),
      { kind: 'mode' },
    ],
  ])('stops where %s', (_what, happens, cause) => {
    const world = undoing();
    happens(world);
    const met = world.meets('e-1');
    expect(met.mode).not.toBe('live');
    expect(met.cause).toMatchObject(cause);
  });

  test('passes a kill as it was named, whatever its mode, and not one that was made stricter', () => {
    const world = new World();
    world.kill('run:r');
    world.kill('mission:m', 'paused');
    world.rollback('rb', 'run:r', 'mission:m');
    expect(world.meets('e-1')).toMatchObject({ mode: 'live' });
    world.kill('mission:m', 'full_stop');
    expect(world.meets('e-1')).toMatchObject({ mode: 'full_stop', cause: { target: 'mission:m' } });
  });

  test('passes no kill that stood before it and that nobody named', () => {
    const world = new World();
    world.kill('run:r');
    world.kill('agent:x');
    world.rollback('rb', 'run:r');
    expect(world.meets('e-1')).toMatchObject({ mode: 'full_stop', cause: { target: 'agent:x' } });
  });

  test('is done by the executor that the rollback names, which a takeover changes from then on', () => {
    const world = undoing();
    expect(world.meets('e-2')).toMatchObject({ mode: 'full_stop', cause: { code: 'ROLLBACK_ENDED' } });
    world.event('takeover', { id: 'rb', performer: SECOND });
    expect(world.meets('e-2')).toMatchObject({ mode: 'live' });
    expect(world.meets('e-1')).toMatchObject({ mode: 'full_stop', cause: { code: 'ROLLBACK_ENDED' } });
    expect(judgeReversing(world.state, { rollback: 'rb', executor: 'e-1' })).toMatchObject({
      problem: expect.stringContaining('second performs'),
    });
  });

  test('needs a rollback that somebody has asked for', () => {
    const world = undoing();
    expect(world.meets('e-1', 'never')).toMatchObject({ mode: 'full_stop', cause: { code: 'ROLLBACK_ENDED' } });
    expect(judgeReversing(new State(), { rollback: 'rb', executor: 'e-1' })).toMatchObject({
      problem: expect.stringContaining('no operator has asked'),
    });
  });
});
