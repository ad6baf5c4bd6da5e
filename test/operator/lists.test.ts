import { describe, expect, onTestFinished, test } from 'vitest';
import type { Intervention } from '../../flags/index.ts';
import type { ControlPlane } from '../../operator/control-plane.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { NO_WORK } from '../../store/own-beat.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { plainSurface } from '../../testing/store/surface.ts';
import { openQuickControl } from './open-quick-control.ts';
import { plainIntervention } from './plain-intervention.ts';

/** What no compiler has looked at. */
const any = (value: unknown): never => value as never;

async function setUp() {
  const store = memoryStore();
  const open = async (id: string): Promise<ControlPlane> => {
    const control = await openQuickControl({ store: memoryControlStore(store), operator: { id } });
    onTestFinished(() => control.close());
    return control;
  };
  const control = await open('ann');
  await control.init();
  const executor = async (executorName: string, agents: readonly string[] = []) => {
    const work = () => ({ ...NO_WORK, inFlight: agents.length, agents });
    const connected = connectExecutor({ store, organizationId: 'default', leaseMs: 5000, executorName, work });
    onTestFinished(() => connected.replica.close());
    await connected.replica.start();
    return connected;
  };
  return { control, executor, as: open };
}

const targets = async (control: ControlPlane, options: Parameters<ControlPlane['kills']>[0]): Promise<string[]> =>
  (await control.kills(options)).data.map(({ target }) => target);

const intervention = (id: string, more: Partial<Intervention>): Intervention => ({
  ...plainIntervention(id),
  agent_id: 'bot',
  run_id: 'r-1',
  ...more,
});

describe('a list', () => {
  test('says how many there are, also where it gives a part of them', async () => {
    const { control } = await setUp();
    for (const target of ['agent:a', 'agent:b', 'run:r', 'agent:c']) await control.kill({ target });
    expect(await control.kills()).toMatchObject({ count: 4, data: [{}, {}, {}, { target: 'agent:a' }] });
    expect(await control.kills({ limit: 1 })).toMatchObject({ count: 4, data: [{ target: 'agent:c' }] });
    expect(await control.kills({ skip: 3, limit: 9 })).toMatchObject({ count: 4, data: [{ target: 'agent:a' }] });
    expect(await control.kills({ skip: 9 })).toEqual({ count: 4, data: [] });
    expect(await control.kills({ target: 'run:r', limit: 1 })).toMatchObject({ count: 1, data: [{ target: 'run:r' }] });
    for (const list of [control.executors(), control.surfaces()]) expect(await list).toEqual({ data: [], count: 0 });
    expect(await control.interventions()).toEqual({ data: [], count: 0, unreadable: 0 });
  });

  test('of kills is filtered by target, agent, action, who and since when', async () => {
    const { control, as } = await setUp();
    const first = await control.kill({ target: 'agent:bot' });
    await control.kill({ target: 'action:email.*' });
    await control.kill({ target: 'action:email.send.bulk' });
    await control.kill({ target: 'action:emails' });
    await (await as('bob')).kill({ target: 'all' });
    expect(await targets(control, { target: 'action:email.*' })).toEqual(['action:email.*']);
    expect(await targets(control, { agent: 'bot' })).toEqual(['agent:bot']);
    expect(await targets(control, { action: 'email.send' })).toEqual(['action:email.*']);
    expect(await targets(control, { action: 'email.send.*' })).toEqual(['action:email.send.bulk', 'action:email.*']);
    expect(await targets(control, { actor: 'bob' })).toEqual(['all']);
    expect(await targets(control, { actor: 'unverified:bob' })).toEqual(['all']);
    expect(await targets(control, { actor: 'ob' })).toEqual([]);
    const { killed_at } = first.kill;
    expect(await targets(control, { since: killed_at, agent: 'bot' })).toEqual(['agent:bot']);
    expect(await targets(control, { since: new Date(Date.parse(killed_at) + 3_600_000) })).toEqual([]);
  });

  test('of executors is filtered by agent, state and the last report', async () => {
    const { control, executor } = await setUp();
    const names = async (options: Parameters<ControlPlane['executors']>[0]): Promise<string[]> =>
      (await control.executors(options)).data.map(({ name }) => name);
    await executor('idle');
    await executor('mailer', ['bot', 'other']);
    expect(await names({ agent: 'bot' })).toEqual(['mailer']);
    expect(await names({ agent: 'none' })).toEqual([]);
    expect(await names({ state: 'silent' })).toEqual([]);
    expect(await names({ since: new Date(Date.now() - 60_000) })).toEqual(['idle', 'mailer']);
    expect(await names({ since: new Date(Date.now() + 60_000) })).toEqual([]);
    // One that names only some of its agents may have any.
    await executor(
      'full',
      Array.from({ length: 5000 }, (_, index) => `agent-${index}-${'x'.repeat(400)}`),
    );
    expect(await names({ agent: 'bot' })).toEqual(['mailer', 'full']);
  });

  test('of actions is filtered by what a kill would reach, and by use', async () => {
    const { control, executor } = await setUp();
    const { reports } = await executor('mailer');
    await reports.describe([
      { ...plainSurface('email.send'), last_used: '2026-01-01T00:00:00Z' },
      { ...plainSurface('email.list'), surface: 'http' },
      { ...plainSurface('pay.out'), feature: 'payments' },
    ]);
    const actions = async (options: Parameters<ControlPlane['surfaces']>[0]): Promise<string[]> =>
      (await control.surfaces(options)).data.map(({ action }) => action);
    expect(await actions({ target: 'action:email.*' })).toEqual(['email.send', 'email.list']);
    expect(await actions({ target: 'action:email' })).toEqual([]);
    expect(await actions({ target: 'feature:payments' })).toEqual(['pay.out']);
    expect(await actions({ target: 'surface:http' })).toEqual(['email.list']);
    expect(await actions({ target: 'all' })).toHaveLength(3);
    expect(await actions({ action: 'email.*', since: '2025-12-31T00:00:00Z' })).toEqual(['email.send']);
    await expect(control.surfaces({ target: 'agent:bot' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('agent:bot'),
    });
  });

  test('of interventions is filtered by what its work stood for, and by what caused it', async () => {
    const { control, executor } = await setUp();
    const { reports } = await executor('mailer');
    await reports.record([
      intervention('1', { cause: { kind: 'kill', kill_id: 'k', target: 'mission:m' }, at: '2026-01-01T00:00:01Z' }),
      intervention('2', { cause: { kind: 'feature', feature: 'f', stage: 'dark' }, action: 'pay.out', surface: null }),
      intervention('3', { mission_id: 'm', agent_id: null, run_id: 'r-2', proposal: true, action: null }),
    ]);
    const ids = async (options: Parameters<ControlPlane['interventions']>[0]): Promise<string[]> =>
      (await control.interventions(options)).data.map(({ id }) => id).sort();
    expect(await control.interventions({ limit: 1 })).toMatchObject({ count: 3, unreadable: 0, data: [{ id: '1' }] });
    expect(await ids({ target: 'mission:m' })).toEqual(['1', '3']);
    expect(await ids({ target: 'run:r-1' })).toEqual(['1', '2']);
    expect(await ids({ target: 'feature:f' })).toEqual(['2']);
    expect(await ids({ target: 'surface:tool' })).toEqual(['1', '3']);
    expect(await ids({ target: 'action:email.*' })).toEqual(['1']);
    expect(await ids({ action: 'pay.*' })).toEqual(['2']);
    expect(await ids({ agent: 'bot' })).toEqual(['1', '2']);
    expect(await ids({ since: '2026-01-01T00:00:00.500Z' })).toEqual(['1']);
    expect(await ids({ proposals: true })).toEqual(['3']);
    expect(await ids({ target: 'all' })).toEqual(['1', '2', '3']);
  });

  test('of the log is filtered by what an event changed, also while it is followed', async () => {
    const { control, as } = await setUp();
    await control.kill({ target: 'agent:bot' });
    await (await as('bob')).kill({ target: 'agent:bot' });
    await control.setFeature({ name: 'f', stage: 'gated', reason: 'pilot' });
    await control.setAutonomy({ action: 'email.send', stage: 'human_in_the_loop' });
    await control.setMode({ mode: 'full_stop' });
    await control.revive({ target: 'agent:bot', reason: 'fixed' });
    const types = async (options: Parameters<ControlPlane['log']>[0]): Promise<string[]> => {
      const found: string[] = [];
      for await (const { seq, type } of control.log(options)) found.push(`${seq} ${type}`);
      return found;
    };
    expect(await types({ target: 'agent:bot' })).toEqual(['2 kill', '3 second', '7 revive']);
    expect(await types({ agent: 'bot', after: 2 })).toEqual(['3 second', '7 revive']);
    expect(await types({ actor: 'bob' })).toEqual(['3 second']);
    expect(await types({ target: 'feature:f' })).toEqual(['4 feature']);
    expect(await types({ action: 'email.*' })).toEqual(['5 autonomy']);
    expect(await types({ target: 'all' })).toEqual(['6 mode']);
    expect(await types({ since: new Date(Date.now() + 3_600_000) })).toEqual([]);
    const ending = new AbortController();
    for await (const { seq } of control.follow({ actor: 'bob', signal: ending.signal })) {
      expect(seq).toBe(3);
      ending.abort();
    }
    expect(ending.signal.aborted).toBe(true);
  });

  test('of interventions has each list as the store keeps it: no number of refusals pushes a proposal out', async () => {
    const { control, executor } = await setUp();
    const { reports } = await executor('mailer');
    await reports.record([intervention('p', { proposal: true, agent_id: 'other' })]);
    const later = { at: '2026-01-02T00:00:00.000Z' };
    await reports.record(Array.from({ length: 10_000 }, (_, index) => intervention(`${index}`, later)));
    expect(await control.interventions({ limit: 1 })).toMatchObject({ count: 10_001, data: [{ at: later.at }] });
    expect(await control.interventions({ agent: 'other' })).toMatchObject({ count: 1, data: [{ id: 'p' }] });
  });

  test('of interventions is followed with the same filters, and with those of before where since is given', async () => {
    const { control, executor } = await setUp();
    const { reports } = await executor('mailer');
    await reports.record([
      intervention('1', { at: '2026-01-01T00:00:00.000Z' }),
      intervention('2', { at: '2026-01-01T00:00:01.000Z' }),
      intervention('3', { at: '2026-01-01T00:00:02.000Z', agent_id: 'other' }),
      intervention('4', { at: '2026-01-01T00:00:03.000Z', proposal: true }),
    ]);
    const first = async (options: Parameters<ControlPlane['followInterventions']>[0]): Promise<string> => {
      for await (const { id } of control.followInterventions(options)) return id;
      return 'none';
    };
    expect(await first({ since: '2026-01-01T00:00:01.000Z' })).toBe('2');
    expect(await first({ since: new Date(0), agent: 'other' })).toBe('3');
    expect(await first({ since: new Date(0), proposals: true })).toBe('4');
  });

  test('reads each option once, and an inherited one too', async () => {
    const { control, executor } = await setUp();
    const { reports } = await executor('mailer');
    await reports.record([intervention('1', {}), intervention('2', { proposal: true })]);
    for (const target of ['agent:a', 'agent:b', 'all']) await control.kill({ target });
    expect(await targets(control, Object.create({ agent: 'a' }))).toEqual(['agent:a']);
    expect(await control.interventions(Object.create({ proposals: true }))).toMatchObject({ count: 1 });

    let reads = 0;
    const changing = {
      get target() {
        reads += 1;
        return reads === 1 ? 'agent:b' : 'all';
      },
    };
    expect(await targets(control, changing)).toEqual(['agent:b']);
    expect(reads).toBe(1);
    const proposals = {
      get proposals() {
        reads += 1;
        return reads === 2;
      },
    };
    expect(await control.interventions(proposals)).toMatchObject({ count: 1, data: [{ id: '2' }] });
    const surfaces = {
      get target() {
        reads += 1;
        return reads === 3 ? 'action:a' : 'agent:a';
      },
    };
    expect(await control.surfaces(surfaces)).toMatchObject({ count: 0 });
    expect(reads).toBe(3);
  });

  test('refuses a filter that it does not have, or that has no such value', async () => {
    const { control } = await setUp();
    const wrong: ReadonlyArray<readonly [() => unknown, string]> = [
      [() => control.kills({ target: 'bot' }), '"bot" is not a target'],
      [() => control.kills(any({ target: null })), 'A target is a text'],
      [() => control.kills({ agent: '' }), 'agent must not be empty'],
      [() => control.kills({ action: 'email*' }), 'in "email*" the * would match nothing'],
      [() => control.surfaces({ action: '*' }), 'in "*" the * would match nothing'],
      [async () => control.log({ action: 'email.*.*' }), 'in "email.*.*" the * would match nothing'],
      [() => control.kills({ since: '2h' }), '"2h" is not a time'],
      [() => control.kills(any({ since: 5 })), '5 is not a time'],
      [() => control.kills({ since: new Date(Number.NaN) }), 'is not a time'],
      [() => control.kills({ limit: 0 }), 'limit is a whole number of at least 1'],
      [() => control.kills({ skip: -1 }), 'skip is a whole number of at least 0'],
      [() => control.kills(any({ agents: 'bot' })), 'Did you mean "agent"?'],
      [() => control.kills(any({ state: 'silent' })), 'There is no option "state" of kills'],
      [() => control.executors(any({ state: 'dead' })), 'it must be one of stopped, draining, behind, silent'],
      [async () => control.log({ actor: '' }), 'actor must not be empty'],
      [async () => control.follow(any({ target: 5 })), 'A target is a text'],
      [async () => control.log(any({ limit: 5 })), 'There is no option "limit" of log'],
      [async () => control.followInterventions(any({ limit: 5 })), 'There is no option "limit" of followInterventions'],
      [async () => control.followInterventions({ since: 'now' }), '"now" is not a time'],
    ];
    for (const [give, says] of wrong) {
      const error = await Promise.resolve()
        .then(give)
        .catch((thrown: unknown) => thrown);
      expect(error, `${give}`).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(says) });
    }
  });
});
