import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newestTexts } from '../../../store/reports.ts';
import { openSession } from './harness.ts';
import { ANN, as, BOB, ofUsers, report, WHY_NOT } from './users.ts';
import { everybodys } from './everybodys.ts';

const DAY_MS = 86_400_000;
const record = (note: string): string => JSON.stringify({ at: new Date().toISOString(), note, more: 'x'.repeat(40) });

async function live() {
  const { session, directory } = await openSession();
  const control = await session.initialised();
  const folder = join(directory, 'executors', 'default', 'seen');
  /** A file that an executor of this user left so many days ago. */
  const left = (name: string, days: number): void => {
    const at = new Date(Date.now() - days * DAY_MS);
    writeFileSync(join(folder, name), `${record(name)}\n`);
    utimesSync(join(folder, name), at, at);
  };
  return { session, control, folder, left };
}

test('what ended executors have met goes after two days, when another executor of their user begins a file', async () => {
  const { session, control, folder, left } = await live();
  left('old.jsonl', 2.1);
  left('of-a-wrong-clock.jsonl', -700);
  left('yesterday.jsonl', 1);
  left('old.txt', 9);
  const { shelf } = session.executor({ id: 'x' }).connection;
  await shelf.appendSeen([record('first')]);
  const names = readdirSync(folder);
  expect(names.filter((name) => !name.startsWith('x.')).sort()).toEqual(['old.txt', 'yesterday.jsonl']);
  left('old.jsonl', 3);
  await shelf.appendSeen([record('second')]); // in the same file: nothing is looked at
  expect(readdirSync(folder)).toContain('old.jsonl');
  const notes = (await newestTexts(control.shelf, 'seen', 10)).map(({ text }) => JSON.parse(text).note);
  expect(new Set(notes)).toEqual(new Set(['first', 'old.jsonl', 'second', 'yesterday.jsonl']));
});

test('of more files than are read the oldest go', async () => {
  const { session, folder, left } = await live();
  for (let n = 0; n < 2005; n += 1) left(`e${n}.jsonl`, 1 - n / 10_000);
  await session.executor({ id: 'x' }).connection.shelf.appendSeen([record('first')]);
  const names = readdirSync(folder);
  expect(names).toHaveLength(2000);
  expect(names).not.toContain('e5.jsonl');
  expect(names).toContain('e6.jsonl');
});

test('what one executor has met takes two files and a bounded room, however much it is', async () => {
  const { session, folder } = await live();
  const { shelf } = session.executor({ id: 'x' }).connection;
  const texts = Array.from({ length: 100 }, () => record('n'.repeat(1000)));
  for (let n = 0; n < 80; n += 1) await shelf.appendSeen(texts);
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  expect(sizes.length).toBeLessThanOrEqual(2);
  expect(Math.max(...sizes)).toBeLessThan(1.3 * 1024 * 1024);
});

test.skipIf(WHY_NOT !== null)(ofUsers('files of another user stay'), async () => {
  const { folder, directory } = await everybodys();
  const seen = join(folder, 'seen');
  const old = as(ANN, 'sh', '-c', 'cd "$1" && echo x > old.jsonl && touch -d "9 days ago" old.jsonl', 'sh', seen);
  expect(old).toMatchObject({ status: 0 });
  const [answer] = report(BOB, { directory, name: 'bob' }, ['appendSeen', [record('bob')]]);
  expect(answer).toBeNull();
  expect(readdirSync(seen)).toContain('old.jsonl');
  report(ANN, { directory, name: 'ann' }, ['appendSeen', [record('ann')]]);
  expect(readdirSync(seen)).not.toContain('old.jsonl');
});
