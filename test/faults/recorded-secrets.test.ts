import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis } from '../servers/index.ts';
import { Scene } from './scene.ts';

const S = 'hunter2hunter2';

interface Place {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /** All texts that the store keeps, unchanged. */
  readonly raw: () => Promise<string>;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

const PLACES: ReadonlyArray<readonly [string, boolean, (scene: Scene) => Promise<Place>]> = [
  [
    'the file store',
    true,
    async (scene) => {
      const directory = scene.folder('secrets');
      return {
        store: fileStore({ directory }),
        controlStore: fileControlStore({ directory }),
        raw: async () =>
          filesBelow(directory)
            .map((path) => readFileSync(path, 'utf8'))
            .join('\n'),
      };
    },
  ],
  [
    'Redis',
    hasRedis,
    async (scene) => {
      const redis = await scene.redis();
      const raw = async (): Promise<string> => {
        await redis.cli('CONFIG', 'SET', 'rdbcompression', 'no');
        await redis.cli('SAVE');
        return readFileSync(join(redis.dir, 'dump.rdb'), 'latin1');
      };
      return { store: redisStore({ url: redis.url }), controlStore: redisControlStore({ url: redis.url }), raw };
    },
  ],
];

/** Handlers that fail as database drivers do, with the URL of their connection in the text. */
const failing = (killSwitch: KillSwitch) => {
  const fail = (): never => {
    throw new Error(`connect ECONNREFUSED postgres://app:${S}@db.internal:5432/shop`);
  };
  return {
    redirect: killSwitch.action({ name: 'a.redirect', execute: (_: object) => 'done', redirect: fail }),
    draft: killSwitch.action({ name: 'a.draft', execute: (_: object) => 'done', draft: fail }),
    plain: killSwitch.action({ name: 'a.plain', execute: (_: unknown) => 'done' }),
    checked: killSwitch.action({
      name: 'a.checked',
      execute: (_: unknown) => 'done',
      inputSchema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: () => ({ issues: [{ message: `got "token=${S}"`, path: ['auth'] }] }),
        },
      },
    }),
  };
};

describe.each(PLACES)('on %s', (_, has, open) => {
  test.skipIf(!has)(
    'a secret that an agent handles is neither kept nor shown anywhere',
    { timeout: 60_000 },
    async (context) => {
      const scene = new Scene(context);
      const { store, controlStore, raw } = await open(scene);
      const control = await scene.live(controlStore);
      const killSwitch = scene.own(
        await createKillSwitch({ store, agentId: 'x', domain: `recorded-${has}-${_}` }),
        (opened) => opened.close(),
      );
      const { redirect, draft, plain, checked } = failing(killSwitch);
      const shown: unknown[] = [];

      await control.setMode({ mode: 'test_mode', reason: 'a test' });
      await expect.poll(() => killSwitch.check().mode).toBe('test_mode');
      shown.push(await redirect.attempt({}));
      await control.setMode({ mode: 'draft_only', reason: 'a test' });
      await expect.poll(() => killSwitch.check().mode).toBe('draft_only');
      shown.push(await draft.attempt({}));
      const inputs = [
        { headers: [['Authorization', `Bearer ${S}`]] },
        { url: `postgres://app:${S}@db/shop`, body: JSON.stringify({ apiKey: S }) },
        { argv: ['psql', '--password', S], pwd: S },
        { text: `${'.'.repeat(1990)} token=${S}` },
      ];
      for (const input of inputs) shown.push(await plain.attempt(input));
      shown.push(await checked.attempt({}).catch((error: Error) => [error.message, error]));

      await killSwitch.run({ runId: 'one' }, async (run) => {
        const refused = run.checkpoint('half', { order: 7, db: { connectionString: S } });
        await expect(refused).rejects.toThrow(
          /"half" holds what looks like a secret by its name, at "db\.connectionString"/,
        );
        expect(await run.lastCheckpoint()).toBeNull();
        await run.checkpoint('half', { order: 4111111111111111, page: 3 }, { verbatim: true });
        expect((await run.lastCheckpoint())?.state).toEqual({ order: 4111111111111111, page: 3 });
      });
      await control.setMode({ mode: 'live', reason: 'a test' });
      await expect.poll(() => killSwitch.check().mode).toBe('live');
      const signUp = killSwitch.action({
        name: 'a.sign_up',
        execute: (_: unknown) => ({ user: 7, account: { token: S } }),
        reverse: { action: 'a.sign_off', input: ({ user, account }) => ({ user, account }) },
      });
      killSwitch.action({
        name: 'a.sign_off',
        execute: (_: unknown) => assert.fail('nothing is left to undo it with'),
      });
      await killSwitch.run({ runId: 'two' }, async () => {
        expect(await signUp.attempt({ apiKey: S })).toMatchObject({ status: 'executed', result: { user: 7 } });
        expect(await signUp.attempt({ apiKey: S })).toMatchObject({ status: 'executed' });
      });
      const undone = await control.rollback({ run: 'two', reason: 'a test' });
      expect(undone.actions.map(({ outcome }) => outcome)).toEqual(['not_reversible', 'not_reversible']);
      expect(undone.actions[0]?.detail).toContain('looks like a secret by its name, at "account.token"');
      shown.push(undone, await control.run('two'));

      await control.kill({ target: 'agent:x', reason: 'it sent a bearer token to everyone' });
      await expect.poll(() => killSwitch.check().verdict).toBe('block');
      shown.push(await plain.attempt({ cookie: S }));
      await killSwitch.close();

      const records = (await control.interventions()).data;
      assert.ok(records.length >= 7, `${records.length} records`);
      const kept = await raw();
      assert.ok(kept.includes('a.plain') && kept.includes('[redacted]'), 'the records are there');
      for (const text of [kept, JSON.stringify(records), JSON.stringify(shown)])
        assert.ok(!text.includes('hunter2'), text);
      expect(records.map(({ cause }) => cause['message']).join()).toContain(
        'postgres://[redacted]@db.internal:5432/shop',
      );
    },
  );
});

test('a decision does not contain the URL from a provider’s error', async (context) => {
  const scene = new Scene(context);
  const provider = {
    metadata: { name: 'failing' },
    resolveBooleanEvaluation: () => Promise.reject(new Error('unused')),
    resolveStringEvaluation: () => Promise.reject(new Error(`redis://:${S}@cache refused; Authorization: Bearer ${S}`)),
    resolveNumberEvaluation: () => Promise.reject(new Error('unused')),
    resolveObjectEvaluation: () => Promise.reject(new Error('unused')),
  };
  const killSwitch = scene.own(
    await createKillSwitch({ provider, agentId: 'x', domain: 'recorded-provider' }),
    (opened) => opened.close(),
  );
  const outcome = await killSwitch.action({ name: 'a.b', execute: () => 'done' }).attempt(undefined);
  assert.equal(outcome.status, 'blocked');
  assert.ok(
    outcome.decision.cause.kind === 'fault' && outcome.decision.cause.message.includes('redis://[redacted]@cache'),
  );
  assert.ok(!JSON.stringify(outcome).includes('hunter2'));
  await OpenFeature.clearProviders();
});
