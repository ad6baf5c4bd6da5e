import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archivable } from '../../store/file/archivable.ts';
import { run, start } from './command.ts';

async function archivableSwitch() {
  const scene = await archivable();
  const env = { KILL_SWITCH_OPERATOR: 'dana', KILL_SWITCH_STORE: `file:${scene.directory}` };
  const options = { cwd: scene.path, env: { ...env, XDG_CONFIG_HOME: join(scene.path, 'settings') } };
  return { ...scene, options, ks: (...words: string[]) => run(words, options) };
}

const archive = ['log', 'archive', 'archive.jsonl', '--reason', 'the disk is filling up'] as const;

test('log archive says what it has done, and then every verb says what is archived', async () => {
  const { epoch, ks, options, path } = await archivableSwitch();
  expect(await ks('log', 'archive', 'archive.jsonl')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Archiving the log takes a reason. Add one: --reason "…"'),
  });
  expect(await ks(...archive, '--before', '500d')).toMatchObject({ code: 1 });
  expect(existsSync(join(path, 'archive.jsonl'))).toBe(false);
  const done = await ks(...archive, '--signed', '--json');
  expect(done).toMatchObject({ code: 0, json: { epoch, events: epoch, already: false } });
  expect(done.json.fingerprint).toMatch(/^sha256:/);

  const note = `The events before epoch ${epoch} are archived`;
  const listed = await ks('log');
  expect(listed).toMatchObject({ code: 0, stderr: expect.stringContaining(note) });
  expect(listed.stdout.split('\n')[0]).toMatch(new RegExp(`^${epoch} `));
  expect(listed.stdout.trimEnd().split('\n').at(-1)).toMatch(
    new RegExp(` archive {2}up to epoch ${epoch} of ${epoch} events {2}"the disk is filling up"$`),
  );
  const left = epoch + 1202 - epoch + 1;
  expect((await ks('log', '--tail', '5000', '--json')).json).toMatchObject({ count: left, data: { length: left } });
  expect((await ks('log', '--tail', '2', '--json')).json).toMatchObject({ count: left, data: { length: 2 } });
  expect(await ks('log', '--type', 'archive')).toMatchObject({ code: 0, stderr: expect.stringContaining(note) });
  for (const words of [
    ['--after', '7'],
    ['--after', '7', '--follow'],
  ])
    expect(await ks('log', ...words)).toMatchObject({ code: 1, stderr: expect.stringContaining(note) });
  expect(await ks('log', '--after', String(epoch))).toMatchObject({ code: 0, stderr: '' });

  expect((await ks('log', 'verify')).stdout).toContain('To verify them too: kill-switch log verify --against FILE');
  expect((await ks('log', 'verify', '--against', 'archive.jsonl')).stdout).toContain('They were verified too.');
  expect((await ks('log', 'verify', 'archive.jsonl')).stdout).toContain(`archive.jsonl is whole: ${epoch} events`);
  for (const words of [[], ['whole.jsonl']])
    expect(await ks('log', 'export', ...words)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Name the file that log archive has written, or a copy of it'),
    });
  const again = await ks(...archive, '--signed');
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining(`epoch ${epoch} (archived already)`) });

  const follower = start(['log', '--follow'], options);
  await follower.line((line) => line.includes(' archive '));
  await ks('kill', 'agent:late', '--wait', '0');
  await follower.line((line) => line.includes('agent:late'));
  expect((await ks('status')).stdout).toContain('agent:late');
  expect((await ks('doctor', '--json')).json.findings).toContainEqual(
    expect.objectContaining({ check: 'archive', level: 'ok' }),
  );
  expect(readFileSync(join(path, 'archive.jsonl'), 'utf8').split('\n')).toHaveLength(epoch + 4);
}, 120_000);
