import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch, start } from './command.ts';
import { deadExecutor } from './executors.ts';

const logOf = (directory: string): string => join(directory, 'control/default/log.jsonl');

describe('log', () => {
  test('prints each event in one line, and with --json a list', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0', '--reason', 'first line\nsecond');
    await ks.run('kill', 'agent:x', '--wait', '0');
    await ks.run('limit', 'refund.max', '200');
    const { stdout } = await ks.run('log');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^2 {2}20\S+Z {2}unverified:dana {2}kill {2}agent:x full_stop {2}"first line\\nsecond"$/);
    expect(lines[2]).toMatch(/unverified:dana {2}second {2}kill agent:x$/);
    expect(lines[3]).toMatch(/limit {2}refund\.max 200$/);
    const { json } = await ks.json('log', '--after', '1');
    expect(json).toMatchObject({ count: 3 });
    expect(json.data[0]).toEqual({
      seq: 2,
      at: expect.any(String),
      actor: 'unverified:dana',
      type: 'kill',
      data: {
        id: expect.any(String),
        target: 'agent:x',
        mode: 'full_stop',
        expires_at: null,
        command_id: expect.any(String),
      },
      reason: 'first line\nsecond',
      prev: expect.stringMatching(/^[0-9a-f]{64}$/),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(json.data[1].prev).toBe(json.data[0].hash);
  });

  test('--follow goes on with each new event, one JSON value a line, until SIGINT or SIGTERM', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const store = ['--store', `file:${ks.directory}`];
    const following = start(['log', '--follow', '--json', ...store]);
    expect(JSON.parse(await following.line(() => true))).toMatchObject({ seq: 1, type: 'init' });
    await ks.run('kill', 'agent:x', '--wait', '0');
    expect(JSON.parse(await following.line(() => true))).toMatchObject({ seq: 2, type: 'kill' });
    await ks.run('revive', 'agent:x', '--reason', 'ok');
    expect(JSON.parse(await following.line(() => true))).toMatchObject({ seq: 3, type: 'revive', reason: 'ok' });
    expect(await following.end('SIGINT')).toBe(0);

    const people = start(['log', '--follow', '--after', '2', ...store]);
    expect(await people.line(() => true)).toMatch(/^3 {2}.* revive {2}agent:x {2}"ok"$/);
    expect(await people.end('SIGTERM')).toBe(0);
    expect(people.stderr).toBe('');
  });

  test('--follow does not take a wiped or replaced log for one in which nothing happens', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0');
    const following = start(['log', '--follow', '--json', '--store', `file:${ks.directory}`]);
    await following.line((line) => JSON.parse(line).seq === 2);
    rmSync(ks.directory, { recursive: true });
    await ks.run('init');
    const told = await following.line((line) => line.includes('LOG_REPLACED'));
    expect(told).toBeTruthy();
    expect(await following.exited).toBe(1);
    expect(following.stderr).toContain('Event 2, up to which the log was followed, is no longer in');
  });

  test('a reader that goes away is no failure', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const following = start(['log', '--follow', '--store', `file:${ks.directory}`]);
    await following.line((line) => line.includes('init'));
    following.process.stdout?.destroy();
    await ks.run('kill', 'agent:x', '--wait', '0');
    expect(await following.exited).toBe(0);
    expect(following.stderr).toBe('');
  });
});

describe('log verify', () => {
  test('says that the log is whole, with its head', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0');
    const whole = await ks.json('log', 'verify');
    expect(whole.code).toBe(0);
    expect(whole.json).toEqual({
      ok: true,
      events: 2,
      head: { generation: expect.any(String), epoch: 2, hash: expect.any(String), recovered: false },
    });
    expect((await ks.run('log', 'verify')).stdout).toMatch(
      /^The log is whole: 2 events, epoch 2, hash [0-9a-f]{64}\.\n$/,
    );
  });

  test('ends with 4, without advice to repair, for a kill by a newer version: a full stop', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const log = logOf(ks.directory);
    const { hash: prev, at } = JSON.parse(readFileSync(log, 'utf8').trim()) as LogEvent;
    const data = { id: 'n', target: 'agent:x', mode: 'quarantined', expires_at: null };
    const newer = sealEvent({ seq: 2, at, actor: 'unverified:new', type: 'kill', data, reason: null, prev });
    appendFileSync(log, `${serializeEvent(newer)}\n`);
    const verified = await ks.run('log', 'verify');
    expect(verified.code).toBe(4);
    expect(verified.stdout).toMatch(/^THIS VERSION CANNOT VERIFY THE LOG .* A newer version has written it/);
    expect(verified.stdout).not.toMatch(/repair|cut/);
    const { stdout } = await ks.run('restrict', 'agent:x', 'read_only', '--wait', '0');
    expect(stdout).toMatch(/^agent:x is full_stop.* You asked for read_only: the stricter full_stop stands\./m);
  });

  test('ends with 4 for an edited, a removed, a reordered event, for garbage, and for no log at all', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0', '--reason', 'wrong');
    await ks.run('kill', 'agent:y', '--wait', '0');
    const file = logOf(ks.directory);
    const text = readFileSync(file, 'utf8');
    const [first, second, third] = text.trimEnd().split('\n') as [string, string, string];
    const damaged: Record<string, string> = {
      edited: text.replace('wrong', 'right'),
      removed: `${first}\n${third}\n`,
      reordered: `${first}\n${third}\n${second}\n`,
      'without its beginning': `${second}\n${third}\n`,
      garbage: `${text}not an event\n`,
      'not UTF-8': `${first}\n\u0000\n${third}\n`,
      empty: '',
    };
    let unrecorded = 0;
    for (const [how, content] of Object.entries(damaged)) {
      writeFileSync(file, content);
      const ran = await ks.here('log', 'verify', '--json');
      expect(ran.code, how).toBe(4);
      // A kill is advised exactly where it can be recorded, and where it cannot it says so first.
      const said = (await ks.here('log', 'verify')).stdout;
      const killed = await ks.here('kill', 'all', '--wait', '0');
      if (killed.code === 0)
        expect(said, how).toContain('It still takes changes. Stop what must not run: kill-switch kill all');
      else if (how === 'empty')
        expect(said, how).toContain('There is no control plane of the organization "default" in');
      else {
        expect(said, how).toMatch(/It takes no change, .* Executors that read it stop by themselves/);
        expect(killed.stderr, how).toMatch(/^The kill was NOT recorded\. \S+log\.jsonl is damaged/);
        unrecorded += 1;
      }
      writeFileSync(file, content);
      expect(ran.json, how).toEqual({
        ok: false,
        events: expect.any(Number),
        head: ran.json.head,
        problem: expect.any(String),
      });
    }
    expect(unrecorded).toBeGreaterThan(2);
    const again = await ks.run('log', 'verify');
    expect(again.code).toBe(4);
    expect(again.stdout).toMatch(/^THE LOG DOES NOT VERIFY/);
    writeFileSync(file, text);
    expect((await ks.json('log', 'verify')).code).toBe(0);
  });

  test('a log that was cut off is found out by what an executor has seen', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0');
    const text = readFileSync(logOf(ks.directory), 'utf8');
    await deadExecutor(fileStore({ directory: ks.directory }));
    writeFileSync(logOf(ks.directory), text.slice(0, text.indexOf('\n') + 1));
    const cut = await ks.json('log', 'verify');
    expect(cut.code).toBe(4);
    expect(cut.json.problem).toMatch(/lost \(.*\) has seen epoch 2, but the log ends at 1/);
    appendFileSync(logOf(ks.directory), text.slice(text.indexOf('\n') + 1));
    expect((await ks.json('log', 'verify')).code).toBe(0);
  });
});
