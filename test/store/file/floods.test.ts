import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { newestTexts } from '../../../store/reports.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { kill } from '../../../testing/store/session.ts';
import { openSession } from './harness.ts';
import type { KeptText } from '../../../store/ports.ts';

const STRANGER = 64_003;
const isRoot = process.getuid?.() === 0;

/** What executors of another user do in the folders of a switch: a line of shell, in the folder. */
function asStranger(folder: string, command: string): void {
  chmodSync(folder, 0o1777);
  const rights = [`--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups', '--'];
  const { status, stderr } = spawnSync('setpriv', [...rights, 'sh', '-c', `cd "$1" && ${command}`, 'sh', folder], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** A control plane, an executor that has reported all there is, and the folders in which it did. */
async function live() {
  const { session, log, directory } = await openSession();
  const control = await session.initialised();
  const { head } = await kill(control, 'run:0');
  const executor = session.executor({ id: 'honest' });
  await executor.confirm(head);
  const { shelf } = executor.connection;
  await shelf.put('surfaces', 'honest', JSON.stringify([SURFACE]));
  await shelf.appendInterventions([INTERVENTION]);
  await shelf.appendProposals([INTERVENTION]);
  await shelf.appendSeen([INTERVENTION]);
  const plane = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
  onTestFinished(() => plane.close());
  const reports = dirname(log).replace('/control/', '/executors/');
  return { control, plane, directory, folder: (name: string) => join(reports, name) };
}

const SURFACE = {
  ...{ action: 'mail.send', effect: 'write', surface: 'tool', feature: null, irreversible: false },
  ...{ draft: true, redirect: true, reverse: true, limits: [], last_used: null },
};

const INTERVENTION = JSON.stringify({ id: 'i-1', at: '2026-01-01T00:00:00.000Z', note: 'x'.repeat(60) });

const textsOf = (kept: readonly KeptText[]): string[] => kept.map(({ text }) => text);

test.each(['interventions', 'proposals', 'seen'] as const)(
  'long files among %s take no more memory than the bound, and hide no records of others',
  async (kind) => {
    const { folder, directory } = await live();
    spawnSync('sh', ['-c', `cd "${folder(kind)}" && for n in $(seq 1 60); do truncate -s 32M x$n.jsonl; done`]);
    const reader = fileURLToPath(new URL('newest.mjs', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=150', reader, directory, kind], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    const { texts, peakMb } = JSON.parse(stdout) as { texts: string[]; peakMb: number };
    expect(texts).toContain(INTERVENTION);
    expect(peakMb).toBeLessThan(400);
  },
);

test('a file of empty lines, one of tiny lines and one long line are bounded too', async () => {
  const { control, folder } = await live();
  for (const [name, byte] of [
    ['ends', '\n'],
    ['tiny', '7\n'],
    ['long', 'x'],
  ] as const)
    writeFileSync(join(folder('interventions'), `${name}.jsonl`), byte.repeat((16 * 1024 * 1024) / byte.length));
  const texts = textsOf(await newestTexts(control.shelf, 'interventions', Number.MAX_SAFE_INTEGER));
  expect(texts).toContain(INTERVENTION);
  expect(texts.length).toBeLessThan(20_000);
  expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(1_100_000);
});

test('of a long file the newest records are read, and a problem says that others were not', async () => {
  const { control, folder } = await live();
  const line = (at: number): string =>
    JSON.stringify({ id: `i-${at}`, at: new Date(at * 1000).toISOString(), x: 'x'.repeat(90_000) });
  const lines = Array.from({ length: 500 }, (_, index) => line(2e9 + index));
  writeFileSync(join(folder('interventions'), 'busy.jsonl'), `${lines.join('\n')}\n`);
  const texts = textsOf(await newestTexts(control.shelf, 'interventions', 10_000));
  expect(texts.at(-1)).toBe(lines.at(-1));
  expect(texts.filter((text) => text.startsWith('(there is too much to read all of it'))).toHaveLength(1);
  // A reader that asks for fewer than were read gets no problem: nothing is missing.
  expect(textsOf(await newestTexts(control.shelf, 'interventions', 5)).filter((text) => text.startsWith('('))).toEqual(
    [],
  );
});

test('a report counts only under the id of its file’s name, whatever id it contains', async () => {
  const { plane, control, folder } = await live();
  for (let n = 0; n < 20; n += 1)
    writeFileSync(join(folder('surfaces'), `evil${n}.json`), JSON.stringify({ id: 'honest', text: '[]' }));
  expect((await plane.surfaces()).data).toMatchObject([{ action: 'mail.send', executor: 'mailer' }]);
  expect(await control.shelf.all('surfaces')).toContainEqual(
    expect.objectContaining({ id: 'honest', text: JSON.stringify([SURFACE]) }),
  );
});

test('an executor whose surfaces cannot be read is shown without any', async () => {
  const { plane, folder } = await live();
  writeFileSync(join(folder('surfaces'), 'honest.json'), 'garbage');
  expect((await plane.surfaces()).data).toMatchObject([{ action: '(unreadable report)', executor: 'mailer' }]);
  // A million values that are no actions: an error for each would fill the memory.
  writeFileSync(
    join(folder('surfaces'), 'honest.json'),
    JSON.stringify({ id: 'honest', text: `[${'{},'.repeat(1e6)}{}]` }),
  );
  expect((await plane.surfaces()).data).toMatchObject([{ action: '(unreadable report)', executor: 'mailer' }]);
});

test('a beat with a million values that are no names has one problem', async () => {
  const { control, folder } = await live();
  const path = join(folder('beats'), 'odd.json');
  const honest = JSON.parse(readFileSync(join(folder('beats'), 'honest.json'), 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...honest, id: 'odd', agents: Array.from({ length: 400_000 }, () => 0) }));
  const odd = (await control.executors()).find(({ id }) => id === 'odd');
  expect(odd).toMatchObject({ name: 'mailer', problem: 'agents: it is not a list of names' });
});

test.skipIf(!isRoot)('no number of beats and surfaces of one user hides those of another', async () => {
  const { control, plane, folder } = await live();
  for (const kind of ['beats', 'surfaces']) asStranger(folder(kind), 'for n in $(seq 1 10000); do : > x$n.json; done');
  // The stranger's newest files are read first, and this one is the oldest.
  utimesSync(join(folder('beats'), 'honest.json'), 1, 1);
  const beats = await control.executors();
  expect(beats.find(({ id }) => id === 'honest')).toMatchObject({ name: 'mailer', writer: 'uid 0' });
  expect(beats.at(-1)).toMatchObject({
    id: `uid ${STRANGER}`,
    problem: expect.stringMatching(/ \d+ that were not read$/),
  });
  expect((await plane.surfaces()).data.filter(({ executor_id }) => executor_id === 'honest')).toMatchObject([
    { action: 'mail.send' },
  ]);
});

test.skipIf(!isRoot)('no number of bytes of one user hides the reports of another', async () => {
  const { control, folder } = await live();
  asStranger(folder('beats'), 'for n in $(seq 1 100); do truncate -s 1M x$n.json; done');
  asStranger(folder('interventions'), 'for n in $(seq 1 3000); do truncate -s 1M x$n.jsonl; done');
  const beats = await control.executors();
  expect(beats.find(({ id }) => id === 'honest')).toMatchObject({ name: 'mailer' });
  expect(beats.at(-1)).toMatchObject({
    id: `uid ${STRANGER}`,
    problem: expect.stringMatching(/ \d+ that were not read$/),
  });
  const texts = textsOf(await newestTexts(control.shelf, 'interventions', 1000));
  expect(texts).toContain(INTERVENTION);
  expect(texts.some((text) => text.includes(`of uid ${STRANGER}`))).toBe(true);
});
