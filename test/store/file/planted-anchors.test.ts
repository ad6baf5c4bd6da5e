import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { everybodys } from './everybodys.ts';
import { ANN, as, BOB, EVE, ofUsers, report, WHY_NOT } from './users.ts';

const STARTER = fileURLToPath(new URL('starter.mjs', import.meta.url));

/** No home, or a new one of that user's, as in a new container. */
const NOWHERE = '/nonexistent';

/** What an executor of that user decides after its start. */
function start(user: number, directory: string, home: string, name = 'mailer'): { code: string; message: string } {
  const { stdout, stderr } = as(user, 'env', `HOME=${home}`, process.execPath, STARTER, directory, name);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { code: string; message: string };
}

function folderOf(user: number): string {
  const folder = temporaryFolder('home');
  onTestFinished(() => folder.remove());
  chownSync(folder.path, user, user);
  chmodSync(folder.path, 0o755);
  return folder.path;
}

/**
 * A switch in which every user may report. Eve's reports are excluded, and she has put this where anchors might be
 * looked for.
 */
async function withPlanted(text: (store: Awaited<ReturnType<typeof everybodys>>) => string) {
  const store = await everybodys();
  await store.plane.recover({ reason: 'Eve lies', exclude: [`uid ${EVE}`] });
  const anchors = join(store.folder, 'anchors');
  mkdirSync(anchors, { recursive: true });
  chmodSync(anchors, 0o1777);
  const { head } = await store.plane.status();
  const generations = [store.held.generation, head.generation];
  const forged = { head: { ...head, epoch: head.epoch + 1, hash: 'ab'.repeat(32) }, generations };
  for (const name of ['mailer', `mailer.${ANN}`, `mailer.${BOB}`, 'mailer.0'])
    as(
      EVE,
      'sh',
      '-c',
      `printf %s "$1" > "$2"`,
      'sh',
      text(store) || JSON.stringify(forged),
      join(anchors, `${name}.json`),
    );
  return { ...store, anchors };
}

const PLANTED = [
  ['forged', () => ''],
  ['unreadable', () => 'junk'],
] as const;

describe.skipIf(WHY_NOT !== null)(ofUsers('an anchor that another user has planted'), () => {
  test.each(PLANTED)('stops neither an executor that starts with a new home nor anybody else (%s)', async (_, text) => {
    const { directory, plane } = await withPlanted(text);
    expect(start(ANN, directory, folderOf(ANN))).toEqual({ code: 'ready', message: '' });
    expect(start(0, directory, folderOf(0))).toEqual({ code: 'ready', message: '' });
    expect(await plane.status()).toMatchObject({ forks: [] });
    expect(start(BOB, directory, folderOf(BOB), 'bystander')).toEqual({ code: 'ready', message: '' });
  });

  test.each(PLANTED)(
    'is not believed by an executor without a home either, which says what it needs (%s)',
    async (_, text) => {
      const { directory, plane, anchors } = await withPlanted(text);
      const planted = readdirSync(anchors);
      const { code, message } = start(ANN, directory, NOWHERE);
      expect(code).toBe('ANCHOR_UNUSABLE');
      expect(message).toContain('the option `anchor`');
      expect(message).toContain('XDG_STATE_HOME');
      expect(await plane.status()).toMatchObject({ forks: [] });
      expect(readdirSync(anchors)).toEqual(planted);
      expect(start(BOB, directory, folderOf(BOB))).toEqual({ code: 'ready', message: '' });
    },
  );
});

describe.skipIf(WHY_NOT !== null)(ofUsers('an executor without a home'), () => {
  /** A switch that belongs to Ann alone. */
  async function anns() {
    const store = await everybodys();
    rmSync(join(store.directory, 'executors'), { recursive: true });
    await store.plane.kill({ target: 'agent:other' });
    as(0, 'chown', '-R', `${ANN}:${ANN}`, store.directory);
    return store;
  }

  test('keeps its anchor in a store in which nobody else may write, and recognises a restored log', async () => {
    const { directory, restore, folder } = await anns();
    expect(start(ANN, directory, NOWHERE)).toEqual({ code: 'ready', message: '' });
    expect(start(ANN, directory, NOWHERE)).toEqual({ code: 'ready', message: '' });
    const [name = ''] = readdirSync(join(folder, 'anchors'));
    expect(statSync(join(folder, 'anchors', name))).toMatchObject({ uid: ANN });
    await restore();
    as(0, 'chown', '-R', `${ANN}:${ANN}`, directory);
    expect(start(ANN, directory, NOWHERE)).toMatchObject({ code: 'GENERATION_CHANGED' });
  });

  test.each(['.', 'executors', 'executors/default', 'executors/default/anchors'])(
    'keeps no anchor where others may write in %s',
    async (shared) => {
      const { directory } = await anns();
      expect(start(ANN, directory, NOWHERE)).toEqual({ code: 'ready', message: '' });
      for (const mode of [0o775, 0o757, 0o1777]) {
        chmodSync(join(directory, shared), mode);
        const { code, message } = start(ANN, directory, NOWHERE);
        expect(code).toBe('ANCHOR_UNUSABLE');
        expect(message).toContain(`others may write in ${join(directory, shared)}`);
      }
    },
  );

  test('believes no other user’s file there, and no link', async () => {
    const { directory, folder } = await anns();
    expect(start(ANN, directory, NOWHERE)).toMatchObject({ code: 'ready' });
    const anchors = join(folder, 'anchors');
    const file = join(anchors, readdirSync(anchors)[0] ?? '');
    chownSync(file, EVE, EVE);
    expect(start(ANN, directory, NOWHERE)).toMatchObject({
      code: 'ANCHOR_UNUSABLE',
      message: expect.stringContaining(`${file} belongs to uid ${EVE}`),
    });
    chownSync(file, ANN, ANN);
    expect(start(ANN, directory, NOWHERE)).toMatchObject({ code: 'ready' });
    as(0, 'mv', file, `${file}.moved`);
    as(0, 'ln', '-s', `${file}.moved`, file);
    expect(start(ANN, directory, NOWHERE)).toMatchObject({ code: 'ANCHOR_UNUSABLE' });
  });
});

describe.skipIf(WHY_NOT !== null)(ofUsers('another user’s state directory'), () => {
  test('is neither believed nor written by root, to whom sudo may give it', async () => {
    const { directory, plane, held } = await everybodys();
    const home = folderOf(ANN);
    const made = join(home, '.local/state/openfeature-kill-switch');
    expect(start(0, directory, home)).toMatchObject({
      code: 'ANCHOR_UNUSABLE',
      message: expect.stringContaining(`belongs to uid ${ANN}`),
    });
    expect(existsSync(join(home, '.local'))).toBe(false);
    expect(start(ANN, directory, home)).toEqual({ code: 'ready', message: '' });

    // Ann's anchor says that root has seen a change that was lost.
    const [own = ''] = readdirSync(made);
    const { head } = await plane.status();
    const forged = { ...head, epoch: head.epoch + 1, hash: 'ab'.repeat(32) };
    writeFileSync(join(made, own), JSON.stringify({ head: forged, generations: [held.generation] }));
    expect(start(0, directory, home)).toMatchObject({ code: 'ANCHOR_UNUSABLE' });
    expect(report(BOB, { directory, name: 'bob' }, ['confirm', head])).toMatchObject([{ forkReported: false }]);
  });

  test('is not used where others may write in it, and one user’s anchor is not in the way of another', async () => {
    const { directory } = await everybodys();
    const state = folderOf(0);
    chmodSync(state, 0o1777);
    const at = (user: number) => {
      const command = [`XDG_STATE_HOME=${state}`, process.execPath, STARTER, directory, 'mailer'];
      return JSON.parse(as(user, 'env', ...command).stdout) as { code: string; message: string };
    };
    const folder = join(state, 'openfeature-kill-switch');
    expect(at(ANN)).toMatchObject({ code: 'ready' });
    expect(at(BOB)).toMatchObject({
      code: 'ANCHOR_UNUSABLE',
      message: expect.stringContaining(`${folder} belongs to uid ${ANN}`),
    });
    chmodSync(folder, 0o770);
    expect(at(ANN)).toMatchObject({
      code: 'ANCHOR_UNUSABLE',
      message: expect.stringContaining(`others may write in ${folder}`),
    });
  });

  test('keeps no operator from making or recovering a control plane', async () => {
    const { directory, plane } = await everybodys();
    const home = folderOf(ANN);
    expect(start(ANN, directory, home)).toMatchObject({ code: 'ready' });
    await plane.close();
    rmSync(directory, { recursive: true });
    const before = process.env['XDG_STATE_HOME'];
    onTestFinished(() => {
      process.env['XDG_STATE_HOME'] = before;
    });
    process.env['XDG_STATE_HOME'] = join(home, '.local/state');
    const again = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
    onTestFinished(() => again.close());
    await again.init();
  });
});
