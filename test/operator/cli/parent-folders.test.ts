import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { findFolder } from '../../../operator/cli/find-folder.ts';
import { fileStore } from '../../../store/file/index.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { type Ran, run } from './command.ts';

const uid = process.geteuid?.() ?? 0;
const ME = { uid, sudoUid: null };

/** A project with a folder three levels down in it, and the command in any of its folders. */
function project() {
  const { path } = temporaryFolder('parents');
  const deep = join(path, 'packages/mailer/src');
  mkdirSync(deep, { recursive: true });
  const at =
    (folder: string) =>
    (...args: string[]): Promise<Ran> =>
      run(args, { cwd: join(path, folder), env: { KILL_SWITCH_OPERATOR: 'dana' } });
  return { path, deep, at, above: at('.'), below: at('packages/mailer/src'), switchFolder: join(path, '.kill-switch') };
}

describe('a switch in a folder above', () => {
  test('is named to an executor that was given a folder where none is, and to whoever records an outcome there', async () => {
    const { above, deep, switchFolder } = project();
    await above('init');
    const store = fileStore({ directory: join(deep, '.kill-switch') });
    const killSwitch = await createKillSwitch({ store, agentId: 'bot' });
    onTestFinished(() => killSwitch.close());
    const advice = `there is one in ${switchFolder}, which kill-switch finds from here: give fileStore({ directory: '${switchFolder}' })`;
    const { message } = killSwitch.check();
    expect(message).toContain(`there is no control plane in file:${deep}/.kill-switch: ${advice}`);
    const outcome = { feature: 'f', runId: 'r', action: 'a.b', agreed: true };
    await expect(killSwitch.recordOutcome(outcome)).rejects.toThrow(advice);
  });

  test('is the one that commands act on, and they say which', async () => {
    const { above, below, path, deep, switchFolder } = project();
    expect(await above('init')).toMatchObject({ code: 0, stderr: '' });
    const killed = await below('kill', 'all', '--wait', '0');
    expect(killed).toMatchObject({
      code: 0,
      stderr: `The switch is in file:${switchFolder}, found above this folder (--store names another).\n`,
    });
    expect((await above('kills', '--json')).json).toMatchObject({ count: 1, data: [{ target: 'all' }] });
    expect((await above('kills')).stderr).toBe('1 active kill, newest first:\n');
    const status = await below('status');
    expect(status.stdout).toContain(`file:${switchFolder}, organization default, epoch 2`);
    const refused = await below('revive', 'agent:x', '--reason', 'r', '--json');
    expect(refused.json.detail).toContain(`Store: file:${switchFolder}, organization default`);
    expect(existsSync(join(deep, '.kill-switch'))).toBe(false);
    expect(existsSync(join(path, 'packages/.kill-switch'))).toBe(false);
  });

  test('keeps init from making a second one below it, unless that is named; then the nearest one counts', async () => {
    const { above, below, at, deep, switchFolder } = project();
    await above('init');
    const refused = await below('init');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `Commands in this folder act on file:${switchFolder}, 3 folders up, which has a control plane of the organization "default" already.`,
    );
    expect(refused.stderr).toContain('from then on: kill-switch init --store file:.kill-switch\n');
    expect((await below('init', '--json')).json).toMatchObject({ code: 'ALREADY_INITIALISED' });
    expect(existsSync(join(deep, '.kill-switch'))).toBe(false);
    expect((await below('init', '--store', 'file:.kill-switch')).code).toBe(0);
    const own = await below('kill', 'all', '--wait', '0', '--json');
    expect(own).toMatchObject({ code: 0, stderr: '' });
    expect((await at('packages')('kills', '--json')).json.count).toBe(0);
  });

  test('that was wiped is not passed over for another one further up, and is begun again only where it is named', async () => {
    const { above, at, path } = project();
    await above('init');
    const wiped = join(path, 'packages/.kill-switch');
    mkdirSync(wiped);
    const mailer = at('packages/mailer');
    const killed = await mailer('kill', 'all');
    expect(killed.code).toBe(1);
    expect(killed.stderr).toContain(`There is no control plane of the organization "default" in file:${wiped}, so`);
    expect(killed.stderr).toContain(`To create a new one here: kill-switch --store file:${wiped} init.`);
    const init = await mailer('init', '--json');
    expect(init).toMatchObject({ code: 1, json: { code: 'INVALID_STATE' } });
    expect(init.json.detail).toContain(`To create one there: kill-switch init --store file:${wiped}.`);
    expect((await above('kills', '--json')).json.count).toBe(0);
  });

  test('is not looked for where the store is named, by option or by variable', async () => {
    const { above, below, path } = project();
    await above('init');
    expect((await below('kill', 'all', '--store', 'file:.kill-switch')).code).toBe(1);
    const env = { KILL_SWITCH_STORE: 'file:.kill-switch' };
    expect((await run(['kill', 'all'], { cwd: join(path, 'packages'), env })).code).toBe(1);
    expect((await above('kills', '--json')).json.count).toBe(0);
  });

  test.skipIf(uid !== 0)(
    'of another user, or one that everybody may change, counts only where it is named',
    async () => {
      const { above, below, at, switchFolder } = project();
      await above('init');
      for (const [spoil, mend, why] of [
        [
          () => chownSync(switchFolder, 4711, 4711),
          () => chownSync(switchFolder, 0, 0),
          'belongs to another user (uid 4711)',
        ],
        [() => chmodSync(switchFolder, 0o777), () => chmodSync(switchFolder, 0o755), 'everybody may write in it'],
      ] as const) {
        spoil();
        for (const args of [['kill', 'all'], ['status'], ['init']]) {
          const refused = await below(...args, '--json');
          expect(refused).toMatchObject({ code: 1, json: { code: 'NOT_PERMITTED' } });
          expect(refused.json.detail).toContain(why);
          expect(refused.json.detail).toContain(`add: --store file:${switchFolder}`);
        }
        expect((await below('kill', 'all', '--wait', '0', '--store', `file:${switchFolder}`)).code).toBe(0);
        expect((await at('.')('kills')).code).toBe(0); // whoever stands in its own folder means it
        expect((await below('init', '--store', 'file:.kill-switch')).code).toBe(0);
        rmSync(join(switchFolder, '../packages/mailer/src/.kill-switch'), { recursive: true });
        mend();
      }
    },
  );
});

describe('the nearest folder of a switch', () => {
  const { path } = temporaryFolder('nearest');
  const deep = join(path, 'a/b');
  const here = join(path, '.kill-switch');
  mkdirSync(deep, { recursive: true });
  mkdirSync(here);

  test('is here or above, and none where the file system ends', () => {
    expect(findFolder(path, ME)).toEqual({ directory: here, up: 0 });
    expect(findFolder(deep, ME)).toEqual({ directory: here, up: 2 });
    expect(findFolder('/proc/self', ME)).toBeNull(); // another file system than /
    expect(findFolder(join(path, 'gone'), ME)).toBeNull();
  });

  test('may be a link, also to what is gone, and is no file of that name', () => {
    const linked = join(path, 'linked');
    mkdirSync(join(linked, 'c'), { recursive: true });
    symlinkSync(here, join(linked, '.kill-switch'));
    expect(findFolder(join(linked, 'c'), ME)).toEqual({ directory: join(linked, '.kill-switch'), up: 1 });
    rmSync(join(linked, '.kill-switch'));
    symlinkSync(join(path, 'not mounted'), join(linked, '.kill-switch'));
    expect(findFolder(join(linked, 'c'), ME)).toEqual({ directory: join(linked, '.kill-switch'), up: 1 });
    rmSync(join(linked, '.kill-switch'));
    symlinkSync('/dev/null', join(linked, '.kill-switch'));
    expect(findFolder(join(linked, 'c'), ME)).toEqual({ directory: here, up: 2 });
  });

  test.skipIf(uid !== 0)('belongs to this user, to root, or to whoever has become root by sudo', () => {
    const found = { directory: here, up: 2 };
    const stranger = /belongs to another user \(uid 4711\)/;
    expect(findFolder(deep, { uid: 4711, sudoUid: null })).toEqual(found);
    chownSync(here, 4711, 4711);
    expect(() => findFolder(deep, { uid: 0, sudoUid: null })).toThrow(stranger);
    expect(findFolder(deep, { uid: 0, sudoUid: 4711 })).toEqual(found);
    expect(findFolder(deep, { uid: 4711, sudoUid: null })).toEqual(found);
    expect(() => findFolder(deep, { uid: 4712, sudoUid: 4711 })).toThrow(stranger);
    expect(findFolder(deep, null)).toEqual(found); // a system without numeric users
    expect(findFolder(path, ME)).toEqual({ directory: here, up: 0 });
    chownSync(here, 0, 0);
    // Whoever made a link could turn it to another folder.
    const link = join(path, 'a/.kill-switch');
    symlinkSync(here, link);
    expect(findFolder(deep, ME)).toEqual({ directory: link, up: 1 });
    lchownSync(link, 4711, 4711);
    expect(() => findFolder(deep, ME)).toThrow(stranger);
  });
});
