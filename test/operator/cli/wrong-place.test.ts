import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { type Ran, type RunOptions, run, runHere } from './command.ts';
import { executor } from './executors.ts';
import { fileStore } from '../../../store/file/index.ts';
import { redisStore } from '../../../store/redis/index.ts';

const MAIN = join(root, 'dist/operator/cli/main.js');

/** The command lines that a text advises to run, without the sentence around them. */
const advised = ({ stderr }: Ran): string[] =>
  (stderr.match(/(?<![\w./-])kill-switch (?!\.)[^\n]*?(?=\. |\n|$)/g) ?? []).map((line) => line.trim());

/** Runs a command line as it was printed, in a shell. */
function paste(line: string, { cwd, env }: RunOptions): { code: number; text: string } {
  const shell = `kill-switch() { '${process.execPath}' '${MAIN}' "$@"; }\n${line} 2>&1`;
  const { PATH = '', HOME = '', XDG_STATE_HOME = '' } = process.env;
  try {
    const text = execFileSync('bash', ['-c', shell], {
      cwd,
      env: { PATH, HOME, XDG_STATE_HOME, ...env },
      encoding: 'utf8',
    });
    return { code: 0, text };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { code: status, text: stdout };
  }
}

/** Walks from `kill all` where there is no switch along all that is advised. `place` is how messages name it. */
async function walk(args: readonly string[], place: string, options: RunOptions): Promise<void> {
  const ks = (...more: string[]): Promise<Ran> => runHere([...more, ...args], options.env, options);
  const killed = await ks('kill', 'all');
  expect(killed).toMatchObject({ code: 1, stdout: '' });
  expect(killed.stderr).toContain(
    `There is no control plane of the organization "default" in ${place}, so nothing was`,
  );
  const [init = '', recover = ''] = advised(killed);
  expect([init, recover]).toEqual([expect.stringMatching(/ init$/), expect.stringMatching(/ recover --reason "…"$/)]);

  // What nobody has seen is not recovered, whoever asks for it.
  const refused = paste(recover, options);
  expect(refused.code).toBe(1);
  expect(refused.text).toContain(`in ${place}, and nothing shows that there ever was one`);
  expect(refused.text).toMatch(/kill-switch .*init\. .*kill-switch .*recover --create --reason "…"/);
  expect(await ks('recover', '--json')).toMatchObject({ code: 1, json: { code: 'NOT_INITIALISED' } });
  expect(await ks('kill', 'all', '--json')).toMatchObject({ code: 1, json: { code: 'NOT_INITIALISED' } });

  const create = `${recover.replace('recover', 'recover --create')}`;
  const created = paste(create, options);
  expect(created).toMatchObject({ code: 0 });
  expect(created.text).toContain(`A control plane is begun in ${place}, which was empty, at epoch 1, in draft_only.`);
  expect(created.text).toContain('Agents that use another store are not stopped by anything that is done here.');
  expect((await ks('log', '--json')).json).toMatchObject({ data: [{ type: 'recover', data: { given_up: [] } }] });
  const again = paste(init, options);
  expect(again.code).toBe(1);
  expect(again.text).toContain(
    `There is a control plane of the organization "default" in ${place} already, at epoch 1.`,
  );
}

describe('in the wrong place', () => {
  test('a folder: whatever is advised is true, and no step ends in a false “done”', async () => {
    const { path } = temporaryFolder('wrong-place');
    const typed = join(path, 'typed');
    mkdirSync(typed);
    await walk(['--store', `file:${join(typed, 'sw')}`], `file:${join(typed, 'sw')}`, { cwd: path });
    const found = join(path, 'found');
    mkdirSync(found);
    await walk([], `file:${join(found, '.kill-switch')}`, { cwd: found });
    const relative = await run(['kill', 'all', '--store', 'file:sw'], { cwd: path });
    expect(relative.stderr).toContain(`in file:${join(path, 'sw')}, so nothing was`);
    expect(relative.stderr).toContain(`kill-switch --store file:${join(path, 'sw')} init.`);
  });

  test('asking leaves nothing behind', async () => {
    const { path } = temporaryFolder('wrong-place');
    for (const args of [['kill', 'all'], ['status'], ['recover', '--reason', 'x'], ['executors'], ['log', 'verify']])
      expect((await runHere(args, {}, { cwd: path })).code, args.join(' ')).not.toBe(0);
    expect(readdirSync(path)).toEqual([]);
  });

  test.skipIf(!hasRedis)('a Redis: likewise, also where executors wait for its first control plane', async () => {
    const redis = await startRedis();
    const { replica } = await executor(redisStore({ url: redis.url }));
    expect(replica.fault()).not.toBeNull();
    await walk(['--store', redis.url], redis.url, {});
    const other = `${redis.url}/5`;
    await walk(['--store', other], other, {});
  });

  test('what an executor had seen is recovered without more words, and is not created anew', async () => {
    const { path } = temporaryFolder('wrong-place');
    const directory = join(path, '.kill-switch');
    await run(['init'], { cwd: path });
    const { replica } = await executor(fileStore({ directory }));
    expect(replica.epoch).toBe(1);
    rmSync(directory, { recursive: true });
    expect(existsSync(directory)).toBe(false);
    const init = await run(['init'], { cwd: path });
    expect(init.code).toBe(1);
    expect(init.stderr).toContain(
      `There is no control plane of the organization "default" in file:${directory}, but executors had seen one there`,
    );
    expect(advised(init)).toEqual(['kill-switch recover --reason "…"']);
    expect(paste('kill-switch recover --reason "…"', { cwd: path })).toMatchObject({ code: 0 });
    expect((await run(['log', '--json'], { cwd: path })).json.data[0]).toMatchObject({
      type: 'recover',
      data: { given_up: [{ epoch: 1 }] },
    });
  });
});
