import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { beat, failure, goLive, init, kill, logOf, openControl, openExecutor, plan, pushes } from './harness.ts';

const PASSWORD = 'hunter2';

/** Waits on two busy cores; each try may take as long as a request. */
const soon = <T>(look: () => T | Promise<T>): Promise<T> => vi.waitFor(look, { timeout: 8000, interval: 20 });

/** A user with all permissions but for these rules; `at` is the URL of a database, as that user. */
async function startWithUser(...rules: string[]) {
  const redis = await startRedis();
  await redis.cli('ACL', 'SETUSER', 'dana', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', ...rules);
  const at = (db: string) => ({
    url: `redis://dana:${PASSWORD}@127.0.0.1:${redis.port}${db}`,
    requestTimeoutMs: 400,
  });
  return { redis, at };
}

/** Ends every connection of that user, also those of subscribers. */
const killConnections = (redis: RedisServer, user: string) => redis.cli('CLIENT', 'KILL', 'USER', user);

const refused = (db: number, says: RegExp) => ({
  code: 'NOT_PERMITTED',
  message: expect.stringMatching(new RegExp(`database ${db}\\b.*${says.source}`, 's')),
});

describe.skipIf(!hasRedis)('a connection counts once it is in the database of its URL', () => {
  test.each([
    ['a database that is not there', '/99', 99, [], /DB index is out of range.*`databases`/],
    ['a user who may not SELECT', '/5', 5, ['-select'], /NOPERM.*\+select/],
  ] as const)('%s: nothing is read or written elsewhere', async (_, path, db, rules, says) => {
    const { redis, at } = await startWithUser(...rules);
    const other = openControl({ url: redis.url });
    await init(other);
    await goLive(other);
    const before = await redis.cli('DBSIZE');
    const [control, executor] = [openControl(at(path)), openExecutor(at(path))];
    const [byControl, byExecutor] = [pushes(control), pushes(executor)];
    const change = await plan(other, 'kill', { id: 'k', target: 'all', mode: 'full_stop', expires_at: null });
    const works: readonly Promise<unknown>[] = [
      executor.load(null, 'n'),
      executor.confirm(beat(executor.id, null), 'n'),
      executor.leave(),
      executor.shelf.put('surfaces', 'x', '{}'),
      control.read([]),
      control.append(change),
      control.executors(),
    ];
    for (const error of await Promise.all(works.map(failure))) {
      expect(error).toMatchObject(refused(db, says));
      expect(error.message).not.toContain(PASSWORD);
    }
    for (const { heard } of [byControl, byExecutor])
      await soon(() => expect(heard).toMatchObject([{ type: 'trouble', error: refused(db, says) }]));
    expect(await redis.cli('DBSIZE')).toBe(before);
    expect(await logOf(other)).toHaveLength(2);
  });

  test('the database may be an option, and is shown like that of a URL', async () => {
    const { redis, at } = await startWithUser('-select');
    const executor = openExecutor({ ...at(''), options: { db: 5 } });
    const error = await failure(executor.confirm(beat(executor.id, null), 'n'));
    expect(error).toMatchObject(refused(5, /\+select/));
    expect(error.message).toMatch(/^Redis at redis:\/\/127\.0\.0\.1:\d+\/5 refuses/);
    expect(await redis.cli('DBSIZE')).toBe(0);
  });

  test.each(['', '/', '/0'])('database 0 (%j) needs no permission to SELECT', async (path) => {
    const { at } = await startWithUser('-select');
    const [control, executor] = [openControl(at(path)), openExecutor(at(path))];
    const head = await init(control);
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ head, events: [] });
    const { heard } = pushes(executor);
    await soon(() => expect(heard).toEqual([{ type: 'gap' }]));
  });

  test('a permission that is taken away stops the next connection, raises no fork, and all goes on once it is back', async () => {
    const { redis, at } = await startWithUser();
    const zero = openControl({ url: redis.url });
    await init(zero);
    await goLive(zero);
    const before = await redis.cli('DBSIZE');
    const [control, executor] = [openControl(at('/5')), openExecutor(at('/5'))];
    await init(control);
    const head = await kill(control, 'agent:x');
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ head, events: [] });
    const { heard } = pushes(executor);
    await soon(() => expect(heard).toEqual([{ type: 'gap' }]));
    const change = await plan(control, 'kill', { id: 'k', target: 'all', mode: 'full_stop', expires_at: null });

    await redis.cli('ACL', 'SETUSER', 'dana', '-select');
    await killConnections(redis, 'dana');
    const fork = { held: head, found: null, against: head.generation };
    for (const work of [
      () => executor.confirm(beat(executor.id, head), 'n'),
      () => executor.confirm(beat(executor.id, head, { fork: fork as never }), 'n'),
      () => executor.load(head, 'n'),
      () => control.append(change),
      () => control.read([]),
    ])
      await soon(async () => expect(await failure(work())).toMatchObject(refused(5, /\+select/)));
    await soon(() => expect(heard.at(-1)).toMatchObject({ type: 'trouble' }));
    expect(heard.filter(({ type }) => type === 'gap')).toHaveLength(1);
    expect(await redis.cli('DBSIZE')).toBe(before);
    expect((await logOf(zero)).map(({ type }) => type)).toEqual(['init', 'mode']);

    await redis.cli('ACL', 'SETUSER', 'dana', '+select');
    const again = () => executor.confirm(beat(executor.id, head), 'n').catch(({ code }: { code: string }) => code);
    await expect.poll(again, { timeout: 5000 }).toMatchObject({ head, events: [], forkReported: false });
    expect(await control.append(change)).toBe(true);
    await soon(() => expect(heard.at(-1)?.type).not.toBe('trouble'));
    expect(await redis.cli('DBSIZE')).toBe(before);
  });

  test('a refused connection is made anew a few times a second, not at once each time', async () => {
    const { redis, at } = await startWithUser('-select');
    const executor = openExecutor(at('/5'));
    await failure(executor.load(null, 'n'));
    const connections = async () =>
      Number(/total_connections_received:(\d+)/.exec(String(await redis.cli('INFO', 'stats')))?.[1]);
    const before = await connections();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await connections()) - before).toBeLessThan(12);
  });

  test('events of another database of the same Redis are not pushed', async () => {
    const redis = await startRedis();
    const [zero, five] = ['', '/5'].map((db) => openControl({ url: `${redis.url}${db}` }));
    if (!zero || !five) throw new Error('two databases');
    const at = { url: `${redis.url}/5` };
    const { heard } = pushes(openExecutor(at));
    const zeroHeard = pushes(openExecutor({ url: redis.url })).heard;
    await soon(() => expect([heard.length, zeroHeard.length]).toEqual([1, 1]));
    await init(zero);
    await init(five);
    await kill(zero, 'all');
    const last = await kill(five, 'agent:x');
    await soon(() => expect(heard.at(-1)).toMatchObject({ event: { hash: last.hash } }));
    await soon(() => expect(zeroHeard).toHaveLength(3));
    expect(heard).toHaveLength(3);
  });
});

describe.skipIf(!hasRedis)('the user of a connection', () => {
  test.each(['', 'default'])(
    'a password is refused where the default user needs none, whether the URL names that user or not (%j)',
    async (user) => {
      const redis = await startRedis();
      const executor = openExecutor({
        url: `redis://${user}:${PASSWORD}@127.0.0.1:${redis.port}`,
        requestTimeoutMs: 400,
      });
      expect((await failure(executor.load(null, 'n'))).message).toMatch(/NOPASSWORD/);
      await redis.cli('CONFIG', 'SET', 'requirepass', PASSWORD);
      await soon(async () => expect(await executor.load(null, 'n')).toMatchObject({ head: null }));
    },
  );

  test('a password that was changed is refused at the next connection, where the default user needs none', async () => {
    const { redis, at } = await startWithUser();
    const [control, executor] = [openControl(at('')), openExecutor(at(''))];
    const head = await init(control);
    await executor.confirm(beat(executor.id, head), 'n');
    const { heard } = pushes(executor);
    await soon(() => expect(heard).toEqual([{ type: 'gap' }]));
    await redis.cli('ACL', 'SETUSER', 'dana', 'resetpass', '>another');
    await killConnections(redis, 'dana');
    await redis.cli('DEL', 'kill-switch:{default}:executor-names');
    const confirm = () => failure(executor.confirm(beat(executor.id, head), 'n'));
    await soon(async () => expect((await confirm()).message).toContain('WRONGPASS'));
    await soon(() => expect(heard.at(-1)).toMatchObject({ type: 'trouble' }));
    expect(await redis.cli('EXISTS', 'kill-switch:{default}:executor-names')).toBe(0);
  });

  test('a Redis that no longer asks for a password is refused', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const redis = await startRedis();
    await redis.cli('CONFIG', 'SET', 'requirepass', PASSWORD);
    const at = { url: `redis://:${PASSWORD}@127.0.0.1:${redis.port}`, requestTimeoutMs: 400 };
    const [control, executor] = [openControl(at), openExecutor(at)];
    const head = await init(control);
    await executor.confirm(beat(executor.id, head), 'n');
    const { heard } = pushes(executor);
    await soon(() => expect(heard).toEqual([{ type: 'gap' }]));
    await redis.restart(); // the settings are not in its file
    await soon(async () => {
      const { message } = await failure(executor.confirm(beat(executor.id, head), 'n'));
      expect(message).toMatch(/asks for no password.*requirepass/);
      expect(message).not.toContain(PASSWORD);
    });
    expect(await failure(executor.load(head, 'n'))).toMatchObject({ code: 'NOT_PERMITTED' });
    await soon(() => expect(heard.at(-1)).toMatchObject({ type: 'trouble' }));
    expect(heard.filter(({ type }) => type === 'gap')).toHaveLength(1);
    expect(warn).not.toHaveBeenCalled();
  });

  test('a user without a password logs in as that user', async () => {
    const redis = await startRedis();
    await redis.cli('ACL', 'SETUSER', 'open', 'on', 'nopass', '~*', '&*', '+@all', '-flushall');
    const control = openControl({ url: `redis://open@127.0.0.1:${redis.port}/3` });
    await init(control);
    expect(await redis.cli('CLIENT', 'LIST')).toMatch(/db=3 .*user=open /);
  });

  test('client options for which the user lacks the permission change nothing', async () => {
    const { redis, at } = await startWithUser('-client', '-hello', '-readonly', '-info');
    const options = {
      disableClientInfo: false,
      connectionName: 'mailer',
      readOnly: true,
      protocol: 3 as const,
      monitor: true,
    };
    const [control, executor] = [openControl({ ...at('/5'), options }), openExecutor({ ...at('/5'), options })];
    const head = await init(control);
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ head, events: [] });
    expect(await redis.cli('DBSIZE')).toBe(0);
  });
});
