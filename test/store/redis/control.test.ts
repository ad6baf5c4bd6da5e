import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { follows, GENESIS, stateFrom } from '../../../flags/index.ts';
import { hasRedis, type RedisServer, startFaultProxy, startRedis } from '../../servers/index.ts';
import {
  append,
  appendMany,
  beat,
  failure,
  goLive,
  init,
  kill,
  killData,
  logOf,
  openControl,
  openExecutor,
  plan,
} from './harness.ts';

describe.skipIf(!hasRedis)('an operator over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });

  const setUp = () => {
    const at = { url: redis.url, organizationId: randomUUID() };
    return { at, control: openControl(at), key: (name: string) => `kill-switch:{${at.organizationId}}:${name}` };
  };

  test('reads head, entries and the time of the server at one moment', async () => {
    const { control } = setUp();
    expect((await control.read([])).head).toBeNull();
    const before = Date.now();
    await init(control);
    const head = await kill(control, 'agent:x');
    const view = await control.read(['kill:agent:x', 'kill:agent:y', 'mode', 'mode']);
    expect(view.head).toEqual(head);
    expect(view.get('kill', 'agent:x')).toMatchObject({ target: 'agent:x', epoch: 2 });
    expect(view.get('kill', 'agent:y')).toBeUndefined();
    expect(view.get('mode')).toMatchObject({ mode: 'draft_only' });
    expect(view.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(view.time) - before)).toBeLessThan(5000); // the server shares our clock
    expect(() => view.get('control')).toThrow(/was not read/);
  });

  test('an append changes head, state and log together', async () => {
    const { control, key } = setUp();
    await init(control);
    await kill(control, 'agent:x');
    const { id } = (await control.read(['kill:agent:x'])).get('kill', 'agent:x') as { id: string };
    const head = await append(control, 'revive', { id, target: 'agent:x' });
    expect((await control.read(['kill:agent:x'])).get('kill', 'agent:x')).toBeUndefined();
    expect(await redis.cli('HKEYS', key('state'))).toEqual(expect.not.arrayContaining(['kill:agent:x']));
    expect((await logOf(control)).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'init'],
      [2, 'kill'],
      [3, 'revive'],
    ]);
    expect(JSON.parse((await redis.cli('GET', key('head'))) as string)).toEqual(head);
    expect(await redis.cli('XRANGE', key('log'), '3-0', '3-0')).toMatchObject([
      ['3-0', ['event', expect.stringContaining(head.hash)]],
    ]);
  });

  test('an append on another head changes nothing and returns false', async () => {
    const { control } = setUp();
    const first = await plan(control, 'init', { generation: 'g' });
    expect(await failure(control.append({ ...first, expected: { ...first.head, epoch: 9 } }))).toMatchObject({
      code: 'INVALID_STATE', // a reader would refuse it
    });
    expect(await control.append(first)).toBe(true);
    expect(await control.append(first)).toBe(false);
    const late = await plan(control, 'kill', killData('all'));
    await goLive(control);
    expect(await control.append(late)).toBe(false);
    expect(await logOf(control)).toHaveLength(2);
    expect((await control.read(['kill:all'])).get('kill', 'all')).toBeUndefined();
  });

  test('of eight that append at once exactly one wins each epoch, and the chain verifies', async () => {
    const { at, control } = setUp();
    await init(control);
    const wins = await Promise.all(
      Array.from({ length: 8 }, async (_, operator) => {
        const own = openControl(at);
        let won = 0;
        for (let round = 0; round < 12; round += 1) {
          const change = await plan(own, 'kill', killData(`agent:${operator}-${round}`));
          if (await own.append(change)) won += 1;
        }
        return won;
      }),
    );
    const log = await logOf(control);
    const won = wins.reduce((sum, count) => sum + count);
    expect(log).toHaveLength(1 + won);
    expect(won).toBeGreaterThanOrEqual(12);
    expect(won).toBeLessThan(96); // else no two ever competed
    log.forEach((event, index) => {
      const before = log[index - 1];
      expect(follows(event, before?.hash ?? GENESIS, before?.seq ?? 0)).toBe(true);
    });
    const executor = openExecutor(at);
    const { head, entries } = await executor.load(null, 'n');
    expect(head).toMatchObject({ epoch: log.length, hash: log.at(-1)?.hash });
    expect(stateFrom(entries, head as NonNullable<typeof head>).killCount).toBe(won);
  });

  test('an append whose answer is lost fails as unknown, whether it arrived or not', async () => {
    const { at, control } = setUp();
    await init(control);
    const proxy = await startFaultProxy({ port: redis.port });
    const cutOff = openControl({ ...at, url: `redis://127.0.0.1:${proxy.port}`, requestTimeoutMs: 300 });
    const [first, second] = [
      await plan(cutOff, 'kill', killData('agent:a')),
      await plan(cutOff, 'kill', killData('agent:b')),
    ];

    proxy.stall('to-client'); // it arrives, its answer does not
    expect(await failure(cutOff.append(first))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/not known whether change 2 was appended/),
    });
    expect(await logOf(control)).toHaveLength(2);

    await proxy.resume();
    expect((await cutOff.read([])).head?.epoch).toBe(2); // connected again
    expect(await cutOff.append(second)).toBe(false);
    const third = await plan(cutOff, 'kill', killData('agent:c'));
    proxy.stall('to-client');
    const lost = cutOff.append(third);
    await expect.poll(() => logOf(control)).toHaveLength(3);
    proxy.cut(); // the connection ends before the answer
    expect(await failure(lost)).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/not known/),
    });

    await proxy.resume();
    const fourth = await plan(cutOff, 'kill', killData('agent:d'));
    proxy.stall('to-server'); // it never arrives
    expect(await failure(cutOff.append(fourth))).toMatchObject({ message: expect.stringMatching(/not known/) });
    proxy.cut();
    expect(await logOf(control)).toHaveLength(3);
  });

  test('an append without a connection fails as unreachable, not as unknown', async () => {
    const { control } = setUp();
    const change = await plan(control, 'init', { generation: 'g' });
    const nowhere = openControl({ url: 'redis://127.0.0.1:1', requestTimeoutMs: 200 });
    const error = await failure(nowhere.append(change));
    expect(error.code).toBe('STORE_UNREACHABLE');
    expect(error.message).not.toMatch(/not known/);
  });

  test('acknowledged changes are there after Redis was killed at that moment, with many others under way', async () => {
    const own = await startRedis();
    const control = openControl({ url: own.url });
    await init(control);
    for (let round = 0; round < 3; round += 1) {
      let acknowledged = 0;
      const busy = (async () => {
        for (;;) acknowledged = (await kill(control, `agent:${round}-${acknowledged}`)).epoch;
      })();
      const ended = failure(busy);
      await expect.poll(() => acknowledged).toBeGreaterThan(10);
      await own.kill();
      await ended;
      await own.restart();
      const log = await logOf(control);
      expect(log.length).toBeGreaterThanOrEqual(acknowledged);
      expect(log.length).toBeLessThanOrEqual(acknowledged + 1); // the one without an answer
      expect((await control.read([])).head?.epoch).toBe(log.length);
    }
  });

  test('the log comes in pages, after any epoch', async () => {
    const { url } = await startRedis({ config: ['appendonly no'] });
    const control = openControl({ url });
    await init(control);
    await appendMany(control, 1004);
    expect((await logOf(control)).map(({ seq }) => seq)).toEqual(Array.from({ length: 1005 }, (_, index) => index + 1));
    expect((await logOf(control, 1003)).map(({ seq }) => seq)).toEqual([1004, 1005]);
    expect(await logOf(control, 1005)).toEqual([]);
  });

  test('the log ends with an error at an entry that is not what was written', async () => {
    const { control, key } = setUp();
    await init(control);
    await kill(control, 'agent:x');
    const [[, [, text]]] = (await redis.cli('XRANGE', key('log'), '2-0', '2-0')) as [[string, [string, string]]];
    const forge = async (id: string, field: string, value: string) => {
      await redis.cli('XDEL', key('log'), '2-0');
      await redis.cli('DEL', key('log'));
      await redis.cli('XADD', key('log'), id, field, value);
      return failure(logOf(control));
    };
    for (const [id, field, value] of [
      ['2-0', 'event', text.replace('agent:x', 'agent:y')],
      ['2-0', 'event', text.slice(0, 50)],
      ['2-0', 'other', text],
      ['3-0', 'event', text],
    ] as const)
      expect(await forge(id, field, value), `${id} ${field} ${value}`).toMatchObject({ code: 'CORRUPT' });
  });

  test('lists every executor that has reported and not left, until an operator forgets it', async () => {
    const { at, control, key } = setUp();
    const head = await init(control);
    for (const id of ['__proto__', '*', '😀'.repeat(512)])
      await openExecutor({ ...at, executorId: id }).confirm(beat(id, head), 'n');
    const fork = { against: head.generation, held: head };
    const executor = openExecutor(at);
    await executor.confirm(beat(executor.id, head, { fork }), 'n');
    expect((await control.executors()).map(({ id }) => id).sort()).toEqual(
      ['__proto__', '*', '😀'.repeat(512), executor.id].sort(),
    );
    await control.forget('__proto__');
    await control.forget(executor.id); // but its report of a fork stays
    await control.forget('nobody');
    expect(await control.executors()).toHaveLength(2);
    expect(await redis.cli('GET', key('executor:test:fork-reports'))).toBe(`${executor.id} ${JSON.stringify(fork)}`);
  });

  test('an executor whose beat cannot be read is shown all the same', async () => {
    const { at, control, key } = setUp();
    const head = await init(control);
    const executor = openExecutor(at);
    await executor.confirm(beat(executor.id, head), 'n');
    for (const report of ['{', '{}', JSON.stringify(beat('another', head))]) {
      await redis.cli('HSET', key('executor:test:beats'), 'odd', report);
      const beats = await control.executors();
      expect(beats, report).toHaveLength(2);
      expect(beats, report).toContainEqual(expect.objectContaining({ id: 'odd', problem: expect.any(String) }));
    }
    await control.forget('odd');
    expect(await control.executors()).toHaveLength(1);
  });
});
