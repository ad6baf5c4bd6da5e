import { describe, expect, test } from 'vitest';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisEndpoint } from '../../../store/redis/endpoint.ts';
import { storeError } from '../../../store/redis/errors.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { redisKeys } from '../../../store/redis/keys.ts';

describe('where a Redis is', () => {
  test.each([
    ['redis://localhost', 'redis://localhost', 'localhost', 6379, {}],
    ['redis://127.0.0.1:7000/2', 'redis://127.0.0.1:7000/2', '127.0.0.1', 7000, { db: 2 }],
    ['redis://[::1]:7000', 'redis://[::1]:7000', '::1', 7000, {}],
    ['redis://:p%40ss@h:1', 'redis://h:1', 'h', 1, { password: 'p@ss' }],
    ['redis://dana:s%2Fecret@h:1/', 'redis://h:1', 'h', 1, { username: 'dana', password: 's/ecret' }],
    ['rediss://dana:secret@h', 'rediss://h', 'h', 6379, { username: 'dana', password: 'secret', tls: {} }],
  ])('%s is shown as %s', (url, location, host, port, options) => {
    expect(redisEndpoint({ url })).toMatchObject({ location, options, nodes: [{ host, port }] });
    expect(redisStore({ url }).location).toBe(location);
    expect(redisControlStore({ url }).location).toBe(location);
  });

  test('the user, the password and the TLS settings may come as options', () => {
    const tls = { ca: 'a certificate' };
    const options = { username: 'dana', password: 'secret', tls, db: 3 };
    expect(redisEndpoint({ url: 'rediss://h', options }).options).toEqual(options);
  });

  test.each([
    ['no URL', 'localhost:hunter2'],
    ['a ? in a password, with an unknown parameter after it', 'redis://dana:12?hunter2=1&x@h'],
    ['another protocol', 'http://dana:hunter2@h'],
    ['no host', 'redis:///hunter2'],
    ['an @ in the password', 'redis://dana:hunter2@x@h:port'],
    ['a / in the password', 'redis://dana:12/hunter2@h'],
    ['a # in the password', 'redis://dana:12#hunter2@h'],
    ['a ? in the password', 'redis://dana:12?hunter2@h'],
    ['a % in the password', 'redis://dana:%hunter2@h'],
    ['settings in the query', 'redis://dana:hunter2@h?enableOfflineQueue=true&password=hunter2'],
    ['a path that is no database', 'redis://dana:hunter2@h/hunter2'],
  ])('a URL with %s is refused without being shown', (_, url) => {
    let error: unknown;
    try {
      redisStore({ url });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error).not.toHaveProperty('cause');
    expect(String((error as Error).stack)).not.toMatch(/hunter2/);
    expect((error as Error).message).toMatch(/Write redis:\/\/host:port\/db.* user:password@ before the host/);
  });

  test.each([-1, 1.5, Number.NaN])('%s replicas are refused', (replicas) => {
    expect(() => redisControlStore({ url: 'redis://h', replicas })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  test.each([undefined, null, 7, ''])('the URL %j is refused', (url) => {
    expect(() => redisStore({ url: url as string })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('the keys of an organisation', () => {
  const ids = ['default', '{x}', '}{', '*a', 'a:b', '%7Bx%7D', '[a]?', '\\', '__proto__', '😀'.repeat(512), "!'()*"];

  test('are its own, share one hash tag, and have no meaning in a glob', () => {
    const all = ids.map((id) => redisKeys(id));
    expect(new Set(all.map(({ head }) => head)).size).toBe(ids.length);
    for (const keys of all) {
      const own = Object.values(keys.executor('a:b')).filter((key) => key !== 'a%3Ab');
      const all = [...Object.values(keys).filter((key) => typeof key === 'string'), ...own];
      const tags = all.map((key) => /^kill-switch:\{([^{}]+)\}:[a-z%3AB:-]+$/.exec(key)?.[1]);
      expect(new Set(tags).size).toBe(1);
      expect(tags[0]).toMatch(/^[\w%.~-]+$/);
    }
  });

  test('are named as documented', () => {
    expect(redisKeys('default')).toMatchObject({
      head: 'kill-switch:{default}:head',
      state: 'kill-switch:{default}:state',
      log: 'kill-switch:{default}:log',
      names: 'kill-switch:{default}:executor-names',
      changes: 'kill-switch:{default}:changes',
      channel: 'kill-switch:{default}:events',
    });
    expect(redisKeys('default').executor('a:b')).toMatchObject({
      beats: 'kill-switch:{default}:executor:a%3Ab:beats',
      forks: 'kill-switch:{default}:executor:a%3Ab:fork-reports',
    });
    expect(redisKeys('default', { keyPrefix: 'shop:', db: 5 })).toMatchObject({
      head: 'shop:kill-switch:{default}:head',
      channel: 'shop:kill-switch:{default}:events:5',
    });
  });
});

describe('what a failed request means', () => {
  const endpoint = redisEndpoint({ url: 'redis://dana:hunter2@h:1' });
  const reply = (message: string): Error =>
    Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'auth', args: ['hunter2'] } });

  test.each([
    ["READONLY You can't write against a read only replica.", 'STORE_READ_ONLY', /is a replica/],
    ['MISCONF Errors writing to the AOF file: No space left on device', 'STORE_READ_ONLY', /cannot write to its disk/],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'STORE_READ_ONLY', /memory is full/],
    ['NOREPLICAS Not enough good replicas to write.', 'STORE_READ_ONLY', /replicas/],
    ['NOAUTH Authentication required.', 'NOT_PERMITTED', /password/],
    [
      'WRONGPASS invalid username-password pair or user is disabled.',
      'NOT_PERMITTED',
      /does not accept the user "dana"/,
    ],
    ["NOPERM this user has no permissions to run the 'set' command", 'NOT_PERMITTED', /ACL/],
    ["ERR The user executing the script can't run this command or subcommand script: 1", 'NOT_PERMITTED', /ACL/],
    [
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
      'STORE_READ_ONLY',
      /older than Redis 7/,
    ],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'CORRUPT', /not the switch/],
    ['LOADING Redis is loading the dataset in memory', 'STORE_UNREACHABLE', /LOADING/],
    ['connect ECONNREFUSED 127.0.0.1:1', 'STORE_UNREACHABLE', /ECONNREFUSED/],
  ])('%s', (message, code, says) => {
    const error = storeError(reply(message), 'write', endpoint);
    expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
    expect(error.message).toContain('redis://h:1');
    expect(Object.keys(error.cause as object)).toEqual([]); // not the command and its arguments
    const read = storeError(reply(message), 'read', endpoint);
    expect(read.code).toBe(/READ_ONLY/.test(code) && !/#/.test(message) ? 'STORE_UNREACHABLE' : code);
  });

  test('a password in the text of an error is left out', () => {
    const error = storeError(new Error('cannot resolve hunter2@h: hunter2'), 'read', endpoint);
    expect(`${error.stack} ${(error.cause as Error).stack}`).not.toMatch(/hunter2/);
  });
});
