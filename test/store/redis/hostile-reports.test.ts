import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { keysOf } from '../../../flags/table.ts';
import { type ControlPlane, openControlPlane } from '../../../operator/index.ts';
import { executorUser, operatorUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { KEPT_FOR_MS } from '../../../store/redis/kept-for.ts';
import { OWN_KEYS } from '../../../store/redis/keys.ts';
import type { Replica } from '../../../store/replica.ts';
import { hasRedis, type RedisServer } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, urlOf } from './acl-users.ts';
import { beat } from './harness.ts';
import { EVIL, HONEST, keys, setUp } from './hostile-switch.ts';

/** A report of a fork as of an executor that holds one event more than there is. */
async function forged(control: ControlPlane, id = 'e'): Promise<string> {
  const { head } = await control.status();
  const held = { ...head, epoch: head.epoch + 5, hash: 'a'.repeat(64) };
  return `${id} ${JSON.stringify({ against: head.generation, held })}`;
}

/** Waits until the executor has asked the store since, judged the reports there, and goes on. */
async function judges(executor: Replica): Promise<void> {
  const since = Date.now();
  await vi.waitFor(() => expect(executor.confirmedAt() ?? 0).toBeGreaterThan(since), 10_000);
  expect(executor.fault()).toBeNull();
}

const inOrder = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);

/** A second operator of that Redis, who runs one command. */
async function anotherCommand(redis: RedisServer): Promise<void> {
  const url = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
  const another = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'bob' } });
  await another.status();
  await another.close();
}

describe.skipIf(!hasRedis)('what a hostile executor reports of forks', () => {
  test('is shown to operators under its name, also without a beat, and counts no more once that is excluded, however much it is', async () => {
    const { control, honest, evil } = await setUp();
    await evil(['APPEND', keys.names, '\nevil\n']);
    await evil(['SET', EVIL.forks, await forged(control)]);
    await evil(['INCR', keys.changes]);
    await vi.waitFor(() => expect(honest.fault()?.code).toBe('GENERATION_CHANGED'), 10_000);
    const accused = [expect.objectContaining({ executor: 'evil', known_as: ['evil'] })];
    expect((await control.status()).forks).toEqual(accused);
    const recovered = await control.recover({ reason: 'test' });
    expect(recovered.forks).toEqual(accused);
    expect(recovered.given_up).toMatchObject([{ hash: 'a'.repeat(64) }]);

    await control.recover({ reason: 'test', exclude: ['evil'] });
    await vi.waitFor(() => expect(honest.fault()).toBeNull(), 10_000);
    const many = await Promise.all(Array.from({ length: 16 }, (_, id) => forged(control, `e${id}`)));
    await evil(['SET', EVIL.forks, many.join('\n')]);
    await evil(['APPEND', keys.names, '\nevil'.repeat(20_000)]);
    await evil(['INCR', keys.changes]);
    await judges(honest);
    expect((await control.status()).forks).toEqual([]);
  });

  test('does not count for an excluded name, also where more is reported than is judged', async () => {
    const { redis, control, honest } = await setUp();
    const names = Array.from({ length: 40 }, (_, index) => `team:evil ${index}`);
    await control.recover({ reason: 'test', exclude: names });
    await vi.waitFor(() => expect(honest.fault()).toBeNull(), 10_000);
    const many = await Promise.all(Array.from({ length: 16 }, (_, id) => forged(control, `e${id}`)));
    const report = async (name: string): Promise<void> => {
      const own = keys.executor(name);
      await redis.cli('APPEND', keys.names, `\n${own.escaped}\n`);
      await redis.cli('SET', own.forks, many.join('\n'));
    };
    for (const name of names) await report(name);
    await redis.cli('INCR', keys.changes);
    await judges(honest);
    for (let index = 0; index < 40; index += 1) await report(`other ${index}`);
    await redis.cli('INCR', keys.changes);
    await vi.waitFor(() => expect(honest.fault()?.code).toBe('GENERATION_CHANGED'), 10_000);
    const { forks } = await control.status();
    expect(forks[0]?.executor).toMatch(/more reports than are judged: of "other 0"/);
  });

  test.each(['team:mailer', '%65vil', '%65%76il', 'evil%3a0'])(
    'does not count under %s, which is not the escaped form of any name',
    async (raw) => {
      const { redis, control, honest } = await setUp();
      const { head } = await control.status();
      const own = keys.executorEscaped(raw);
      await redis.cli('APPEND', keys.names, `\n${raw}\n`);
      await redis.cli('SET', own.forks, await forged(control));
      await redis.cli('HSET', own.beats, 'f', JSON.stringify(beat('f', head, { name: 'mailer' })));
      await redis.cli('INCR', keys.changes);
      await judges(honest);
      expect((await control.executors()).data).toMatchObject([{ name: 'honest' }]);
      expect((await control.status()).forks).toEqual([]);
    },
  );
});

describe.skipIf(!hasRedis)('another type', () => {
  test.each(['changes', 'names', 'precedence'] as const)(
    'under %s keeps no kill from being appended; executors stop and say how to mend it',
    async (key) => {
      const { redis, control, honest } = await setUp();
      await redis.cli('DEL', keys[key]);
      await redis.cli('HSET', keys[key], 'x', 'y');
      await control.kill({ target: 'agent:bad' });
      await control.recover({ reason: 'test' });
      expect((await control.status()).kills).toMatchObject([{ target: 'agent:bad' }]);
      if (key !== 'precedence') await vi.waitFor(() => expect(honest.fault()).not.toBeNull(), 10_000);
      if (key === 'changes') {
        await vi.waitFor(() =>
          expect(honest.fault()?.message).toContain(`${keys.changes} is no number: remove it (DEL)`),
        );
        await redis.cli('DEL', keys.changes);
      }
      if (key === 'names') {
        expect((await control.executors()).data).toMatchObject([
          { state: 'silent', problem: /Any command of an operator/ },
        ]);
        await anotherCommand(redis);
      }
      await vi.waitFor(() => expect(honest.fault()).toBeNull(), 10_000);
      await vi.waitFor(
        async () => expect((await control.executors()).data).toMatchObject([{ name: 'honest' }]),
        10_000,
      );
    },
  );
});

describe.skipIf(!hasRedis)('a hostile executor that reports under an honest one’s id', () => {
  test('is another executor, and forgetting it leaves the honest one in the count, with its surfaces', async () => {
    const { control, honest, evil } = await setUp();
    const id = honest.reports.executorId;
    const surface = (action: string): string =>
      JSON.stringify([
        {
          ...{ action, effect: 'write', surface: 's', feature: null, irreversible: false },
          ...{ draft: false, redirect: false, reverse: false, limits: [], last_used: null },
        },
      ]);
    await honest.reports.describe(JSON.parse(surface('mail.send')));
    await evil(['APPEND', keys.names, '\nevil\n']);
    await evil(['HSET', EVIL.beats, id, JSON.stringify(beat(id, null, { name: 'evil' }))]);
    await evil(['HSET', EVIL.surfaces, id, surface('x')]);
    const writers = async (): Promise<(string | null)[]> =>
      (await control.executors()).data.map(({ writer }) => writer).sort(inOrder);
    expect(await writers()).toEqual(['name evil', 'name honest']);
    expect((await control.surfaces()).data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'mail.send', executor: 'honest' }),
        expect.objectContaining({ action: 'x', executor: 'evil' }),
      ]),
    );
    await expect(control.forgetExecutor(id)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/"name (evil|honest)", "name (evil|honest)".*--writer/),
    });
    await control.forgetExecutor(id, { writer: 'name evil' });
    expect(await writers()).toEqual(['name honest']);
    expect((await control.surfaces()).data).toMatchObject([{ action: 'mail.send', executor: 'honest' }]);
  });

  test('is shown with its interventions under its own name, and replaces no others', async () => {
    const { redis, control, evil } = await setUp();
    const said = (executor_name: string, action: string): string =>
      JSON.stringify({
        ...{
          id: 'i-1',
          at: '2026-01-01T00:00:00.000Z',
          executor_id: 'h',
          executor_name,
          type: 'HARD_BLOCK',
          outcome: 'BLOCKED',
        },
        ...{ verdict: 'block', status: 'blocked', state: 'refused', action, effect: 'write', surface: null },
        ...{
          agent_id: null,
          run_id: null,
          mission_id: null,
          mode: 'full_stop',
          epoch: 1,
          cause: {},
          input: null,
          proposal: false,
        },
      });
    await redis.cli('DEL', HONEST.interventions, HONEST.proposals, HONEST.notices);
    await redis.cli('XADD', HONEST.interventions, '*', 'record', said('honest', 'mail.send'));
    await evil(['APPEND', keys.names, '\nevil\n']);
    await evil(['XADD', EVIL.interventions, '*', 'record', said('honest', 'x')]);
    const { data, unreadable } = await control.interventions();
    expect(unreadable).toBe(0);
    expect(data.map(({ writer, action }) => `${writer}: ${action}`).sort(inOrder)).toEqual([
      'name evil: x',
      'name honest: mail.send',
    ]);
    // Records beyond the bound of all are not read, and hide none.
    for (let index = 0; index < 9; index += 1)
      await evil(['XADD', EVIL.interventions, '*', 'record', 'x'.repeat(10_000_000)]);
    const beside = await control.interventions();
    expect(beside.data).toMatchObject([{ writer: 'name honest' }]);
    expect(beside.unreadable).toBe(1);
  });

  test('hides no executor with as many beats as are read of all', async () => {
    const { control, honest, executor, evil } = await setUp();
    await evil(['APPEND', keys.names, '\nevil\n']);
    const text = JSON.stringify(beat('x', null, { name: 'evil' }));
    for (let from = 0; from < 10_000; from += 1000)
      await evil(['HSET', EVIL.beats, ...Array.from({ length: 1000 }, (_, id) => [`${from + id}`, text]).flat()]);
    await evil(['HDEL', EVIL.beats, '0']); // together with the honest one's just as many as are read
    const other = await executor('zealous');
    await vi.waitFor(() => expect(other.fault()).toBeNull(), 10_000);
    const shown = (await control.executors()).data;
    for (const { executorId } of [honest.reports, other.reports])
      expect(shown).toContainEqual(expect.objectContaining({ id: executorId, state: 'stopped' }));
    expect(shown).toContainEqual(
      expect.objectContaining({ id: 'evil', problem: expect.stringContaining('9999 were not read') }),
    );
  });
});

describe.skipIf(!hasRedis)('names of executors', () => {
  test('are taken out when an executor leaves, if its user may do that, and else by an operator', async () => {
    const { redis, executor } = await setUp();
    const names = async (): Promise<string[]> =>
      String(await redis.cli('GET', keys.names))
        .split('\n')
        .filter((name) => name !== '');
    for (let pod = 0; pod < 5; pod += 1) {
      const replica = await executor(`pod:${pod}`, redis.url);
      await vi.waitFor(() => expect(replica.fault()).toBeNull(), 10_000);
      expect(await names()).toEqual(['honest', `pod%3A${pod}`]);
      await replica.close();
    }
    expect(await names()).toEqual(['honest']);
    const kept = await executor('kept', redis.url);
    await vi.waitFor(() => expect(kept.fault()).toBeNull(), 10_000);
    await redis.cli('XADD', keys.executor('kept').proposals, '*', 'record', '{}');
    await kept.close();
    const confined = await executor('confined');
    await vi.waitFor(() => expect(confined.fault()).toBeNull(), 10_000);
    await confined.close();
    expect(await names()).toEqual(['honest', 'kept', 'confined']);
    expect(Number(await redis.cli('PTTL', keys.executor('kept').proposals))).toBeGreaterThan(80 * 86_400_000);
  });

  test('without keys make room for a new one where its user may do that; those of executors that have not left stay', async () => {
    const { redis, control, honest, executor } = await setUp();
    const dead = JSON.stringify(beat('d', null, { name: 'dead' }));
    await redis.cli('APPEND', keys.names, '\ndead\n');
    await redis.cli('HSET', keys.executor('dead').beats, 'd', dead);
    await redis.cli('APPEND', keys.names, Array.from({ length: 10_000 }, () => `\n${randomUUID()}\n`).join(''));
    const confined = await executor('confined');
    await vi.waitFor(() => expect(confined.fault()?.message).toMatch(/FULL.*executors forget/), 10_000);
    const free = await executor('free', redis.url);
    for (const each of [free, confined, honest]) await vi.waitFor(() => expect(each.fault()).toBeNull(), 10_000);
    await vi.waitFor(
      async () =>
        expect((await control.executors()).data.map(({ name }) => name).sort()).toEqual([
          'confined',
          'dead',
          'free',
          'honest',
        ]),
      5000,
    );
  });

  test('under which there is only what was seen stay while there is room, and then go first', async () => {
    const { redis, executor } = await setUp();
    const names = async (): Promise<string[]> =>
      String(await redis.cli('GET', keys.names))
        .split('\n')
        .filter((name) => name !== '');
    const left = await executor('left', redis.url);
    await vi.waitFor(() => expect(left.fault()).toBeNull(), 10_000);
    const seen = { at: new Date().toISOString(), executor: 'left', agent_id: 'slowbot', mission_id: null };
    await left.reports.see([{ ...seen, run_id: null, action: null, surface: null, feature: null }]);
    await left.close();
    // What others could add to the list takes no room: there is nothing under it.
    await redis.cli('APPEND', keys.names, Array.from({ length: 7000 }, () => `\n${randomUUID()}\n`).join(''));
    await anotherCommand(redis);
    expect(await names()).toEqual(['honest', 'left']);
    expect(Number(await redis.cli('PTTL', keys.executor('left').seen))).toBeGreaterThan(86_400_000);
    const pods = `for pod = 1, 7000 do
      redis.call('APPEND', KEYS[1], '\\npod-' .. pod .. '\\n')
      redis.call('XADD', ARGV[1] .. 'pod-' .. pod .. ':seen', '*', 'record', '{}')
    end`;
    await redis.cli('EVAL', pods, 1, keys.names, keys.executorPrefix);
    const late = await executor('late', redis.url);
    await vi.waitFor(() => expect(late.fault()).toBeNull(), 10_000);
    expect(await names()).toEqual(['honest', 'late']);
  });

  test('that are never heard of again leave nothing for ever but beats, surfaces and reports of forks', async () => {
    const { redis, honest } = await setUp();
    const ended = keysOf(KEPT_FOR_MS);
    const lists = ['interventions', 'notices', 'proposals', 'seen', 'shadow'];
    expect([...ended].sort()).toEqual(['checkpointTimes', 'checkpoints', ...lists]);
    const allKept = () =>
      vi.waitFor(async () => {
        for (const kind of ended) {
          const left = Number(await redis.cli('PTTL', HONEST[kind]));
          expect(left).toBeGreaterThan(KEPT_FOR_MS[kind] - 86_400_000);
          expect(left).toBeLessThanOrEqual(KEPT_FOR_MS[kind]);
        }
      }, 10_000);
    await allKept();
    // about to expire, as if the name had been silent
    for (const kind of ended) await redis.cli('PEXPIRE', HONEST[kind], 10_000);
    await allKept();
    expect(await redis.cli('PTTL', HONEST.beats)).toBe(-1);
    expect(honest.fault()).toBeNull();
    // A journal and requests stay until an operating process forgets them, what is spent ends with the windows of its
    // budgets, and stops are taken by the log.
    expect(Object.keys(OWN_KEYS).length).toBe(16);
  });
});

test.skipIf(!hasRedis)(
  'a user that is confined to a name can read the reports of forks of others, and none of their other keys',
  async () => {
    const { redis } = await setUp();
    const evil = asUser(await urlOf(redis, executorUser(DEFAULT_SCOPE, 'evil:0')));
    expect(await evil(['SET', keys.executor('evil').forks, 'x'])).toMatch(/NOPERM/);
    expect(await evil(['SET', keys.executorEscaped('evil:0').forks, 'x'])).toMatch(/NOPERM/);
    expect(await evil(['SET', keys.executor('evil:0').forks, 'x'])).toBe('OK');
  },
);
