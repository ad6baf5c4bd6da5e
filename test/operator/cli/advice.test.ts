import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withReach } from '../../../operator/cli/advice.ts';
import { type Typed, Where } from '../../../operator/cli/where.ts';
import { fileStore } from '../../../store/file/index.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { type Ran, runHere } from './command.ts';
import { deadExecutor } from './executors.ts';

/** All command lines in what was printed. */
const commands = ({ stdout, stderr }: Ran): string[] =>
  `${stdout}\n${stderr}`.match(/(?<![\w./-])kill-switch (?!\.)[^\n]*/g) ?? [];

describe('what the command advises to run', () => {
  test('reaches the switch that was typed, wherever it is advised, and names it where it is not found', async () => {
    const directory = join(temporaryFolder('advice').path, 'a switch');
    const typed = ['--store', `file:${directory}`, '--organization', 'shop'];
    const reach = `--store 'file:${directory}' --organization shop `;
    const here = (...args: string[]): Promise<Ran> => runHere([...args, ...typed]);
    const before = await Promise.all(
      [['status'], ['kill', 'all'], ['log'], ['flagd', 'export'], ['executors']].map((args) => here(...args)),
    );
    for (const { stderr, code } of before) {
      expect(stderr).toContain(
        `There is no control plane of the organization "shop" in file:${directory}, so nothing was stopped or changed.`,
      );
      expect(stderr).toContain(`To create a new one here: kill-switch ${reach}init.`);
      expect(code).toBe(1);
    }
    expect((await here('status', '--json')).json.detail).toContain(`kill-switch ${reach}init`);
    await here('init');
    await deadExecutor(fileStore({ directory }));
    const said: Ran[] = [...before];
    for (const args of [
      ['kill', 'bot'],
      ['kill', 'agent:x', '--wait', '0', '--until', '1h'],
      ['revive', 'agent:none', '--reason', 'r'],
      ['revive', 'agent:x', '--reason', 'r'],
      ['restrict', 'agent:x', 'live'],
      ['mode', '--reason', 'r'],
      ['executors', 'forget', 'nobody'],
      ['executors', 'forget'],
      ['flagd', 'export'],
      ['recover', '--reason', 'r'],
    ])
      said.push(await here(...args));
    appendFileSync(join(directory, 'control/shop/log.jsonl'), 'garbage\n');
    const damaged = await here('log', 'verify');
    said.push(damaged);
    expect(damaged.stdout).toMatch(
      /^THE LOG DOES NOT VERIFY \(file:\S+ switch, organization shop\); its first \d events are in order\. /,
    );
    const all = said.flatMap(commands);
    expect(all.length).toBeGreaterThan(15);
    for (const line of all) expect(line.startsWith(`kill-switch ${reach}`), line).toBe(true);
  });

  test('says nothing more where nothing was typed, and what is quoted of others stays as it is', async () => {
    const directory = join(temporaryFolder('advice').path, 'switch');
    const env = { KILL_SWITCH_STORE: `file:${directory}` };
    expect((await runHere(['status'], env)).stderr).toContain('To create a new one here: kill-switch init.');
    await runHere(['init'], env);
    await runHere(['kill', 'agent:x', '--wait', '0', '--reason', 'kill-switch status said so'], env);
    const kills = await runHere(['kills', '--store', `file:${directory}`]);
    expect(kills.stdout).toContain('"kill-switch status said so"');
  });

  test('repeats no password, no URL that cannot be read, and no store where the sentence has one', () => {
    const reach = (typed: Typed): readonly string[] => new Where(() => typed, { env: {}, cwd: () => '/srv/app' }).reach;
    const typed = { store: 'redis://ops:hunter2@db:6379/3?prefix=app:', organization: "it's" };
    expect(withReach('Look: kill-switch status. Or kill-switch kill all', reach(typed))).toBe(
      "Look: kill-switch --store … --organization 'it'\\''s' status. Or kill-switch --store … --organization 'it'\\''s' kill all",
    );
    expect(withReach('Look: kill-switch status', reach({ store: 'redis://db:6379/3?prefix=app:' }))).toBe(
      "Look: kill-switch --store 'redis://db:6379/3?prefix=app:' status",
    );
    expect(withReach('kill-switch status', reach({ store: 'odd' }))).toBe('kill-switch --store … status');
    expect(withReach('kill-switch status', reach({ profile: 'prod', organization: 'shop' }))).toBe(
      'kill-switch --profile prod --organization shop status',
    );
    for (const same of [
      'kill-switch init --store file:.kill-switch',
      'See: kill-switch kill --help',
      'openfeature-kill-switch status, kill-switch.mode, kill-switch flags',
    ])
      expect(withReach(same, reach({ store: 'file:x' }))).toBe(same);
  });
});
