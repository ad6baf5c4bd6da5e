import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Head, sealEvent, stateFrom } from '../../../flags/index.ts';
import { CATCH_UP_EVENTS } from '../../../store/answers.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { hasRedis, type RedisServer, startRedis, temporaryFolder } from '../../servers/index.ts';
import {
  append,
  appendMany,
  beat,
  failure,
  goLive,
  init,
  kill,
  openControl,
  openExecutor,
  plan,
  pushes,
  withoutHash,
} from './harness.ts';

describe.skipIf(!hasRedis)('an executor over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });

  /** A switch of its own on the shared server. */
  const setUp = async () => {
    const at = { url: redis.url, organizationId: randomUUID() };
    const control = openControl(at);
    const executor = openExecutor(at);
    const confirm = (held: Head | null, more = {}) => executor.confirm(beat(executor.id, held, more), 'n');
    return { at, control, executor, confirm, key: (name: string) => `kill-switch:{${at.organizationId}}:${name}` };
  };

  test('a flood of reports that prove nothing hides no true one: the flood itself stops executors', async () => {
    const { control, executor, key } = await setUp();
    const head = await init(control);
    const nothing = JSON.stringify({ against: head.generation, held: head }); // it is in the log
    const report = async (name: string): Promise<void> => {
      await redis.cli('APPEND', key('executor-names'), `\n${name}\n`);
      const lines = Array.from({ length: 16 }, (_, id) => `${id} ${nothing}`);
      await redis.cli('SET', key(`executor:${name}:fork-reports`), lines.join('\n'));
    };
    for (let name = 0; name < 16; name += 1) await report(`few-${name}`);
    await redis.cli('INCR', key('changes'));
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ forkReported: false });
    await report('one-too-many');
    await redis.cli('INCR', key('changes'));
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ forkReported: true });
  });

  test('finds no control plane before init: no head, and a held head is not in the chain', async () => {
    const { executor, confirm } = await setUp();
    const held: Head = { generation: 'g', epoch: 1, hash: 'a'.repeat(64), recovered: false };
    expect(await executor.load(null, 'n')).toMatchObject({ head: null, entries: [], linked: true });
    expect(await executor.load(held, 'n')).toMatchObject({ head: null, entries: [], linked: false });
    expect(await confirm(null)).toMatchObject({ head: null, events: 'reload', forkReported: false });
    expect(await confirm(held)).toMatchObject({ head: null, events: null, forkReported: false });
  });

  test('loads head and state of one moment, and says whether the held head is in the chain', async () => {
    const { control, executor } = await setUp();
    const first = await init(control);
    await kill(control, 'agent:a:b');
    const head = await kill(control, 'agent:__proto__');
    const snapshot = await executor.load(first, 'n');
    expect(snapshot).toMatchObject({ head, linked: true });
    const state = stateFrom(snapshot.entries, head);
    expect([...state.kills.agent.keys()].sort()).toEqual(['__proto__', 'a:b']);
    expect(state.head).toEqual(head);
    expect((await executor.load({ ...first, hash: head.hash }, 'n')).linked).toBe(false);
    expect((await executor.load({ ...head, epoch: 4 }, 'n')).linked).toBe(false);
    expect((await executor.load(head, 'n')).linked).toBe(true);
  });

  test('gets with one confirmation what it lacks: nothing, the events, or the advice to load', async () => {
    const { control, confirm } = await setUp();
    const first = await init(control);
    expect(await confirm(first)).toMatchObject({ head: first, events: [], forkReported: false });
    await goLive(control);
    const head = await kill(control, 'all');
    const answer = await confirm(first);
    expect(answer).toMatchObject({ head, forkReported: false });
    expect(answer.events).toMatchObject([
      { seq: 2, type: 'mode', prev: first.hash },
      { seq: 3, type: 'kill', hash: head.hash },
    ]);
    expect(await confirm(null)).toMatchObject({ head, events: 'reload', forkReported: false });
  });

  test('a held head that is not in the chain gets no events', async () => {
    const { control, confirm } = await setUp();
    const first = await init(control);
    const head = await kill(control, 'all');
    for (const held of [
      { ...head, hash: 'b'.repeat(64) },
      { ...first, hash: head.hash },
      { ...head, epoch: 3, hash: 'c'.repeat(64) },
      { ...head, generation: randomUUID() },
    ])
      expect(await confirm(held), JSON.stringify(held)).toMatchObject({ head, events: null, forkReported: false });
  });

  test(`more than ${CATCH_UP_EVENTS} missing events are not sent: the state is loaded`, async () => {
    const { url } = await startRedis({ config: ['appendonly no'] });
    const [control, executor] = [openControl({ url }), openExecutor({ url })];
    const confirm = (held: Head) => executor.confirm(beat(executor.id, held), 'n');
    const first = await init(control);
    const second = await goLive(control);
    await appendMany(control, CATCH_UP_EVENTS);
    expect((await confirm(second)).events).toHaveLength(CATCH_UP_EVENTS);
    expect((await confirm(first)).events).toBe('reload');
  });

  test('the events may include a recover, which may skip numbers and begins another generation', async () => {
    const { control, confirm } = await setUp();
    const first = await init(control);
    const draft = await plan(control, 'recover', { generation: 'g2', given_up: [] });
    const event = sealEvent({ ...withoutHash(draft.event), seq: 40 });
    const head = { ...draft.head, epoch: 40, hash: event.hash };
    expect(await control.append({ ...draft, event, head })).toBe(true);
    const after = await kill(control, 'all');
    expect(after).toMatchObject({ generation: 'g2', epoch: 41, recovered: true });
    expect((await confirm(first)).events).toMatchObject([{ seq: 40 }, { seq: 41 }]);
    expect((await confirm(head)).events).toMatchObject([{ seq: 41 }]);
  });

  test('a confirmation writes the beat, and leaving removes it', async () => {
    const { control, executor, confirm } = await setUp();
    const head = await init(control);
    await confirm(null);
    await confirm(head, { in_flight: 2, agents: ['a', '__proto__'] });
    expect(await control.executors()).toEqual([
      {
        ...beat(executor.id, head, { in_flight: 2, agents: ['a', '__proto__'] }),
        writer: 'name test',
        heard_at: expect.stringMatching(/^2\d{3}-.*Z$/),
      },
    ]);
    await executor.leave();
    expect(await control.executors()).toEqual([]);
  });

  test('it reports under its own id only', async () => {
    const { executor } = await setUp();
    expect(await failure(executor.confirm(beat('another', null), 'n'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('a fork that one executor reports stops all, until a recover; one of another generation does not count', async () => {
    const { at, control, confirm } = await setUp();
    const other = openExecutor(at);
    const head = await init(control);
    const told = async () => (await other.confirm(beat(other.id, head), 'n')).forkReported;
    const held = { ...head, hash: 'e'.repeat(64), epoch: head.epoch + 1 };
    await confirm(head, { fork: { against: 'an earlier one', held } });
    expect(await told()).toBe(false);
    await confirm(head, { fork: { against: head.generation, held } });
    expect(await told()).toBe(true);
    await confirm(head); // an executor that reports nothing more does not take its report back
    expect(await told()).toBe(true);
    const { epoch } = await append(control, 'recover', { generation: randomUUID(), given_up: [held] });
    expect(await other.confirm(beat(other.id, head), 'n')).toMatchObject({
      forkReported: false,
      events: [{ seq: epoch }],
    });
    await confirm(head, { fork: { against: head.generation, held } }); // late
    expect(await told()).toBe(false);
  });

  test('an unreadable report of a fork proves nothing', async () => {
    const { control, confirm, key } = await setUp();
    const head = await init(control);
    for (const report of ['{', '7', '{"held":null}']) {
      await redis.cli('SET', key('executor:test:fork-reports'), `x ${report}`);
      await redis.cli('INCR', key('changes'));
      expect((await confirm(head)).forkReported, report).toBe(false);
    }
  });

  test('keeps an anchor only with a file for it', async () => {
    const { at } = await setUp();
    const folder = temporaryFolder('redis-anchor');
    onTestFinished(folder.remove);
    const file = join(folder.path, 'anchor.json');
    const scope = { organizationId: at.organizationId, executorId: 'x', executorName: 'x', requestTimeoutMs: 500 };
    expect(redisStore({ url: redis.url }).open(scope).anchor).toBeNull();
    const { anchor } = redisStore({ url: redis.url, anchor: file }).open(scope);
    expect(anchor?.read()).toBeNull();
    anchor?.write({ head: { generation: 'g', epoch: 1, hash: 'a'.repeat(64), recovered: false }, generations: ['g'] });
    expect(existsSync(file)).toBe(true);
  });

  const odd = [
    '__proto__',
    'constructor',
    '*a',
    'a:b',
    '{x}',
    '}{',
    '{}',
    '%7Bx%7D',
    '👩‍🚀',
    'ä b?[c]\\^',
    '😀'.repeat(512),
  ];
  test.each(odd.map((id) => [id.slice(0, 10), id]))(
    'the organisation %j… has a switch of its own',
    async (_, organizationId) => {
      const [control, executor] = [
        openControl({ url: redis.url, organizationId }),
        openExecutor({ url: redis.url, organizationId, executorId: organizationId }),
      ];
      expect((await executor.load(null, 'n')).head).toBeNull();
      await init(control);
      const { heard } = pushes(executor);
      await expect.poll(() => heard).toEqual([{ type: 'gap' }]);
      const head = await kill(control, `agent:${organizationId}`);
      await expect.poll(() => heard.slice(1)).toMatchObject([{ type: 'event', event: { seq: 2 } }]);
      const { entries } = await executor.load(head, 'n');
      expect([...stateFrom(entries, head).kills.agent.keys()]).toEqual([organizationId]);
      expect((await executor.confirm(beat(organizationId, head), 'n')).events).toEqual([]);
      expect(await control.executors()).toHaveLength(1);
      await control.forget(organizationId);
      expect(await control.executors()).toEqual([]);
    },
  );
  test.each([
    ['empty', ''],
    ['with a control character', 'a\nb'],
    ['of 513 characters', 'x'.repeat(513)],
    ['with half a surrogate pair', '\ud800'],
  ])('an organisation %s is refused', (_, organizationId) => {
    expect(() => openExecutor({ url: redis.url, organizationId })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(() => openControl({ url: redis.url, organizationId })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
