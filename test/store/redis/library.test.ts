import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { library } from '../../../store/redis/library.ts';
import { LIBRARY } from '../../../store/redis/report-scripts.ts';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, urlOf } from './acl-users.ts';
import { beat, failure } from './harness.ts';

const CONFIRM = LIBRARY.scripts.confirm.inLibrary?.name ?? '';
const READ_KEPT = LIBRARY.scripts.readKept.inLibrary?.name ?? '';

/** A library with the names of our functions and other code. */
const imitation = (name: string): string => `#!lua name=${name}
redis.register_function('${CONFIRM}', function() return 'all is well' end)
redis.register_function{ function_name = '${READ_KEPT}', flags = { 'no-writes' }, callback = function() return {} end }
`;

async function setUp() {
  const redis = await startRedis();
  const open = async () => {
    const url = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
    const plane = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'ann' } });
    onTestFinished(() => plane.close());
    return plane;
  };
  const control = await open();
  await control.init();
  const { head } = await control.status();
  const url = await urlOf(redis, executorUser(DEFAULT_SCOPE, 'mailer'));
  const scope = { organizationId: 'default', executorId: 'h', executorName: 'mailer', requestTimeoutMs: 2000 };
  const executor = redisStore({ url }).open(scope);
  onTestFinished(() => executor.close());
  const confirm = () => executor.confirm(beat('h', head, { name: 'mailer' }), 'n');
  expect(await confirm()).toMatchObject({ events: [] });
  const codeOf = async (name: string) =>
    ((await redis.cli('FUNCTION', 'LIST', 'LIBRARYNAME', name, 'WITHCODE')) as unknown[][])[0]?.at(-1);
  return { redis, open, control, confirm, codeOf, executorUrl: url };
}

describe.skipIf(!hasRedis)('a library of our name with other contents', () => {
  test('stops executors with its wrong answers, and is replaced by the next command of an operator, who believes none of them', async () => {
    const { redis, open, confirm, codeOf } = await setUp();
    await redis.cli('FUNCTION', 'LOAD', 'REPLACE', imitation(LIBRARY.name));
    expect(await failure(confirm())).toMatchObject({ code: 'CORRUPT' });
    const operator = await open();
    expect((await operator.executors()).data).toMatchObject([{ id: 'h' }]);
    expect(await codeOf(LIBRARY.name)).toBe(LIBRARY.text);
    expect(await confirm()).toMatchObject({ events: [] });
  });

  test('is not called by a viewer, who may not replace it', async () => {
    const { redis, codeOf } = await setUp();
    const url = await urlOf(redis, viewerUser(DEFAULT_SCOPE));
    await redis.cli('FUNCTION', 'LOAD', 'REPLACE', imitation(LIBRARY.name));
    const viewer = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'bob' } });
    onTestFinished(() => viewer.close());
    expect((await failure(viewer.executors())).message).toMatch(
      /NOLIBRARY.*others under their names.*kill-switch status/,
    );
    expect(await codeOf(LIBRARY.name)).toBe(imitation(LIBRARY.name));
  });

  test('with our functions’ names in a library of another name operators run the scripts’ text, and errors say which library to delete', async () => {
    const { redis, open, confirm } = await setUp();
    await redis.cli('FUNCTION', 'DELETE', LIBRARY.name);
    await redis.cli('FUNCTION', 'LOAD', imitation('squatter'));
    const operator = await open();
    expect((await operator.executors()).data).toMatchObject([{ id: 'h' }]);
    expect(await failure(confirm())).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/FUNCTION LIST.*FUNCTION DELETE/),
    });
    await redis.cli('FUNCTION', 'DELETE', 'squatter');
    await (await open()).executors();
    expect(await confirm()).toMatchObject({ events: [] });
  });

  test('that was flushed is put back by an operator’s connection that is still open', {
    timeout: 30_000,
  }, async () => {
    const { redis, control, confirm, codeOf } = await setUp();
    await control.kill({ target: 'agent:x' });
    await redis.cli('FUNCTION', 'FLUSH');
    expect(await failure(confirm())).toMatchObject({ message: expect.stringContaining('NOLIBRARY') });
    await vi.waitFor(
      async () => {
        await control.status();
        expect(await codeOf(LIBRARY.name)).toBe(LIBRARY.text);
      },
      { timeout: 20_000, interval: 200 },
    );
    await confirm();
  });

  test('an executor can neither load nor delete one', async () => {
    const { executorUrl, codeOf } = await setUp();
    const send = asUser(executorUrl);
    for (const each of [
      ['FUNCTION', 'LOAD', 'REPLACE', imitation(LIBRARY.name)],
      ['FUNCTION', 'DELETE', LIBRARY.name],
      ['FUNCTION', 'FLUSH'],
      ['FUNCTION', 'RESTORE', 'x'],
    ] as const)
      expect(await send(each), each.join(' ')).toMatch(DENIED);
    expect(await codeOf(LIBRARY.name)).toBe(LIBRARY.text);
  });
});

test.skipIf(!hasRedis)('operators of two versions leave each other’s library alone', async () => {
  const { redis, open, confirm, codeOf } = await setUp();
  const other = library({ confirm: { name: 'confirm', lua: 'return 1', noWrites: false } });
  await redis.cli('FUNCTION', 'LOAD', other.text);
  await (await open()).status();
  expect(await codeOf(other.name)).toBe(other.text);
  expect(await codeOf(LIBRARY.name)).toBe(LIBRARY.text);
  expect(await confirm()).toMatchObject({ events: [] });
});

test('any difference in a library gives it another name', () => {
  const one = { name: 'a', lua: 'return 1', noWrites: false };
  const names = [one, { ...one, lua: 'return 2' }, { ...one, noWrites: true }, { ...one, name: 'b' }].map(
    (script) => library({ a: script }).name,
  );
  expect(new Set(names).size).toBe(4);
});
