import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { hasRedis, hasTerminals, startRedis } from '../../servers/index.ts';
import { startAgents } from '../cli/agents.ts';
import { fileSwitch, run, start } from '../cli/command.ts';

const LONG = { timeout: 120_000 };

const AGENTS = [
  { id: 'mail-bot', action: 'mail.send', ms: 50, heeds: 'signal' },
  { id: 'other', action: 'db.read', ms: 300, heeds: 'signal' },
] as const;

/** A live switch in a folder, with agents at work in a process of their own. */
async function atWork() {
  const ks = fileSwitch();
  await ks.run('init');
  await ks.run('mode', 'live', '--reason', 'test');
  await ks.run('tripwire', 'remove', 'repeats', '--reason', 'these agents repeat themselves');
  const agents = await startAgents({ directory: ks.directory, name: 'mailer', leaseMs: 1500, agents: AGENTS });
  return { ks, agents };
}

test('a drill of agents in another process prints what it measures, and keeps it', LONG, async () => {
  const { ks } = await atWork();
  const page = join(ks.folder, 'drill.html');
  const done = await ks.json('drill', '--yes', '--html', page);
  expect(done.code).toBe(0);
  const { id } = done.json;
  expect(done.json).toMatchObject({
    ...{ id: expect.any(String), kind: 'stop', state: 'passed', target: 'all', window_ms: 5000, findings: [] },
    executors: [
      {
        ...{ id: expect.any(String), name: 'mailer', acknowledged_ms: expect.any(Number) },
        ...{ drained_ms: expect.any(Number), late_starts: 0 },
      },
    ],
  });
  expect((await ks.json('drills')).json).toMatchObject({ count: 1, data: [{ id }], schedules: [] });
  expect((await ks.json('drills', 'show', id)).json).toEqual(done.json);
  const shown = await ks.run('drills', 'show', id);
  expect(shown.stdout).toContain(`Drill ${id}: passed, stop of all`);
  expect((await ks.json('kills')).json.count).toBe(0);
  const again = await ks.run('drill', '--target', 'agent:mail-bot', '--yes');
  expect(again.stdout).toContain('The last drills of this kind: passed');
  const html = readFileSync(page, 'utf8');
  expect(html).toContain('<svg');
  expect(html).toContain('prefers-color-scheme:dark');
  expect(html).not.toMatch(/<script|src=|href=|url\(|@import/i);
});

test('nobody is drilled without a word: nothing is stopped where nobody can be asked', LONG, async () => {
  const { ks } = await atWork();
  const refused = await ks.json('drill');
  expect([refused.code, refused.json.code]).toEqual([2, 'INVALID_ARGUMENT']);
  expect(refused.json.detail).toContain('--yes');
  expect((await ks.json('drills')).json.count).toBe(0);
});

test.skipIf(!hasTerminals)('on a terminal it says what it will stop, and asks', LONG, async () => {
  const { ks } = await atWork();
  const no = ks.terminal(['drill']);
  await no.until((screen) => screen.includes('Go on? [y/N]'));
  no.type('n\r');
  expect(await no.exited).toBe(1);
  expect(no.screen).toMatch(/It stops all, really[\s\S]*mail-bot[\s\S]*In flight[\s\S]*Nothing was stopped/);
  const yes = ks.terminal(['drill']);
  await yes.until((screen) => screen.includes('Go on? [y/N]'));
  yes.type('y\r');
  expect(await yes.exited).toBe(0);
  expect((await ks.json('drills')).json).toMatchObject({ count: 1, data: [{ state: 'passed' }] });
});

const PHASES = ['Watching', 'Stopping', 'Undoing', 'Giving back'] as const;

describe.each(PHASES)('a drill that is killed while it says "%s"', (says) => {
  test('leaves stopped what it has stopped, as its own, for anybody to lift', LONG, async () => {
    const { ks, agents } = await atWork();
    const drill = start(['drill', '--yes'], { cwd: ks.folder, env: { KILL_SWITCH_OPERATOR: 'dana' } });
    await drill.line((line) => line.startsWith(says), 'stderr');
    if (says === 'Stopping')
      await vi.waitFor(async () => expect((await ks.json('kills')).json.count).toBeGreaterThan(0), LONG);
    await drill.end('SIGKILL');
    const [{ id, state, step }] = (await ks.json('drills')).json.data;
    if (state === 'passed') return; // it was quicker than the signal
    expect(state).toBe('running');
    const { data } = (await ks.json('kills')).json;
    for (const kill of data) expect(kill).toMatchObject({ drill_id: id, reason: `drill ${id}`, is_active: true });
    if (says === 'Stopping' || says === 'Undoing') {
      expect(data.map(({ target }: { target: string }) => target)).toContain('all');
      await agents.until('mail-bot', 'blocked');
    }
    if (says === 'Watching') expect([data, step]).toEqual([[], 'baseline']);
    const second = await ks.json('drill', '--yes');
    expect([second.code, second.json.code]).toEqual([1, 'INVALID_STATE']);
    for (const { target } of data) {
      const lifted = await ks.run('revive', target, '--reason', 'the drill was cut short');
      // What is undone is undone by its executor: it may lift nothing by itself.
      expect(lifted.code, lifted.stderr).toBe(0);
    }
    expect((await ks.json('kills')).json.count).toBe(0);
    await agents.until('mail-bot', 'executed');
    expect((await ks.json('log', 'verify')).json.ok).toBe(true);
  });
});

test('an executor that a drill has cut off comes back by itself when the drill is killed', LONG, async () => {
  const { ks, agents } = await atWork();
  const drill = start(['drill', '--kind', 'partition', '--yes'], { cwd: ks.folder });
  await drill.line((line) => line.startsWith('One executor does not hear'), 'stderr');
  await vi.waitFor(async () => expect((await ks.json('drills')).json.data[0].step).toBe('press'), LONG);
  await drill.end('SIGKILL');
  await agents.until('mail-bot', 'blocked');
  await agents.until('mail-bot', 'executed');
  expect((await ks.json('kills')).json.count).toBe(0);
});

test.skipIf(!hasRedis)('over Redis, two processes of agents, and the times are the store’s', LONG, async () => {
  const { url } = await startRedis();
  const where = { env: { KILL_SWITCH_STORE: url, KILL_SWITCH_OPERATOR: 'dana' } };
  await run(['init'], where);
  await run(['mode', 'live', '--reason', 'test'], where);
  await run(['tripwire', 'remove', 'repeats', '--reason', 'these agents repeat themselves'], where);
  for (const name of ['one', 'two']) await startAgents({ redis: url, name, leaseMs: 1500, agents: AGENTS });
  for (const kind of ['stop', 'scoped', 'rollback', 'partition']) {
    const done = await run(['drill', '--kind', kind, '--yes', '--json'], { ...where, withinMs: 60_000 });
    expect(done.json, done.stdout).toMatchObject({ kind, state: 'passed', findings: [] });
    expect(done.code).toBe(0);
  }
});

test('a schedule is run by one of two watching processes, once', { timeout: 200_000 }, async () => {
  const { ks } = await atWork();
  const watches = [1, 2].map(() => start(['watch'], { cwd: ks.folder }));
  for (const watch of watches) await watch.line((line) => line.startsWith('Watching'));
  const next = new Date(Date.now() + 61_000).toISOString().slice(11, 16);
  const set = await ks.json('drill', 'schedule', 'weekly', 'stop', `Mon-Sun ${next} UTC`, '--target', 'agent:mail-bot');
  expect(set.json).toMatchObject({ schedule: { name: 'weekly', at: `Mon-Sun ${next} UTC`, overdue: false } });
  for (const watch of watches) await watch.line((line) => / drill .* passed/.test(line));
  const { data, count, schedules } = (await ks.json('drills')).json;
  expect([count, data[0].state, data[0].schedule, data[0].by]).toEqual([1, 'passed', 'weekly', 'system']);
  expect(schedules).toMatchObject([{ name: 'weekly', last_due: expect.stringContaining(`T${next}:00`) }]);
  expect((await ks.run('drill', 'schedule', 'weekly', 'off')).code).toBe(0);
  expect((await ks.json('drills')).json.schedules).toEqual([]);
  for (const watch of watches) expect(await watch.end('SIGINT')).toBe(0);
});
