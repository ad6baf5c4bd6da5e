import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { appendHistory, lastEvent } from '../../store/file/generate-log.ts';
import { fileSwitch, run, start } from './command.ts';

const KEY = 'settings/kill-switch/log-signing-key.pem';

/** A switch with three events, and the command beside it with settings of its own. */
async function setUp() {
  const ks = fileSwitch();
  const env = { KILL_SWITCH_OPERATOR: 'dana', XDG_CONFIG_HOME: join(ks.folder, 'settings') };
  const typed = (...words: string[]) => run(words, { cwd: ks.folder, env, withinMs: 60_000 });
  await typed('init');
  await typed('kill', 'agent:a', '--wait', '0', '--reason', 'unseen \u202e and \u2028 in it');
  await typed('limit', 'max', '3');
  const log = join(ks.directory, 'control/default/log.jsonl');
  return { ...ks, typed, env, log, at: (name: string) => join(ks.folder, name) };
}

test('an export is printed byte for byte as the log was hashed, with --json too', async () => {
  const { typed, log } = await setUp();
  for (const words of [
    ['log', 'export'],
    ['log', 'export', '--json'],
  ]) {
    const { stdout, code } = await typed(...words);
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(log, 'utf8'));
  }
});

test('the first signature makes a key that only its user can read, and tells its fingerprint; the next uses it', async () => {
  const { typed, at } = await setUp();
  const first = await typed('log', 'export', 'signed.jsonl', '--signed', '--json');
  expect(first.code).toBe(0);
  const { fingerprint } = first.json;
  expect(first.stderr).toContain(`A key that signs was made: ${at(KEY)}. Its fingerprint is ${fingerprint}.`);
  expect(statSync(at(KEY)).mode & 0o777).toBe(0o600);
  const secret = readFileSync(at(KEY), 'utf8').split('\n')[1] ?? '';
  expect(secret.length).toBeGreaterThan(40);
  const next = await typed('log', 'export', 'signed.jsonl', '--signed');
  expect(next).toMatchObject({ code: 0, stderr: '' });
  expect(next.stdout).toContain(`Its head is signed by ${fingerprint}.`);
  for (const text of [first.stdout, first.stderr, next.stdout, readFileSync(at('signed.jsonl'), 'utf8')])
    expect(text).not.toContain(secret);
  expect(readdirSync(at('settings/kill-switch'))).toEqual(['log-signing-key.pem']);
});

test('two first signatures at once agree on one key', async () => {
  const { typed, at } = await setUp();
  const both = await Promise.all(
    ['a.jsonl', 'b.jsonl'].map((file) => typed('log', 'export', file, '--signed', '--json')),
  );
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both[0]?.json.fingerprint).toBe(both[1]?.json.fingerprint);
  expect(readdirSync(at('settings/kill-switch'))).toEqual(['log-signing-key.pem']);
});

test('--key signs with that key; one that is none is refused, and one that others can read is warned of', async () => {
  const { typed, at } = await setUp();
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(at('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  expect(await typed('log', 'export', 'k.jsonl', '--key', 'key.pem')).toMatchObject({ code: 0, stderr: '' });
  chmodSync(at('key.pem'), 0o644);
  expect((await typed('log', 'export', 'k.jsonl', '--key', 'key.pem')).stderr).toContain('Warning: others may read');
  writeFileSync(at('wrong.pem'), 'hunter2');
  for (const [key, says] of [
    ['wrong.pem', 'wrong.pem: The key is not taken: it is no private key in PEM'],
    ['nowhere.pem', 'The key nowhere.pem cannot be read: ENOENT'],
    ['.', 'The key . cannot be read: it is a folder'],
  ] as const) {
    const refused = await typed('log', 'export', 'w.jsonl', '--key', key);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(says);
    expect(refused.stderr).not.toContain('hunter2');
  }
  expect(existsSync(at('w.jsonl'))).toBe(false);
  expect(existsSync(at(KEY))).toBe(false);
});

test('log verify ends with 4 where a proof contradicts it, and needs no store for an export', async () => {
  const { typed, at, log } = await setUp();
  await typed('log', 'export', 'log.jsonl', '--signed');
  await typed('kill', 'agent:b', '--wait', '0');
  expect(await typed('log', 'verify', '--against', 'log.jsonl')).toMatchObject({ code: 0, stderr: '' });
  expect(await run(['log', 'verify', at('log.jsonl'), '--store', 'redis://127.0.0.1:1'])).toMatchObject({ code: 0 });
  writeFileSync(at('head'), `4 ${lastEvent(log).hash}\n`);
  expect((await typed('log', 'verify', '--against', 'head')).stdout).toContain(
    'It contains the head in head: epoch 4.',
  );
  writeFileSync(log, `${readFileSync(log, 'utf8').split('\n').slice(0, 2).join('\n')}\n`);
  for (const [file, epoch] of [
    ['log.jsonl', 3],
    ['head', 4],
  ] as const) {
    const found = await typed('log', 'verify', '--against', file);
    expect(found.code).toBe(4);
    expect(found.stdout).toContain(`The log ends at epoch 2, but ${file} at epoch ${epoch}: the log was cut off.`);
    expect(await typed('log', 'verify', '--against', file, '--json')).toMatchObject({ code: 4, json: { ok: false } });
  }
  const kept = readFileSync(at('log.jsonl'), 'utf8');
  expect(await typed('log', 'export', 'log.jsonl', '--signed')).toMatchObject({ code: 1, stdout: '' });
  expect(readFileSync(at('log.jsonl'), 'utf8')).toBe(kept);
  for (const words of [['--against', 'nowhere'], ['nowhere']])
    expect(await typed('log', 'verify', ...words, '--json'), words.join(' ')).toMatchObject({
      ...{ code: 1, json: { code: 'NOT_FOUND', detail: expect.stringContaining('The file nowhere does not exist.') } },
    });
  for (const words of [['head'], ['log.jsonl', '--fingerprint', 'abc'], ['--fingerprint', 'f'.repeat(64)]])
    expect(await typed('log', 'verify', ...words), words.join(' ')).toMatchObject({ code: 2, stdout: '' });
});

test('a command that is killed while it exports leaves the old export, and no half one', async () => {
  const { typed, at, log, env, folder } = await setUp();
  await typed('log', 'export', 'log.jsonl');
  const before = readFileSync(at('log.jsonl'), 'utf8');
  appendHistory(log, lastEvent(log), 60_000);
  const exporting = start(['log', 'export', at('log.jsonl')], { cwd: folder, env });
  const isWriting = (): boolean =>
    readdirSync(folder).some((name) => name.endsWith('.tmp') && statSync(at(name)).size > 1_000_000);
  while (!isWriting() && exporting.process.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  await exporting.end('SIGKILL');
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
  expect(readFileSync(at('log.jsonl'), 'utf8')).toBe(before);
  expect(await typed('log', 'export', 'log.jsonl')).toMatchObject({ code: 0 });
  expect(readFileSync(at('log.jsonl'), 'utf8')).toBe(readFileSync(log, 'utf8'));
});

test('log takes --type with every other filter, follows with it, and names the type that was meant', async () => {
  const { typed, directory } = await setUp();
  await typed('revive', 'agent:a', '--reason', 'ok');
  await typed('kill', 'run:r', '--wait', '0');
  const seqs = async (...words: string[]) =>
    (await typed('log', ...words, '--json')).json.data.map(({ seq }: { seq: number }) => seq);
  expect(await seqs('--type', 'kill')).toEqual([2, 5]);
  expect(await seqs('--type', 'kill', '--target', 'agent:a')).toEqual([2]);
  expect(await seqs('--type', 'revive', '--since', '1h', '--actor', 'dana')).toEqual([4]);
  expect(await seqs('--target', 'agent:a')).toEqual([2, 4]);
  expect(await seqs('--tail', '2')).toEqual([4, 5]);
  const refused = await typed('log', '--type', 'kil');
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/^"kil" is not a type of event: it is one of init, .*\. Did you mean kill\?$/m);
  const following = start([
    'log',
    '--follow',
    '--json',
    '--type',
    'kill',
    '--target',
    'run:r',
    '--store',
    `file:${directory}`,
  ]);
  expect(JSON.parse(await following.line(() => true))).toMatchObject({ seq: 5 });
  await typed('kill', 'agent:a', '--wait', '0');
  await typed('kill', 'run:r', '--wait', '0');
  await typed('revive', 'run:r', '--reason', 'ok');
  await typed('kill', 'run:r', '--wait', '0');
  expect(JSON.parse(await following.line(() => true))).toMatchObject({ seq: 9, type: 'kill' });
  expect(await following.end('SIGINT')).toBe(0);
});
