import { chownSync, existsSync, linkSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Head } from '../../../flags/index.ts';
import { ForkJudge } from '../../../store/file/fork-judge.ts';
import { fileName, filePaths } from '../../../store/file/paths.ts';
import { everybodys } from './everybodys.ts';
import { ANN, as, BOB, EVE, ofUsers, report, WHY_NOT } from './users.ts';

type Store = Awaited<ReturnType<typeof everybodys>>;

/**
 * Ann has acknowledged the kill. Then a backup without it is restored: Ann reports that, and Bob, a new executor, must
 * stop.
 */
async function loseTheKill({ plane, held, directory, restore }: Store, umask?: string) {
  const ann = { directory, name: 'ann', ...(umask !== undefined && { umask }) };
  expect(report(ANN, ann, ['confirm', held])).toMatchObject([{ head: held, events: [], forkReported: false }]);
  await restore();
  const { head } = await plane.status();
  const fork = { against: head.generation, held };
  report(ANN, ann, ['confirm', held, fork]);
  return { head, bob: () => report(BOB, { directory, name: 'bob' }, ['confirm', head])[0] };
}

/** What another user may put where older versions had a folder for each generation. */
const SQUATS: readonly (readonly string[])[] = [
  ['touch'],
  ['mkfifo'],
  ['mkdir', '-m', '0755'],
  ['mkdir', '-m', '0000'],
  ['ln', '-s', '/etc'],
];

describe.skipIf(WHY_NOT !== null)(ofUsers('an executor of a malicious user'), () => {
  test.each(SQUATS)(
    'hides no lost change with “%s” where executors look for reports, and stops nobody',
    async (...squat) => {
      const store = await everybodys();
      const { plane, held, forks } = store;
      expect(as(EVE, ...squat, join(forks, fileName(held.generation)))).toMatchObject({ status: 0 });
      const { bob } = await loseTheKill(store);
      expect(bob()).toMatchObject({ forkReported: true });
      expect(await plane.status()).toMatchObject({
        forks: [{ executor: 'ann', known_as: [`uid ${ANN}`, 'ann'], held }],
      });
    },
  );

  test.each(['', 'beats', 'forks'])(
    'that is the first to make executors/default/%s is named in the error, and no executor reports, acknowledges or goes on there',
    async (kind) => {
      const { plane, held, folder, directory } = await everybodys();
      // as older versions left it: the first executor that reports makes it
      rmSync(join(folder, kind), { recursive: true });
      expect(as(EVE, 'mkdir', '-m', '1777', join(folder, kind))).toMatchObject({ status: 0 });
      const message = expect.stringMatching(/ belongs to uid 64003, who is no operator of this store .* \(chown 0\)/);
      expect(report(ANN, { directory, name: 'ann' }, ['confirm', held])).toEqual([{ code: 'CORRUPT', message }]);
      expect(existsSync(join(folder, 'beats', 'ann.json'))).toBe(false);
      expect(await plane.status()).toMatchObject({
        executors: kind === 'forks' ? [] : [{ state: 'silent', problem: message }],
        forks: kind === 'beats' ? [] : [{ executor: message, held: null }],
      });
      as(0, 'chown', '0', join(folder, kind));
      await plane.kill({ target: 'agent:other' });
      expect(report(ANN, { directory, name: 'ann' }, ['confirm', held])).toMatchObject([{ events: [{}] }]);
      expect(await plane.status()).toMatchObject({ executors: [{ name: 'ann' }], forks: [] });
    },
  );

  test('makes no folder that other users would have to trust: the next change by an operator makes it', async () => {
    const { plane, held, folder, directory } = await everybodys();
    for (const gone of [join(folder, 'forks'), join(folder, 'beats'), folder]) {
      rmSync(gone, { recursive: true });
      const [answer] = report(ANN, { directory, name: 'ann' }, ['confirm', held]);
      expect(answer).toEqual({
        code: 'STORE_UNREACHABLE',
        message: expect.stringContaining(' is not there, so nothing'),
      });
      expect(existsSync(gone)).toBe(false);
      await plane.kill({ target: `agent:${gone.length}` });
      expect(report(ANN, { directory, name: 'ann' }, ['confirm', held])).toMatchObject([{ forkReported: false }]);
    }
  });

  test('cannot take the place of a report that others will make', async () => {
    const store = await everybodys();
    const { directory, held, forks } = store;
    report(ANN, { directory, name: 'ann' }, ['confirm', held]); // from now on others know ann's id
    for (const name of ['ann', `${held.generation}.ann`, held.generation])
      expect(as(EVE, 'touch', join(forks, `${name}.json`))).toMatchObject({ status: 0 });
    as(EVE, 'mkdir', '-m', '0777', join(forks, held.generation));
    as(EVE, 'touch', join(forks, held.generation, 'ann.json'));
    expect((await loseTheKill(store)).bob()).toMatchObject({ forkReported: true });
  });

  test('a report is read whatever the umask of its executor is, and whatever other names its file has', async () => {
    const store = await everybodys();
    const { bob } = await loseTheKill(store, '077');
    const forks = join(store.folder, 'forks');
    const [name] = readdirSync(forks).filter((one) => one.endsWith('.json'));
    expect(statSync(join(forks, name ?? '')).mode & 0o777).toBe(0o644);
    linkSync(join(forks, name ?? ''), join(store.directory, 'another-name'));
    expect(bob()).toMatchObject({ forkReported: true });
  });
});

test('an executor’s report of a fork counts, and status shows it, also when its beat is gone', async () => {
  const { plane, held, forks, restore, store } = await everybodys();
  await restore();
  const { head } = await plane.status();
  const report = JSON.stringify({ against: head.generation, held, id: 'old', name: 'old' });
  writeFileSync(join(forks, `${fileName(head.generation)}.0.json`), report);
  const newcomer = store.open({
    organizationId: 'default',
    executorId: 'n',
    executorName: 'n',
    requestTimeoutMs: 9000,
  });
  expect(await newcomer.confirm(beatOf('n', head), 'n')).toMatchObject({ forkReported: true });
  expect(await plane.status()).toMatchObject({ forks: [{ executor: 'old', held }] });
  await newcomer.close();
  await plane.recover({ reason: 'looked at it' });
  expect(readdirSync(forks)).toEqual([]);
});

test('status judges reports as executors do: a flood stops everyone, and a beat alone stops nobody', async () => {
  const { plane, held, forks, restore, folder, store } = await everybodys();
  await restore();
  const { head } = await plane.status();
  const fork = { against: head.generation, held };
  writeFileSync(join(folder, 'beats', 'odd.json'), JSON.stringify({ ...beatOf('odd', head), fork }));
  expect(await plane.status()).toMatchObject({
    forks: [],
    ignored_forks: [{ executor: 'odd', why: expect.stringContaining('only its beat says so') }],
  });
  for (let index = 0; index < 1001; index += 1) writeFileSync(join(forks, `${head.generation}.${index}.json`), '');
  const newcomer = store.open({
    organizationId: 'default',
    executorId: 'n',
    executorName: 'n',
    requestTimeoutMs: 9000,
  });
  expect(await newcomer.confirm(beatOf('n', head), 'n')).toMatchObject({ forkReported: true });
  const uid = `uid ${process.getuid?.()}`;
  expect((await plane.status()).forks).toEqual([
    { executor: `${uid} has more files in ${forks} than are read`, known_as: [uid], held: null },
  ]);

  await plane.recover({ reason: 'it floods', exclude: [uid] });
  const after = (await plane.status()).head;
  for (let index = 0; index < 1001; index += 1) writeFileSync(join(forks, `${after.generation}.${index}.json`), '');
  expect(await newcomer.confirm(beatOf('n', after), 'n')).toMatchObject({ forkReported: false });
  await newcomer.close();
  expect(await plane.status()).toMatchObject({
    forks: [],
    ignored_forks: [{ executor: uid, why: 'an operator has said not to believe it' }],
  });
});

test.skipIf(process.getuid?.() !== 0)('one user’s lies do not keep another’s report from being judged', async () => {
  const { plane, forks, held } = await everybodys();
  const asked: string[] = [];
  const judge = new ForkJudge(filePaths(dirname(dirname(dirname(forks))), 'default'), {
    head: held,
    known: { generations: [held.generation] },
    recent: () => null, // the head is older than the events at hand
    search: async ({ hash }) => asked.push(hash) > 0 && !hash.startsWith('f'),
  });
  const put = (owner: number, digit: string): void => {
    const path = join(forks, `${held.generation}.${owner}${digit}.json`);
    writeFileSync(
      path,
      JSON.stringify({ against: held.generation, held: { ...held, hash: digit.repeat(64) }, name: 'x' }),
    );
    chownSync(path, owner, owner);
  };
  for (const digit of ['1', '2', '3']) put(EVE, digit);
  expect(await judge.proven()).toBe(false);
  expect(asked).toHaveLength(1); // a long log is not searched again and again
  put(ANN, 'f');
  expect(await judge.proven()).toBe(true);
  await plane.settled();
});

const beatOf = (id: string, applied: Head | null) => ({
  ...{
    id,
    name: id,
    host: '',
    pid: 1,
    version: '0',
    started_at: new Date().toISOString(),
    at: new Date().toISOString(),
  },
  ...{ lease_ms: 5000, applied, in_flight: 0, draining: 0, agents: [], runs: [], fork: null },
});
