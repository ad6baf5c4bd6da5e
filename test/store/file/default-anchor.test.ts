import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { connectExecutor } from '../../../store/connect-executor.ts';
import { temporaryFolder } from '../../servers/index.ts';

let folder: string;
let state: string;
let directory: string;
beforeEach(() => {
  const temporary = temporaryFolder('default-anchor');
  const before = process.env['XDG_STATE_HOME'];
  onTestFinished(() => {
    process.env['XDG_STATE_HOME'] = before;
    temporary.remove();
  });
  folder = temporary.path;
  [state, directory] = [join(folder, 'state'), join(folder, 'switch')];
  process.env['XDG_STATE_HOME'] = state;
});

async function live(): Promise<ControlPlane> {
  const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  await control.init();
  return control;
}

/** What an executor decides after its start; it has been closed then. */
async function start(executorName = 'mailer', organizationId = 'default'): Promise<string> {
  const { replica } = connectExecutor({
    store: fileStore({ directory }),
    organizationId,
    executorName,
    leaseMs: 60_000,
  });
  await replica.start();
  const code = replica.fault()?.code ?? 'ready';
  await replica.close();
  return code;
}

const inState = (): string[] => (existsSync(state) ? readdirSync(join(state, 'openfeature-kill-switch')) : []);
const inStore = (): string => join(directory, 'executors/default/anchors');

test('restoring the whole folder does not restore the anchor, so an executor recognises the backup', async () => {
  const control = await live();
  expect(await start()).toBe('ready');
  cpSync(directory, join(folder, 'backup'), { recursive: true });
  await control.kill({ target: 'agent:x' });
  expect(await start()).toBe('ready');
  await control.close();
  rmSync(directory, { recursive: true });
  cpSync(join(folder, 'backup'), directory, { recursive: true });
  expect(await start()).toBe('GENERATION_CHANGED');
});

test('each executor name, organisation and store has an anchor of its own, and ids may be long', async () => {
  await live();
  const long = 'ü'.repeat(150);
  for (const name of ['mailer', 'pricer', long]) expect(await start(name)).toBe('ready');
  await start('mailer', 'other');
  directory = join(folder, 'second');
  await live();
  expect(await start()).toBe('ready');
  expect(inState()).toHaveLength(4);
});

test('without a state directory the anchor is in the store, and an anchor there is ignored once there is one', async () => {
  await live();
  execFileSync('chmod', ['-R', 'go-w', directory]); // whatever the umask is
  process.env['XDG_STATE_HOME'] = '/dev/null/nowhere'; // as for a user without a home
  expect(await start()).toBe('ready');
  const [name = ''] = readdirSync(inStore());
  writeFileSync(join(inStore(), name), '{"head":');
  expect(await start()).toBe('ANCHOR_UNUSABLE');
  process.env['XDG_STATE_HOME'] = state;
  expect(await start()).toBe('ready');
});

test('an anchor in the state directory that cannot be read stops the executor, and none is made in the store', async () => {
  await live();
  expect(await start()).toBe('ready');
  const [name = ''] = inState();
  writeFileSync(join(state, 'openfeature-kill-switch', name), '{"head":');
  expect(await start()).toBe('ANCHOR_UNUSABLE');
  expect(existsSync(inStore())).toBe(false);
});

test('after the whole folder was removed init is refused while an executor remembers the old log, and recover is not', async () => {
  const control = await live();
  await control.kill({ target: 'agent:x' });
  expect(await start()).toBe('ready');
  await control.close();
  rmSync(directory, { recursive: true });

  const open = async (organizationId = 'default', at = directory): Promise<ControlPlane> => {
    const store = fileControlStore({ directory: at });
    const plane = await openControlPlane({ store, organizationId, operator: { id: 'dana' } });
    onTestFinished(() => plane.close());
    return plane;
  };
  const again = await open();
  await expect(again.init()).rejects.toMatchObject({ code: 'RECOVER_REQUIRED' });
  expect(existsSync(join(directory, 'control/default/log.jsonl'))).toBe(false);
  await (await open('other')).init(); // no executor remembers this one
  await (await open('default', join(folder, 'elsewhere'))).init();
  expect(await start()).toBe('GENERATION_CHANGED');
  const { epoch, given_up } = await again.recover({ reason: 'looked at it' });
  expect({ epoch, given_up }).toMatchObject({ epoch: 3, given_up: [{ epoch: 2 }] });
  expect(await start()).toBe('ready');
});
