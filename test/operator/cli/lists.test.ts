import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { width } from '../../../operator/cli/width.ts';
import { hasTerminals } from '../../servers/index.ts';
import { plainIntervention } from '../plain-intervention.ts';
import { fileSwitch, start } from './command.ts';
import { deadExecutor, executor } from './executors.ts';

const LONG = `agent:${'0123456789'.repeat(30)}-end`;

/** A switch with so many kills, the last one of `agent:last`. */
async function withKills(count: number) {
  const ks = fileSwitch();
  const store = fileControlStore({ directory: ks.directory });
  const control = await openControlPlane({ store, operator: { id: 'dana' } });
  await control.init();
  await control.kill({ target: 'agent:first', reason: 'the first one' });
  await Promise.all(Array.from({ length: count - 2 }, (_, at) => control.kill({ target: `run:r-${at}` })));
  await control.kill({ target: 'agent:last' });
  await control.close();
  return ks;
}

/** The lines of a text, without what clears the line of a progress. */
const lines = (text: string): string[] =>
  text
    .replaceAll('\r\u001b[K', '')
    .split('\n')
    .filter((line) => line !== '');

describe('a list in a pipe', () => {
  test('is whole, with its heading, and what is said about it is on stderr', async () => {
    const ks = await withKills(250);
    const all = await ks.run('kills');
    expect(all).toMatchObject({ code: 0, stderr: '250 active kills, newest first:\n' });
    expect(lines(all.stdout)).toHaveLength(1 + 250);
    expect(lines(all.stdout)[0]).toMatch(/^MODE +TARGET +SINCE /);
    expect(all.stdout).toMatch(/^full_stop +agent:first +20\d\d-\S+Z +- +unverified:dana +"the first one"$/m);
    expect(all.stdout).not.toContain('\u001b');
    expect((await ks.json('kills')).json.data).toHaveLength(250);

    const some = await ks.run('kills', '--limit', '5', '--skip', '1');
    expect(lines(some.stdout)).toHaveLength(1 + 5);
    expect(lines(some.stderr)).toEqual([
      '250 active kills, newest first:',
      '… and 244 more: --skip 6 for the next ones, leave out --limit for all',
    ]);
    const none = { code: 0, stdout: '', stderr: 'There are only 250 active kills.\n' };
    expect(await ks.run('kills', '--skip', '250')).toMatchObject(none);
    expect((await ks.json('kills', '--limit', '5')).json).toMatchObject({ count: 250, data: { length: 5 } });
  });

  test('has no rows where nothing is listed, and stderr says so', async () => {
    const ks = await withKills(2);
    for (const [args, says] of [
      [['executors'], 'No executor reports here.'],
      [['surfaces'], 'No executor has reported its actions yet.'],
      [['features'], 'No feature is set: every feature is dark.'],
      [['limits'], 'No limit is set: the limits in code hold.'],
      [['interventions'], 'No decision but `allow` has been recorded here.'],
      [['kills', '--agent', 'nobody'], 'No active kill matches.'],
      [['kills', '--target', 'action:em*'], 'No active kill matches.'], // which another version may have recorded
    ] as const)
      expect(await ks.here(...args), args.join(' ')).toMatchObject({ code: 0, stdout: '', stderr: `${says}\n` });
  });

  test('is filtered', async () => {
    const ks = await withKills(12);
    const targets = async (...args: string[]): Promise<string[]> =>
      (await ks.here('kills', '--json', ...args)).json.data.map(({ target }: { target: string }) => target);
    expect(await targets('--target', 'agent:last')).toEqual(['agent:last']);
    expect(await targets('--agent', 'first')).toEqual(['agent:first']);
    expect(await targets('--actor', 'dana', '--limit', '1')).toEqual(['agent:last']);
    expect(await targets('--actor', 'ann')).toEqual([]);
    expect(await targets('--since', '1h')).toHaveLength(12);
    expect(await targets('--since', '2999-01-01T00:00:00Z')).toEqual([]);
    expect((await ks.here('log', '--json', '--agent', 'last')).json).toMatchObject({ count: 1, data: [{ seq: 13 }] });
    expect((await ks.here('log', '--json', '--skip', '1', '--limit', '2')).json).toMatchObject({
      count: 13,
      data: [{ seq: 2 }, { seq: 3 }],
    });
    expect(lines((await ks.here('log', '--tail', '2')).stdout)).toEqual([
      expect.stringMatching(/^12 /),
      expect.stringMatching(/^13 .*agent:last full_stop$/),
    ]);
    expect(lines((await ks.here('log', '--limit', '2', '-o', 'wide')).stdout).map((line) => line.slice(-64))).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
  });

  test('says of a value that it cannot take what it takes', async () => {
    const ks = fileSwitch();
    for (const [args, says] of [
      [['kills', '--since', 'yesterday'], '"yesterday" is not a time: write how long ago it was (2h), or RFC 3339'],
      [['log', '--since', '5'], '"5" is not a duration: write a number with its unit. For seconds: 5s.'],
      [['kills', '--target', 'bot'], 'kill-switch kills --target agent:bot'],
      [['kills', '--target', 'agnt:bot'], 'Did you mean agent:bot?'],
      [['surfaces', '--target', 'agent:bot'], 'Which actions "agent:bot" will use is not known'],
      [['interventions', '--action', 'email*'], 'in "email*" the * would match nothing'],
      [['interventions', '--agent', ''], '--agent takes the id of an agent, and "" must not be empty'],
      [['executors', '--state', 'dead'], 'it is one of stopped, draining, behind, silent'],
      [['kills', '-o', 'json'], 'there is wide. For JSON: --json.'],
      [['status', '-o', 'yaml'], '"yaml" is not a form of output: there is wide.'],
      [['log', '--tail', '3', '--limit', '3'], "'--tail <number>' cannot be used with option '--limit <number>'"],
      [['features', '--agent', 'bot'], "Unknown option '--agent'"],
    ] as const) {
      const { code, stderr } = await ks.here(...args);
      expect(stderr, args.join(' ')).toContain(says);
      expect(code, args.join(' ')).toBe(2);
    }
  });
});

test('interventions --follow prints what executors report from then on, one a line', async () => {
  const ks = fileSwitch();
  await ks.run('init');
  const store = fileStore({ directory: ks.directory });
  const { reports } = await executor(store);
  const record = (id: string, agent_id: string) =>
    reports.record([{ ...plainIntervention(id), agent_id, executor_id: reports.executorId }]);
  await record('before', 'bot');
  const options = { cwd: ks.folder };
  const following = start(['interventions', '--follow', '--agent', 'bot'], options);
  const json = start(['interventions', '--follow', '--json', '--since', '1000d'], options);
  expect(JSON.parse(await json.line(() => true))).toMatchObject({ id: 'before', writer: expect.any(String) });
  // The other one may not have looked yet: what is reported until it has, it does not take for new.
  const first = following.line(() => true).then(shows);
  for (let at = 0, seen = false; !seen; at += 1) {
    await record(`other-${at}`, 'other');
    await record(`new-${at}`, 'bot');
    seen = await Promise.race([first, sleep(1500, false)]);
  }
  expect(JSON.parse(await json.line((line) => line.includes('other-0')))).toMatchObject({ agent_id: 'other' });
  expect(await Promise.all([following.end('SIGINT'), json.end('SIGTERM')])).toEqual([0, 0]);
  expect((await ks.run('interventions', '--follow', '--limit', '3')).code).toBe(2);
});

/** A line of the followed interventions, which are all of the agent `bot`. */
function shows(line: string): true {
  expect(line).toMatch(
    /^20\S+Z {2}HARD_BLOCK {2}email\.send {2}\S+( \d+)? {2}bot {2}- {2}blocked {2}full_stop {2}the mode/,
  );
  return true;
}

describe.skipIf(!hasTerminals)('a list on a terminal', () => {
  test('shows the first hundred, how many more there are, and ages; nothing is wider than the terminal', async () => {
    const ks = await withKills(130);
    await ks.run('kill', LONG, '--wait', '0', '--reason', 'x'.repeat(300));
    for (const columns of [80, 20]) {
      const terminal = ks.terminal(['kills'], { columns, env: { NO_COLOR: '1' } });
      expect(await terminal.exited).toBe(0);
      const shown = lines(terminal.screen);
      expect(shown[0]).toBe('131 active kills, newest first:');
      expect(shown).toHaveLength(1 + 1 + 100 + 1);
      expect(shown.at(-1)).toBe('… and 31 more: --skip 100 for the next ones, | less for all');
      for (const line of shown.slice(1, -1)) expect(width(line)).toBeLessThanOrEqual(columns);
      if (columns === 80) {
        expect(shown[2]).toMatch(/^full_stop {2}agent:01234\S*…\S*-end {2}\d+s +- +unverified:dana +"x+…$/);
        expect(shown[3]).toMatch(/^full_stop {2}agent:last +\d+[sm] +- +unverified:dana +-$/);
      }
    }
  });

  test('is whole with --limit, with -o wide uncut, and in a pipe as in any other', async () => {
    const ks = await withKills(120);
    await ks.run('kill', LONG, '--wait', '0');
    const more = ks.terminal(['kills', '--limit', '1000'], { columns: 60 });
    await more.exited;
    expect(lines(more.screen)).toHaveLength(1 + 1 + 121);
    const wide = ks.terminal(['kills', '-o', 'wide', '--limit', '2'], { columns: 60 });
    await wide.exited;
    expect(wide.screen).toContain(LONG);
    expect(wide.screen).toMatch(/ REASON +ID\n/);
    expect(wide.screen).toMatch(/ 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ /);
    const piped = ks.terminal(['kills'], { columns: 60, redirected: '| grep -c agent:' });
    await piped.exited;
    expect(lines(piped.screen).toSorted()).toEqual(['121 active kills, newest first:', '3']);
  });

  test('has calm colours, if they are wanted', async () => {
    const ks = await withKills(2);
    await deadExecutor(fileStore({ directory: ks.directory }));
    const RED = '\u001b[31m';
    const screenOf = async (env: Record<string, string>, args = ['kills'], redirected = ''): Promise<string> => {
      const terminal = ks.terminal(args, { env, redirected });
      await terminal.exited;
      return terminal.screen;
    };
    expect(await screenOf({})).toContain(`${RED}full_stop\u001b[39m  agent:last`);
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }, { FORCE_COLOR: '0' }])
      expect(await screenOf(env), JSON.stringify(env)).not.toContain('\u001b[3');
    expect(await screenOf({ TERM: 'dumb' })).not.toContain('\u001b');
    expect(await screenOf({ FORCE_COLOR: '1', TERM: 'dumb' })).toContain(RED);
    const status = await screenOf({}, ['status']);
    expect(status).toMatch(/^Mode {6}draft_only$/m);
    expect(status).toContain(`${RED}silent\u001b[39m`);
    const forced = { FORCE_COLOR: '1' };
    expect(await screenOf(forced, ['kills', '--json'])).not.toContain(RED);
    expect(await screenOf(forced, ['kills'], '| cat')).not.toContain(RED);
    const file = join(ks.folder, 'kills.txt');
    await screenOf(forced, ['kills'], `> ${file}`);
    expect(readFileSync(file, 'utf8')).not.toContain('\u001b');
  });

  test('shows the beginnings of ids, and no character of an executor steers the terminal', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const { reports } = await executor(fileStore({ directory: ks.directory }));
    await deadExecutor(fileStore({ directory: ks.directory }), {
      host: 'evil\u001b[2J\u009b\u202e',
      name: 'n'.repeat(300),
    });
    const terminal = ks.terminal(['executors'], { columns: 120, env: { NO_COLOR: '1' } });
    await terminal.exited;
    expect(terminal.screen).toMatch(new RegExp(`^mailer .* ${reports.executorId.slice(0, 8)}$`, 'm'));
    expect(terminal.screen).not.toContain(reports.executorId);
    expect(terminal.screen.replaceAll('\u001b[K', '')).not.toMatch(/[\u001b\u009b\u202e]/);
    for (const line of lines(terminal.screen).slice(1)) expect(width(line)).toBeLessThanOrEqual(120);
  });

  test('of the log shows the last changes', async () => {
    const ks = await withKills(150);
    const terminal = ks.terminal(['log'], { columns: 70 });
    await terminal.exited;
    const shown = lines(terminal.screen);
    expect(shown.slice(0, 3)).toEqual([
      '151 changes, oldest first:',
      '… 51 before these: --tail 200 for more, | less for all',
      expect.stringMatching(/^SEQ {2}AT +BY +TYPE +WHAT +REASON$/),
    ]);
    expect(shown.at(-1)).toMatch(/^151 {2}\d+[sm] +unverified:dana {2}kill {2}agent:last full_stop +-$/);
    expect(shown).toHaveLength(3 + 100);
  });

  test('says how all is seen where somebody has said how many, and that there are no more', async () => {
    const ks = await withKills(8);
    const said = async (...args: readonly string[]): Promise<string[]> => {
      const terminal = ks.terminal([...args], { columns: 100 });
      await terminal.exited;
      return lines(terminal.screen).filter(
        (line) => !/^(\d|SEQ|MODE|full_stop) /.test(line) || line.includes('change'),
      );
    };
    expect((await said('kills', '--limit', '3')).at(-1)).toBe(
      '… and 5 more: --skip 3 for the next ones, | less without --limit for all',
    );
    expect(await said('kills', '--skip', '20')).toEqual(['There are only 8 active kills.']);
    expect(await said('log', '--skip', '20')).toEqual(['There are only 9 changes.']);
    expect(await said('log', '--tail', '0')).toEqual(['9 changes; --tail 0 shows none.']);
    expect((await said('log', '--tail', '2'))[1]).toBe(
      '… 7 before these: --tail 4 for more, | less without --tail for all',
    );
    expect((await said('log', '--limit', '2')).at(-1)).toBe(
      '… and 7 more: --after 2 for the next ones, | less without --limit for all',
    );
  });

  test('of the log goes on with what comes, from its last ones on', async () => {
    const ks = await withKills(3);
    const terminal = ks.terminal(['log', '--follow', '--tail', '1']);
    await terminal.until((screen) => screen.includes('agent:last'));
    await ks.run('kill', 'agent:next', '--wait', '0');
    await terminal.until((screen) => screen.includes('agent:next'));
    terminal.type('\x03');
    expect(await terminal.exited).toBe(0);
    expect(terminal.screen).not.toContain('agent:first');
  });
});
