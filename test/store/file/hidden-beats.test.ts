import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { onTerminal } from '../../operator/cli/command.ts';
import { everybodys } from './everybodys.ts';
import { ANN, as, BOB, EVE, ofUsers, report, WHY_NOT } from './users.ts';

const FLOODER = fileURLToPath(new URL('flooder.mjs', import.meta.url));
const COMMAND = join(root, 'dist/operator/cli/main.js');

const HONEST = Array.from({ length: 8 }, (_, n) => `honest-${n}`);

/** A switch in which every user may report, with eight executors of two users. */
async function withExecutors() {
  const store = await everybodys();
  const { directory, held, folder } = store;
  for (const [n, name] of HONEST.entries()) report(n % 2 ? ANN : BOB, { directory, name }, ['confirm', held]);
  const beats = join(folder, 'beats');
  return {
    ...store,
    beats,
    junk(count: number): void {
      expect(as(EVE, process.execPath, FLOODER, beats, 'z', String(count))).toMatchObject({ stdout: 'filled\n' });
    },
    /** Beats that look like those of that many executors. */
    lookalikes(count: number): void {
      report(EVE, { directory, name: 'eve' }, ['confirm', held]);
      const copy = `const fs = require('node:fs'); const beat = JSON.parse(fs.readFileSync('${beats}/eve.json', 'utf8'));
        for (let n = 0; n < ${count}; n += 1) fs.writeFileSync(\`${beats}/eve-\${n}.json\`, JSON.stringify({ ...beat, id: \`eve-\${n}\` }));`;
      expect(as(EVE, process.execPath, '-e', copy)).toMatchObject({ status: 0 });
    },
  };
}

const idsOf = (executors: readonly { readonly id: string }[]): string[] => executors.map(({ id }) => id);

describe.skipIf(WHY_NOT !== null)(ofUsers('a flood of one user’s files among the beats'), () => {
  test('hides no executor of others, and is shown in a few lines', async () => {
    const { plane, junk } = await withExecutors();
    junk(80_000);
    const executors = (await plane.executors()).data;
    expect(idsOf(executors).slice(0, HONEST.length).sort()).toEqual(HONEST);
    expect(executors.length).toBeLessThan(HONEST.length + 6);
    expect(executors.at(-1)).toMatchObject({ id: `uid ${EVE}`, writer: `uid ${EVE}`, state: 'silent' });
    expect(executors.at(-1)?.problem).toMatch(/^this line stands for 79997 more files of this user: \d+ .* \d+ /);
  });

  test('comes after the beats of others, also where it looks like executors', async () => {
    const { plane, lookalikes } = await withExecutors();
    lookalikes(500);
    const executors = (await plane.executors()).data;
    expect(idsOf(executors.slice(0, 3 * HONEST.length))).toEqual(expect.arrayContaining(HONEST));
  });

  test('comes last where its user is excluded: files that may be executors are shown, and the others are counted', async () => {
    const { plane, lookalikes } = await withExecutors();
    await plane.recover({ reason: 'Eve lies', exclude: [`uid ${EVE}`] });
    lookalikes(500);
    const executors = (await plane.executors()).data;
    expect(idsOf(executors).slice(0, HONEST.length).sort()).toEqual(HONEST);
    expect(executors.length).toBeLessThan(HONEST.length + 25);
    expect(executors.at(-1)).toMatchObject({ id: `uid ${EVE}`, problem: expect.stringContaining('481 that were not') });
  });

  test('is removed in one step by its user’s name, but for executors that were just heard of', async () => {
    const { plane, junk, beats, directory, held, folder } = await withExecutors();
    junk(3000);
    report(EVE, { directory, name: 'eve' }, ['confirm', held], ['put', 'surfaces', 'eve', '[]']);
    as(EVE, 'touch', join(folder, 'surfaces', 'junk.json'));
    as(EVE, 'mkdir', join(beats, 'folder.json'));
    as(EVE, 'ln', '-s', '/etc/passwd', join(beats, 'link.json'));
    await plane.forgetExecutor(`uid ${EVE}`, { writer: `uid ${EVE}` });
    expect(readdirSync(beats).sort()).toEqual(['eve', ...HONEST].map((name) => `${name}.json`).sort());
    expect(readdirSync(join(folder, 'surfaces'))).toEqual(['eve.json']);
    expect(statSync('/etc/passwd').isFile()).toBe(true);
  });

  test('does not fill an operator’s screen', async () => {
    const { directory, junk, lookalikes } = await withExecutors();
    junk(3000);
    lookalikes(200);
    const here = ['--store', `file:${directory}`, '--operator', 'dana'];
    const run = (...args: readonly string[]) => as(0, process.execPath, COMMAND, ...args, ...here).stdout;
    for (const [verb, most] of [
      [['kill', 'agent:x'], 80],
      [['status'], 60],
      [['executors'], 130],
    ] as const) {
      const terminal = onTerminal([...verb, ...here], { columns: 200 });
      await terminal.exited;
      const lines = terminal.screen.split('\n');
      expect(lines.length, verb[0]).toBeLessThan(most);
      const shown = lines.filter((line) => line.startsWith('honest-')).length;
      // A stop names three of the silent ones that it does not wait for, and counts the others.
      const over = /^Silent, and not waited for: .* and (\d+) more/m.exec(terminal.screen)?.[1];
      if (over === undefined) expect(shown, verb[0]).toBe(HONEST.length);
      else expect(shown + 3 + Number(over), verb[0]).toBeGreaterThanOrEqual(HONEST.length);
    }
    expect(run('executors', 'forget', '--writer', `uid ${EVE}`, `uid ${EVE}`)).toContain('out of the count');
    expect(run('executors').split('\n').length).toBeLessThan(230);
  });
});
