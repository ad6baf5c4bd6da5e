import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../flags/index.ts';
import { type ControlPlane, type OpenControlPlaneOptions, openControlPlane } from '../../operator/index.ts';
import { root } from '../../scripts/prepare.mjs';
import { fileControlStore } from '../../store/file/control.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { owned } from '../servers/lifetime.ts';
import { start } from './cli/command.ts';

const HOUR = 3_600_000;
const ahead =
  (hours: number): Clock =>
  () => ({ mono: performance.now(), wall: Date.now() + hours * HOUR });

interface Place {
  readonly url: string;
  readonly store: () => ControlStore;
}

const filePlace = async (): Promise<Place & { readonly directory: string }> => {
  const directory = join(temporaryFolder('operate').path, 'switch');
  return { directory, url: `file:${directory}`, store: () => fileControlStore({ directory }) };
};

const PLACES: ReadonlyArray<readonly [string, boolean, () => Promise<Place>]> = [
  ['the file store', true, filePlace],
  [
    'Redis',
    hasRedis,
    async () => {
      const { url } = await startRedis();
      return { url, store: () => redisControlStore({ url }) };
    },
  ],
];

const open = async (store: ControlStore, options: Partial<OpenControlPlaneOptions> = {}): Promise<ControlPlane> => {
  const control = await openControlPlane({ store, operator: { id: 'ann' }, ...options });
  owned(() => control.close());
  return control;
};

const typesOf = async (control: ControlPlane): Promise<string[]> => {
  const types: string[] = [];
  for await (const { type } of control.log()) types.push(type);
  return types;
};

const expiriesOf = async (control: ControlPlane): Promise<string[]> => {
  const targets: string[] = [];
  for await (const { type, actor, data } of control.log()) {
    if (type !== 'expire') continue;
    expect(actor).toBe('system');
    targets.push(String(data['target']));
  }
  return targets.sort();
};

const endIn = (ms: number): Date => new Date(Date.now() + ms);
const gone = (control: ControlPlane): Promise<void> =>
  vi.waitFor(async () => expect((await control.kills()).data).toEqual([]), { timeout: 20_000, interval: 100 });
const watchOn = async ({ url }: Place) => {
  const watching = start(['watch', '--json', '--store', url]);
  expect(JSON.parse(await watching.line(() => true))).toMatchObject({ type: 'watching' });
  return watching;
};

describe.each(PLACES)('on %s', (_, has, make) => {
  test.skipIf(!has)('whoever reads appends nothing, and shows a kill past its end as what it is', async () => {
    const place = await make();
    const control = await open(place.store());
    await control.init();
    await control.kill({ target: 'agent:x', expiresAt: endIn(400) });
    await control.kill({ target: 'agent:y', expiresAt: endIn(HOUR) });
    await vi.waitFor(async () =>
      expect((await control.kills()).data).toMatchObject([{ target: 'agent:y' }, { target: 'agent:x', overdue: true }]),
    );
    expect((await control.kills()).data[0]).not.toHaveProperty('overdue');
    expect((await control.status()).kills[1]).toMatchObject({ overdue: true });
    for (const read of [
      () => control.executors(),
      () => control.surfaces(),
      () => control.interventions(),
      () => control.verifyLog(),
    ])
      await read();
    expect(await typesOf(control)).toEqual(['init', 'kill', 'kill']);
  });

  test.skipIf(!has)(
    'an operating process ends kills when their time is over, and no others',
    { timeout: 30_000 },
    async () => {
      const place = await make();
      const control = await open(place.store(), { operate: true });
      await control.init();
      for (const agent of ['a', 'b', 'c']) await control.kill({ target: `agent:${agent}`, expiresAt: endIn(5000) });
      await control.kill({ target: 'agent:forever' });
      await control.kill({ target: 'agent:later', expiresAt: endIn(HOUR) });
      await control.kill({ target: 'agent:c', expiresAt: endIn(HOUR) }); // extended meanwhile
      await control.revive({ target: 'agent:b', reason: 'looked at it' }); // and lifted
      await vi.waitFor(async () => expect(await expiriesOf(control)).toEqual(['agent:a']), { timeout: 20_000 });
      expect((await control.kills()).data.map(({ target }) => target).sort()).toEqual([
        'agent:c',
        'agent:forever',
        'agent:later',
      ]);
      expect((await control.verifyLog()).ok).toBe(true);
    },
  );

  test.skipIf(!has)('two at once end each kill once', { timeout: 60_000 }, async () => {
    const place = await make();
    const control = await open(place.store());
    await control.init();
    const watching = await Promise.all([watchOn(place), watchOn(place)]);
    const targets = Array.from({ length: 12 }, (_item, number) => `agent:${String(number).padStart(2, '0')}`);
    const expiresAt = endIn(6000);
    await Promise.all(targets.map((target) => control.kill({ target, expiresAt })));
    await gone(control);
    expect(await expiriesOf(control)).toEqual(targets);
    expect((await control.verifyLog()).ok).toBe(true);
    for (const one of watching) expect(await one.end('SIGTERM')).toBe(0);
  });

  test.skipIf(!has)(
    'one that is killed and started again, or stopped over the end, ends it all the same',
    { timeout: 60_000 },
    async () => {
      const place = await make();
      const control = await open(place.store());
      await control.init();
      const first = await watchOn(place);
      await control.kill({ target: 'agent:x', expiresAt: endIn(2000) });
      await first.line((line) => line.includes('"kill"'));
      expect(await first.end('SIGKILL')).toBeNull();
      await sleep(2000);
      expect((await control.kills()).data).toMatchObject([{ overdue: true }]);
      const second = await watchOn(place);
      await gone(control);
      await control.kill({ target: 'agent:y', expiresAt: endIn(2000) });
      await second.line((line) => line.includes('agent:y'));
      second.process.kill('SIGSTOP');
      await sleep(3000);
      expect((await control.kills()).data).toMatchObject([{ target: 'agent:y', overdue: true }]);
      second.process.kill('SIGCONT');
      await gone(control);
      expect(await expiriesOf(control)).toEqual(['agent:x', 'agent:y']);
    },
  );
});

describe('a clock that is nine hours ahead', () => {
  test('on the file store: no reading verb lifts a kill, and an operating process waits for all of its time', {
    timeout: 30_000,
  }, async () => {
    const { directory } = await filePlace();
    const control = await open(fileControlStore({ directory }));
    await control.init();
    await control.kill({ target: 'agent:x', expiresAt: endIn(8 * HOUR) });
    const clock = ahead(9);
    const troubles: string[] = [];
    const wrong = await open(fileControlStore({ directory, clock }), {
      clock,
      operate: true,
      onTrouble: (what) => troubles.push(what),
    });
    expect((await wrong.kills()).data).toMatchObject([{ overdue: true }]);
    await vi.waitFor(() => expect(troubles.join()).toMatch(/A kill is past .* no clock but this machine's/));
    await sleep(2500); // it has looked more than once
    expect(await typesOf(control)).toEqual(['init', 'kill']);
  });

  test.skipIf(!hasRedis)('beside a Redis with the right one: neither does', { timeout: 30_000 }, async () => {
    const { url } = await startRedis();
    const control = await open(redisControlStore({ url }));
    await control.init();
    await control.kill({ target: 'agent:x', expiresAt: endIn(8 * HOUR) });
    await control.kill({ target: 'agent:soon', expiresAt: endIn(4000) });
    const wrong = await open(redisControlStore({ url }), { clock: ahead(9), operate: true });
    expect((await wrong.kills()).data.filter(({ overdue }) => overdue)).toEqual([]);
    const began = performance.now();
    await vi.waitFor(async () => expect(await expiriesOf(control)).toEqual(['agent:soon']), { timeout: 20_000 });
    expect(performance.now() - began).toBeGreaterThan(2500); // by waiting, as its clock is not believed
    expect((await control.kills()).data.map(({ target }) => target)).toEqual(['agent:x']);
  });

  const hasFaketime = spawnSync('faketime', ['--version']).status === 0;
  test.skipIf(!hasFaketime)(
    'the command itself, under a wrong clock: `kills`, `status`, `executors` append nothing',
    { timeout: 60_000 },
    async () => {
      const { directory, url } = await filePlace();
      const control = await open(fileControlStore({ directory }));
      await control.init();
      await control.kill({ target: 'agent:x', expiresAt: endIn(8 * HOUR) });
      const log = join(directory, 'control/default/log.jsonl');
      const before = readFileSync(log, 'utf8');
      for (const verb of ['kills', 'status', 'features', 'executors', 'surfaces']) {
        const { stdout, status } = spawnSync(
          'faketime',
          ['-f', '+9h', process.execPath, join(root, 'dist/operator/cli/main.js'), verb, '--json', '--store', url],
          { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } },
        );
        expect(status, stdout).toBe(0);
        if (verb === 'kills') expect(JSON.parse(stdout).data).toMatchObject([{ target: 'agent:x', overdue: true }]);
      }
      expect(readFileSync(log, 'utf8')).toBe(before);
    },
  );
});
