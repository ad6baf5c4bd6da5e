import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newestTexts } from '../../../store/reports.ts';
import { everybodys } from './everybodys.ts';
import { openSession } from './harness.ts';
import { ANN, as, EVE, ofUsers, report, WHY_NOT } from './users.ts';

const RECORD = (id: string): string =>
  JSON.stringify({ id, at: `2026-01-0${id.at(-1)}T00:00:00.000Z`, note: 'x'.repeat(60), by: 'ann' });

/** How another user may take a name before its executor does: a line of shell, with the name as `$1`. */
const TAKEN: readonly (readonly [string, string])[] = [
  ['a file', `echo '{"id":"run-1","text":"forged"}' > "$1"`],
  ['a link to a file', 'echo forged > "$1.x"; ln -s "$1.x" "$1"'],
  ['a link to nothing', 'ln -s /nowhere/at/all "$1"'],
  ['a second name of a file', 'echo forged > "$1.x"; ln "$1.x" "$1"'],
  ['a named pipe', 'mkfifo "$1"'],
  ['a folder', 'mkdir -m 0700 "$1"; touch "$1/x"'],
];

async function scene() {
  const { plane, folder, directory, held, controlStore } = await everybodys();
  const control = controlStore.open({ organizationId: 'default', requestTimeoutMs: 10_000 });
  const take = (command: string, path: string): void =>
    expect(as(EVE, 'sh', '-c', command, 'sh', join(folder, path))).toMatchObject({ status: 0 });
  const ann = (...steps: readonly unknown[][]): readonly unknown[] => report(ANN, { directory, name: 'ann' }, ...steps);
  const ofAnn = <T extends { readonly writer?: string }>(kept: readonly T[]): readonly T[] =>
    kept.filter(({ writer }) => writer === `uid ${ANN}`);
  return { plane, folder, control, take, ann, ofAnn, held };
}

describe.skipIf(WHY_NOT !== null)(ofUsers('a name that another user has taken'), () => {
  test.each(TAKEN)('%s keeps no executor from reporting, and counts for nothing', async (_, command) => {
    const { control, take, ann, ofAnn, folder } = await scene();
    for (const name of [
      'surfaces/ann.json',
      'checkpoints/run-1.json',
      'interventions/ann.jsonl',
      'proposals/ann.jsonl',
      'seen/ann.jsonl',
    ])
      take(command, name);
    expect(ann(['get', 'checkpoints', 'run-1'])).toEqual([null]);
    expect(
      ann(
        ['put', 'surfaces', 'ann', '[]'],
        ['put', 'checkpoints', 'run-1', '{"turn":1}'],
        ['put', 'checkpoints', 'run-1', '{"turn":2}'],
        ['appendInterventions', [RECORD('i-1')]],
        ['appendInterventions', [RECORD('i-2')]],
        ['appendProposals', [RECORD('p-1')]],
        ['appendSeen', [RECORD('s-1')]],
      ),
    ).toEqual([null, null, null, null, null, null, null]);
    expect(ann(['get', 'checkpoints', 'run-1'])).toEqual(['{"turn":2}']); // another process of that user

    expect(ofAnn(await control.shelf.all('surfaces'))).toMatchObject([{ id: 'ann', text: '[]' }]);
    expect(ofAnn(await control.shelf.all('checkpoints'))).toMatchObject([{ id: 'run-1', text: '{"turn":2}' }]);
    const texts = ofAnn(await newestTexts(control.shelf, 'interventions', 10)).map(({ text }) => text);
    expect(texts).toEqual([RECORD('i-1'), RECORD('i-2')]);
    expect(ofAnn(await newestTexts(control.shelf, 'proposals', 10)).map(({ text }) => text)).toEqual([RECORD('p-1')]);
    expect(ofAnn(await newestTexts(control.shelf, 'seen', 10)).map(({ text }) => text)).toEqual([RECORD('s-1')]);

    // Ann and operators can remove her reports; the file that has taken her name stays.
    expect(ann(['remove', 'checkpoints', 'run-1'], ['get', 'checkpoints', 'run-1'])).toEqual([null, null]);
    expect(readdirSync(join(folder, 'checkpoints'))).toContain('run-1.json');
    await control.forget('ann', `uid ${ANN}`);
    expect(ofAnn(await control.shelf.all('surfaces'))).toEqual([]);
    expect(readdirSync(join(folder, 'surfaces'))).toContain('ann.json');
    await control.close();
  });

  test('may be given up again, and the checkpoint that was put elsewhere is still found', async () => {
    const { control, take, ann } = await scene();
    take('touch "$1"', 'checkpoints/run-1.json');
    ann(['put', 'checkpoints', 'run-1', '{"turn":1}']);
    take('rm "$1"', 'checkpoints/run-1.json');
    expect(ann(['get', 'checkpoints', 'run-1'])).toEqual(['{"turn":1}']);
    expect(ann(['put', 'checkpoints', 'run-1', '{"turn":2}'], ['get', 'checkpoints', 'run-1'])).toEqual([
      null,
      '{"turn":2}',
    ]);
    expect(ann(['remove', 'checkpoints', 'run-1'], ['get', 'checkpoints', 'run-1'])).toEqual([null, null]);
    await control.close();
  });

  test('no number of newer checkpoints of one user pushes out those of another', async () => {
    const { control, take, ann } = await scene();
    ann(['put', 'checkpoints', 'run-1', '{"turn":1}']);
    take('for n in $(seq 1 21000); do : > "$1$n.json"; done', 'checkpoints/x');
    ann(['put', 'checkpoints', 'run-2', '{"turn":1}']); // with its first checkpoint a process removes the oldest
    expect(ann(['get', 'checkpoints', 'run-1'])).toEqual(['{"turn":1}']);
    await control.close();
  });
});

test.skipIf(WHY_NOT !== null)(
  'where others may remove a file, nothing is appended to the one that they put in its place',
  { timeout: 60_000 },
  async () => {
    for (const [, command] of TAKEN) {
      const { session, directory } = await openSession();
      const control = await session.initialised();
      const interventions = join(directory, 'executors', 'default', 'interventions');
      const { shelf } = session.executor({ id: 'honest' }).connection;
      await shelf.appendInterventions([RECORD('i-1')]);
      chmodSync(interventions, 0o777);
      const [name = ''] = readdirSync(interventions);
      const path = join(interventions, name);
      expect(as(EVE, 'sh', '-c', `rm "$1"; ${command}`, 'sh', path)).toMatchObject({ status: 0 });
      await shelf.appendInterventions([RECORD('i-2')]);
      const others = readdirSync(interventions).filter((one) => !one.startsWith(name));
      expect(others).toHaveLength(1);
      expect(readFileSync(join(interventions, others[0] ?? ''), 'utf8')).toBe(`${RECORD('i-2')}\n`);
      const texts = (await newestTexts(control.shelf, 'interventions', 10)).filter(({ writer }) => writer === 'uid 0');
      expect(texts.map(({ text }) => text)).toEqual([RECORD('i-2')]);
    }
  },
);
