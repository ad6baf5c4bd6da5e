import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { fileSwitch } from './command.ts';

test.each([
  ['action:*', 'kill-switch kill all'],
  ['action:.*', 'kill-switch kill all'],
  ['action:pay*', "kill-switch kill 'action:pay.*'"],
  ['action:*.refund', 'kill-switch kill all'],
  ['agent:*', 'kill-switch kill all'],
  ['*', 'kill-switch kill all'],
])('kill %s, which would stop nothing, is refused with the form to paste', async (target, paste) => {
  const ks = fileSwitch();
  await ks.here('init');
  const killed = await ks.here('kill', target, '--wait', '0', '--json');
  expect(killed.code).not.toBe(0);
  expect(killed.json.detail).toContain(paste);
  expect((await ks.here('pause', target)).stderr).toContain(paste.replace('kill-switch kill', 'kill-switch pause'));
  expect((await ks.here('kills', '--json')).json.count).toBe(0);
});

test('a pattern names no action, so it has no stage of autonomy', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  const set = await ks.here('autonomy', 'pay.*', 'human_in_the_loop');
  expect(set.code).not.toBe(0);
  expect(set.stderr).toMatch(/must not contain a \*/);
});

/** Appends what an older version would have. */
function recordKill(directory: string, target: string): void {
  const file = join(directory, 'control', 'default', 'log.jsonl');
  const last = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
  const { seq, hash, at } = JSON.parse(last) as LogEvent;
  const data = { id: `old-${seq}`, target, mode: 'full_stop', expires_at: null };
  const event = sealEvent({ seq: seq + 1, at, actor: 'unverified:old', type: 'kill', data, reason: null, prev: hash });
  appendFileSync(file, `${serializeEvent(event)}\n`);
}

test.each(['action:*', 'action:pay*', 'action:*.refund', 'action:.*', 'agent:*'])(
  'a kill of %s in an older log is shown as what it is, verified, and can be revived',
  async (target) => {
    const ks = fileSwitch();
    await ks.here('init');
    recordKill(ks.directory, target);
    const kills = await ks.here('kills', '--json');
    expect(kills.json.data).toMatchObject([{ target, mode: 'full_stop' }]);
    expect((await ks.here('kills')).stderr).toContain(`"${target}" stops nothing`);
    expect((await ks.here('status')).stderr).toContain(`"${target}" stops nothing`);
    expect((await ks.here('log', 'verify', '--json')).json).toMatchObject({ ok: true });
    expect(await ks.here('revive', target, '--reason', 'never stopped anything')).toMatchObject({ code: 0 });
    expect((await ks.here('kills', '--json')).json.count).toBe(0);
    expect((await ks.here('kills')).stderr).toBe('Nothing is killed.\n');
  },
);
