import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startReceiver, verify } from '../alerts/real/receiver.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { runHere, start } from './command.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

test('the command adds, shows, tests, sends and removes alerts', { timeout: 60_000 }, async () => {
  const { path: cwd } = temporaryFolder('alerts-cli');
  const ks = async (...args: string[]) => {
    const { code, stdout, stderr } = await runHere([...args, '--operator', 'dana'], {}, { cwd });
    return { code, stdout, stderr };
  };
  const receiver = await startReceiver();
  await ks('init');
  const to = `${receiver.url}/path-secret`;
  const added = await ks('alert', 'add', 'on-call', '--to', to, '--allow-private', '--events', 'kill,revive', '--json');
  expect(JSON.parse(added.stdout)).toEqual({
    ...{ alert: 'on-call', epoch: 2, already: false },
    secret: expect.stringMatching(/^whsec_/),
  });
  const { secret } = JSON.parse(added.stdout) as { secret: string };
  const own = await ks('alert', 'add', 'own', '--to', to, '--allow-private', '--secret', SECRET, '--events', 'revive');
  expect(own.stdout + own.stderr).not.toContain(SECRET); // whoever has given it knows it
  expect(await ks('alert', 'test', 'on-call')).toMatchObject({
    code: 0,
    stdout: 'Delivered: a test to on-call; it answered 204.\n',
  });
  await ks('kill', 'agent:x', '--wait', '0');
  expect((await ks('status')).stdout).toMatch(
    /^Alerts {4}2 targets, 1 waiting\n {10}1 wait, and no process sends alerts: kill-switch watch --alerts$/m,
  );

  const watching = start(['watch', '--alerts', '--operator', 'dana'], { cwd });
  try {
    await receiver.until(2, 30_000);
    expect(verify(secret, receiver.accepted[1] ?? expect.fail('none'))).toMatchObject({ type: 'kill' });
    await vi.waitFor(
      async () =>
        expect(JSON.parse((await ks('alerts', '--json')).stdout)).toMatchObject({
          ...{ count: 2, sending: true },
          data: [{ name: 'on-call', to: `${receiver.url}/…`, waiting: 0, failure: null }, { name: 'own' }],
        }),
      { timeout: 10_000, interval: 100 },
    );
  } finally {
    await watching.end('SIGINT');
  }
  const shown = [
    await ks('alerts'),
    await ks('alerts', '--json'),
    await ks('status', '--json'),
    await ks('log', '--json'),
  ];
  shown.push(await ks('log', 'export', join(cwd, 'log.jsonl')));
  const text = JSON.stringify(shown) + readFileSync(join(cwd, 'log.jsonl'), 'utf8');
  for (const hidden of [secret, SECRET, 'path-secret']) expect(text).not.toContain(hidden);
  expect(await ks('alert', 'remove', 'on-call')).toMatchObject({ code: 1, stderr: expect.stringContaining('reason') });
  expect(await ks('alert', 'remove', 'on-call', '--reason', 'left')).toMatchObject({ code: 0 });
  expect(await ks('alert', 'test', 'on-call')).toMatchObject({ code: 1, stderr: expect.stringContaining('no alert') });
  expect(await ks('log', 'verify')).toMatchObject({ code: 0 });
});

test('what is no alert is refused, changes nothing, and is not repeated where it may be secret', async () => {
  const { path: cwd } = temporaryFolder('alerts-cli');
  const ks = (...args: string[]) => runHere(args, {}, { cwd });
  await ks('init');
  const name = ['alert', 'add', 'a'];
  for (const [code, args, says] of [
    [2, [...name, '--to', 'https://hooks.test', '--events', 'kils'], /"kils".*Did you mean kill\?/],
    [2, [...name, '--to', 'https://hooks.test', '--format', 'sms'], /webhook, slack, teams/],
    [2, [...name], /exactly one of the two/],
    [2, [...name, '--to', 'https://hooks.test', '--exec', 'true s3cret'], /exactly one of the two/],
    [2, [...name, '--to', 's3cret'], /https:\/\//],
    [2, [...name, '--to', 'http://10.0.0.1/s3cret'], /10\.0\.0\.1 is an address of a private network/],
    [2, [...name, '--to', 'https://hooks.test', '--secret', 's3cret'], /24 to 64 bytes/],
    [1, ['alert', 'remove', 'nobody', '--reason', 'x'], /There is no alert "nobody"/],
  ] as const) {
    const ran = await ks(...args);
    expect([args, ran.code, ran.stderr]).toEqual([args, code, expect.stringMatching(says)]);
    expect(ran.stderr + ran.stdout).not.toContain('s3cret');
  }
  expect(await ks('alerts')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('Nobody is told') });
  expect(existsSync(join(cwd, '.kill-switch/control/default/alerts'))).toBe(false);
  await ks('alert', 'add', 'a', '--exec', 'true');
  expect(await ks('alert', 'add', 'a', '--exec', 'true')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is an alert "a" already'),
  });
});
