import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { owned } from '../../servers/lifetime.ts';
import { fileSwitch, run, start } from './command.ts';

describe('watch', () => {
  test('tells of each event and of each executor that comes, obeys or goes, a line each, until SIGINT or SIGTERM', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const store = ['--store', `file:${ks.directory}`];
    const machines = start(['watch', '--json', ...store]);
    const people = start(['watch', ...store]);
    expect(JSON.parse(await machines.line(() => true))).toEqual({
      type: 'watching',
      epoch: 1,
      active_kills: 0,
      executors: 0,
    });
    expect(await people.line(() => true)).toMatch(
      /^Watching from epoch 1: 0 active kills, 0 executors\. It ends kills whose time is over/,
    );

    const executor = await createKillSwitch({
      store: fileStore({ directory: ks.directory }),
      agentId: 'x',
      domain: 'watched',
      executor: { name: 'mailer' },
      leaseMs: 60_000, // so that it is never silent, on a slow machine
    });
    owned(() => executor.close());
    const came = JSON.parse(await machines.line((line) => line.includes('mailer')));
    expect(came).toMatchObject({ type: 'executor', name: 'mailer', was: null, state: 'stopped' });
    expect(await people.line((line) => line.includes('mailer'))).toMatch(/executor {2}mailer {2}new → applied/);
    await ks.run('kill', 'agent:x', '--wait', '0', '--reason', 'wrong mails');
    const told = JSON.parse(await machines.line((line) => line.includes('agent:x')));
    expect(told).toMatchObject({ type: 'event', event: { seq: 2, type: 'kill', reason: 'wrong mails' } });
    expect(await people.line((line) => line.includes('agent:x'))).toMatch(
      /^2 {2}.* kill {2}agent:x full_stop {2}"wrong mails"$/,
    );
    await executor.close();
    expect(
      JSON.parse(await machines.line((line) => line.includes('mailer') && line.includes('"state":null'))),
    ).toMatchObject({ was: 'stopped' });

    expect(await machines.end('SIGINT')).toBe(0);
    expect(await people.end('SIGTERM')).toBe(0);
    expect(people.stderr).toBe('');
    expect((await ks.json('log')).json.count).toBe(2);
  });

  test.skipIf(!hasRedis)('goes on when the store was away, and says so once', { timeout: 30_000 }, async () => {
    const redis = await startRedis();
    await run(['init', '--store', redis.url]);
    const watching = start(['watch', '--json', '--store', redis.url]);
    await watching.line(() => true);
    await redis.kill();
    await watching.line((line) => line.includes('Waiting until it answers again'), 'stderr');
    await redis.restart();
    await watching.line((line) => line.includes('The store answers again'), 'stderr');
    await run(['kill', 'agent:x', '--wait', '0', '--until', '1s', '--store', redis.url]);
    expect(JSON.parse(await watching.line((line) => line.includes('"expire"')))).toMatchObject({
      event: { actor: 'system' },
    });
    expect(await watching.end('SIGTERM')).toBe(0);
    expect(watching.stderr.match(/Waiting until/g)).toHaveLength(1);
  });

  test('does not begin where there is no control plane, and goes on where it is replaced', async () => {
    const ks = fileSwitch();
    expect((await ks.json('watch')).json).toMatchObject({ code: 'NOT_INITIALISED' });
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0');
    const watching = start(['watch', '--json', '--store', `file:${ks.directory}`]);
    await watching.line(() => true);
    await ks.run('kill', 'agent:y', '--wait', '0');
    await watching.line((line) => line.includes('agent:y'));
    rmSync(ks.directory, { recursive: true });
    await ks.run('init');
    expect(await watching.line((line) => line.includes('is no longer in the log'), 'stderr')).toBeTruthy();
    // It goes on from the head that it then reads: one of these comes after that.
    const seen = watching.line((line) => line.includes('agent:z'));
    let isSeen = false;
    void seen.then(() => (isSeen = true));
    for (let at = 0; !isSeen; at += 1) await ks.run('kill', `agent:z-${at}`, '--wait', '0');
    await seen;
    expect(await watching.end('SIGINT')).toBe(0);
  });
});
