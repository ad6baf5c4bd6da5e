import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { hasRedis } from '../servers/index.ts';
import { serverPaths } from '../servers/server-paths.ts';

interface Row {
  readonly name: string;
  readonly value: number;
  readonly floor: number;
  readonly ratio: number;
  readonly goal: number;
  readonly judged: 'ratio' | 'value';
  readonly met: boolean;
}

test.skipIf(!hasRedis)(
  'npm run bench measures every number and prints it as one JSON value',
  { timeout: 240_000 },
  () => {
    const env = { ...process.env, REDIS_SERVER_BIN: serverPaths.redisServer };
    const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/bench.mjs', '--json', '--quick'], {
      env,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as { machine: object; versions: object; results: Row[] };
    expect(report.machine).toMatchObject({ cpu: expect.any(String), cores: expect.any(Number) });
    expect(report.versions).toMatchObject({
      node: process.versions.node,
      'redis-server': expect.stringMatching(/^\d/),
    });
    const names = report.results.map(({ name }) => name);
    for (const name of [
      /^resolution .* beside none$/,
      /^resolveMode alone/,
      /^check\(\)/,
      /^evaluation on KillSwitchProvider/,
      /FailClosedHook/,
      /^memory of one call that waits for people/,
      /^listing .* open requests/,
      /^approve, until the call has its result/,
      /^kill on Redis .* everysec/,
      /^kill on Redis .* always/,
      /^a whole stop drill of/,
      /from Redis: time/,
      /from Redis: memory/,
      /from the file store: time/,
      /from the file store: memory/,
      /^one more kill on Redis/,
      /^one more kill on the file store/,
      /^bytes that one more kill/,
      /^one event on the file store/,
      /^one of 64 changes at once on the file store/,
      /^one event on Redis/,
      /^one of 64 changes at once on Redis/,
      /^start of an executor on the file store/,
      /^start of an executor on Redis/,
      /^status on the file store/,
      /^status on Redis/,
      /^log verify .* the file store: time/,
      /^log verify .* the file store: memory/,
      /^log verify .* Redis: time/,
      /^log verify .* Redis: memory/,
      /^reservation of three budgets/,
    ]) {
      expect(names).toContainEqual(expect.stringMatching(name));
    }
    for (const row of report.results) {
      expect(row.value, row.name).toBeGreaterThan(0);
      expect(row.floor, row.name).toBeGreaterThan(0);
      expect(row.met, row.name).toBe((row.judged === 'ratio' ? row.ratio : row.value) <= row.goal);
    }
  },
);
