import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newestTexts } from '../../../store/reports.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { fileName } from '../../../store/file/paths.ts';
import { kill } from '../../../testing/store/session.ts';
import { openFileHarness, openSession } from './harness.ts';

/** A control plane with one executor that has confirmed, and the folders of its reports. */
async function live() {
  const { session, log, directory } = await openSession();
  const control = await session.initialised();
  const { head } = await kill(control, 'run:0');
  const executor = session.executor({ id: 'honest' });
  await executor.confirm(head);
  return { session, control, head, executor, directory, folder: dirname(log).replace('/control/', '/executors/') };
}

async function livePlane() {
  const harness = await openFileHarness();
  const plane = await openControlPlane({ store: harness.controlStore, operator: { id: 'dana' } });
  onTestFinished(async () => {
    await plane.close();
    await harness.dispose();
  });
  await plane.init();
  return { ...harness, plane, folder: join(harness.directory, 'executors', 'default') };
}

test('a link in place of the reports of forks leads recover to no other files', async () => {
  const { plane, folder, directory } = await livePlane();
  const valuables = join(directory, '..', 'valuables');
  mkdirSync(valuables);
  writeFileSync(join(valuables, 'package.json'), '{}');
  rmSync(join(folder, 'forks'), { recursive: true });
  symlinkSync(valuables, join(folder, 'forks'));
  await plane.recover({ reason: 'looked at it' });
  expect(readdirSync(valuables)).toEqual(['package.json']);
  await expect(plane.forgetExecutor('package')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(readdirSync(valuables)).toEqual(['package.json']);

  renameSync(folder, `${folder}.away`);
  symlinkSync(valuables, folder);
  mkdirSync(join(valuables, 'forks'));
  writeFileSync(join(valuables, 'forks', 'x.json'), '{}');
  await plane.recover({ reason: 'looked at it again' });
  expect(existsSync(join(valuables, 'forks', 'x.json'))).toBe(true);
  expect((await plane.status()).executors).toMatchObject([
    { state: 'silent', problem: expect.stringContaining('is not a folder of its own') },
  ]);
});

/** What may be put in place of a report: everything that does not open, read or remove like a regular file. */
const STRANGE: ReadonlyArray<readonly [string, (path: string) => unknown, string]> = [
  ['a named pipe', (path) => execFileSync('mkfifo', [path]), 'a named pipe is in its place'],
  ['a folder', (path) => mkdirSync(path), 'a folder is in its place'],
  ['a symbolic link', (path) => symlinkSync('/etc/hostname', path), 'a symbolic link is in its place'],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path), 'a symbolic link is in its place'],
  ['12 MB', (path) => writeFileSync(path, 'x'.repeat(12_000_000)), 'it has 12000000 bytes, more than'],
  ['a socket', listening, 'a socket is in its place'],
  ['a second name of another file', hardLink, 'it has 2 names (hard links)'],
];

function hardLink(path: string): void {
  writeFileSync(`${path}.other`, '{}');
  linkSync(`${path}.other`, path);
}

async function listening(path: string): Promise<void> {
  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
}

test.each(STRANGE)(
  '%s in place of a beat is shown as a silent executor, holds nobody up, and can be forgotten',
  async (_, put, problem) => {
    const { plane, folder } = await livePlane();
    mkdirSync(join(folder, 'beats'), { recursive: true });
    await put(join(folder, 'beats', 'odd.json'));
    for (const target of ['run:1', 'run:2', 'run:3']) {
      const { acknowledgements } = await plane.kill({ target });
      expect(acknowledgements.problem).toBeUndefined();
      expect(acknowledgements.executors).toMatchObject([
        { id: 'odd', state: 'silent', problem: expect.stringContaining(problem) },
      ]);
    }
    await plane.forgetExecutor('odd');
    expect((await plane.status()).executors).toEqual([]);
  },
);

test.each(STRANGE)('%s in place of a report of a fork stops nobody', async (_, put) => {
  const { head, executor, folder } = await live();
  const forks = join(folder, 'forks');
  await put(join(forks, `${fileName(head.generation)}.odd.json`));
  expect(await executor.confirm(head)).toEqual({ head, events: [], forkReported: false });
});

test.each(STRANGE)('%s in place of other reports is passed over', async (_, put) => {
  const { control, executor, folder } = await live();
  for (const name of ['surfaces', 'checkpoints', 'interventions', 'seen'])
    mkdirSync(join(folder, name), { recursive: true });
  await put(join(folder, 'surfaces', 'odd.json'));
  await put(join(folder, 'checkpoints', 'r-1.json'));
  await put(join(folder, 'interventions', 'odd.jsonl'));
  await put(join(folder, 'seen', 'odd.jsonl'));
  await executor.connection.shelf.put('surfaces', 'honest', '[]');
  await executor.connection.shelf.appendInterventions(['{"at":"2026-01-01T00:00:00.000Z"}']);
  await executor.connection.shelf.appendSeen(['{"at":"2026-01-01T00:00:00.000Z"}']);
  expect(await control.shelf.all('surfaces')).toContainEqual(expect.objectContaining({ id: 'honest', text: '[]' }));
  for (const kind of ['interventions', 'seen'] as const)
    expect(await newestTexts(control.shelf, kind, 10)).toContainEqual(
      expect.objectContaining({ text: '{"at":"2026-01-01T00:00:00.000Z"}' }),
    );
  expect(await executor.connection.shelf.get('checkpoints', 'r-1')).toMatch(/^\(/);
});

test('an executor writes through no link, wherever one is put', async () => {
  const { executor, head, folder, directory } = await live();
  const valuable = join(directory, 'valuable.txt');
  writeFileSync(valuable, 'before');
  const interventions = join(folder, 'interventions');
  const { shelf } = executor.connection;
  await shelf.appendInterventions(['{"a":1}']);
  for (const put of [symlinkSync, linkSync]) {
    const [name = ''] = readdirSync(interventions);
    rmSync(join(interventions, name));
    put(valuable, join(interventions, name));
    await shelf.appendInterventions(['{"a":2}']);
    const other = readdirSync(interventions).find((one) => one !== name) ?? '';
    expect(readFileSync(join(interventions, other), 'utf8')).toBe('{"a":2}\n');
    rmSync(join(interventions, name));
  }
  rmSync(join(folder, 'beats', 'honest.json'));
  symlinkSync(valuable, join(folder, 'beats', 'honest.json'));
  await executor.confirm(head);
  expect(readFileSync(valuable, 'utf8')).toBe('before');

  const elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  rmSync(join(folder, 'beats'), { recursive: true });
  symlinkSync(elsewhere, join(folder, 'beats'));
  await expect(executor.confirm(head)).rejects.toMatchObject({ code: 'CORRUPT' });
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('of too many reports some are not read, and that is shown', async () => {
  const { control, folder } = await live();
  spawnSync('sh', ['-c', `cd "${join(folder, 'beats')}" && for n in $(seq 1 12000); do : > x$n.json; done`]);
  const beats = await control.executors();
  expect(beats.length).toBeLessThan(10);
  expect(beats.at(-1)).toMatchObject({ problem: expect.stringMatching(/ \d+ that were not read$/) });
});

test('no append waits for reports to be read', async () => {
  const { control, folder } = await live();
  spawnSync('sh', ['-c', `cd "${join(folder, 'beats')}" && for n in $(seq 1 9000); do : > x$n.json; done`]);
  const order: string[] = [];
  await Promise.all([
    control.executors().then(() => order.push('reports')),
    kill(control, 'all').then(() => order.push('kill')),
  ]);
  expect(order).toEqual(['kill', 'reports']);
});
