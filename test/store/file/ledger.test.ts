import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FileLedger } from '../../../store/file/ledger.ts';
import { filePaths } from '../../../store/file/paths.ts';
import { change } from '../../../testing/store/session.ts';
import { charge, heldIn, raceForTheLast, startSpender } from '../spenders.ts';
import { codeOf, mayMount, mounted, openSession } from './harness.ts';

const folderOf = (directory: string): string => join(directory, 'executors', 'default', 'ledger');
const filesOf = (directory: string): string[] =>
  readdirSync(folderOf(directory))
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
const newestOf = (directory: string): string => join(folderOf(directory), filesOf(directory).at(-1) ?? '');

const opened = (directory: string, longFile?: number): FileLedger => {
  const options = { requestTimeoutMs: 30_000, ...(longFile !== undefined && { longFile }) };
  const ledger = new FileLedger(filePaths(directory, 'default'), options);
  onTestFinished(() => ledger.close());
  return ledger;
};

const spend = async (ledger: FileLedger, amount = 1): Promise<string> => {
  const id = randomUUID();
  const { is } = await ledger.reserve({ id, charges: [charge('a', amount, 2 ** 40)] });
  expect(is).toBe('reserved');
  return id;
};

describe('16 processes that race for the last of a budget', () => {
  test('pass exactly as often as there is room', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    expect(await raceForTheLast(`file:${directory}`, { names: 16 })).toBe(142); // 142 × 7 = 994
    expect(await heldIn(opened(directory), 'shared')).toEqual([0, 994]);
  }, 120_000);
});

describe('a process that is killed', () => {
  test('between reserving and settling has spent in full', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    const spender = startSpender(`file:${directory}`, 'gone', { is: 'hold', amount: 60, limit: 100 });
    await spender.ready;
    spender.go();
    expect(await spender.line(1)).toBe('held');
    await spender.kill();
    const ledger = opened(directory);
    expect(await heldIn(ledger, 'shared')).toEqual([0, 60]);
    expect(await ledger.reserve({ id: 'x', charges: [charge('shared', 41, 100)] })).toMatchObject({ is: 'over' });
    await ledger.settle('held', { usd: 10 });
    expect(await heldIn(ledger, 'shared')).toEqual([10, 0]);
  });

  test('again and again, in the middle of its work, leaves a ledger that has all that it was told is settled', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    let settled = 0;
    for (let round = 0; round < 4; round += 1) {
      const how = { is: 'churn', amount: 5, limit: 2 ** 40 } as const;
      const spenders = ['x', 'y'].map((name) => startSpender(`file:${directory}`, `${name}${round}`, how));
      await Promise.all(spenders.map(({ ready }) => ready));
      for (const each of spenders) each.go();
      for (const [index, each] of spenders.entries()) {
        await each.line(5 + 3 * round + index);
        await each.kill();
        settled += each.lines.length - 1;
      }
    }
    const [spent, reserved] = await heldIn(opened(directory), 'shared');
    expect(spent).toBeGreaterThanOrEqual(settled);
    expect(spent).toBeLessThanOrEqual(settled + 8); // each of the eight may have settled once more, unheard
    expect([0, 5, 10, 15, 20, 25, 30, 35, 40]).toContain(reserved);
  }, 60_000);
});

describe('the file of a ledger', () => {
  test('is closed when it is long, and the next one begins with its sums, whoever writes', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    const ledgers = [opened(directory, 3000), opened(directory, 3000), opened(directory, 3000)];
    const ids: string[] = [];
    for (let round = 0; round < 40; round += 1)
      ids.push(...(await Promise.all(ledgers.map((ledger) => spend(ledger, 2)))));
    const files = filesOf(directory);
    expect(Number(files.at(-1)?.slice(0, 9))).toBeGreaterThan(2);
    expect(files.length).toBeLessThanOrEqual(3);
    const [ledger] = ledgers;
    for (const each of ledgers) expect(await heldIn(each, 'a')).toEqual([0, 240]);
    expect(await heldIn(opened(directory), 'a')).toEqual([0, 240]);
    for (const id of ids) await ledger?.settle(id, { usd: 1 });
    for (const id of ids) await ledger?.settle(id, { usd: 100 });
    for (const each of [...ledgers, opened(directory)]) expect(await heldIn(each, 'a')).toEqual([120, 0]);
  });

  test('is read on where lines were cut short, two in a row, and the next writer’s line counts', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    await spend(opened(directory), 3);
    const file = newestOf(directory);
    const line = JSON.stringify({ is: 'reserve', at: 1, mark: 'm', id: 'torn', charges: [charge('a', 5, 100)] });
    appendFileSync(file, `\n${line.slice(0, 40)}`);
    appendFileSync(file, `\n${line.slice(0, -1)}`);
    const ledger = opened(directory);
    await spend(ledger, 4);
    expect(await heldIn(ledger, 'a')).toEqual([0, 7]);
    appendFileSync(file, `\n${line}`); // all but its end was written: it counts, for nobody knows that it failed
    expect(await heldIn(ledger, 'a')).toEqual([0, 12]);
    expect(await heldIn(opened(directory), 'a')).toEqual([0, 12]);
  });

  test('counts nobody’s nonsense', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    const ledger = opened(directory);
    await spend(ledger, 3);
    const odd = [
      { is: 'reserve', at: 1, mark: 'm', id: 'x', charges: [charge('a', -5, 100)] },
      { is: 'reserve', at: 1, mark: 'm', id: 'x', charges: [charge('a', 2 ** 60, 2 ** 61)] },
      { is: 'settle', at: 1, mark: 'm', id: 'x', costs: { usd: -5 } },
      { is: 'carry', of: 0, text: {} },
      { is: 'else' },
    ];
    appendFileSync(newestOf(directory), `\n${odd.map((each) => JSON.stringify(each)).join('\n')}\n\u0000\n[\n`);
    expect(await heldIn(ledger, 'a')).toEqual([0, 3]);
  });

  test.each<[string, (file: string) => void]>([
    ['cut', (file) => truncateSync(file, statSync(file).size - 20)],
    ['emptied', (file) => truncateSync(file, 0)],
    ['removed', (file) => rmSync(file)],
    [
      'replaced',
      (file) => (
        rmSync(file), writeFileSync(file, '{"is":"carry","of":0,"text":{"last":0,"accounts":[],"reservations":[]}}\n')
      ),
    ],
    ['changed', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(/"amount":3/g, '"amount":1'))],
  ])('that was %s while executors counted with it lets nothing be spent any longer', async (_how, harm) => {
    const { session, directory } = await openSession();
    await session.initialised();
    const ledger = opened(directory);
    await spend(ledger, 3);
    harm(newestOf(directory));
    expect(await codeOf(spend(ledger))).toBe('CORRUPT');
    expect(await codeOf(spend(ledger))).toBe('CORRUPT');
  });

  test('that carries other sums than the one before came to lets nothing be spent', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    const ledger = opened(directory, 1);
    await spend(ledger, 3);
    const [name = ''] = filesOf(directory);
    const next = join(folderOf(directory), `${String(Number(name.slice(0, 9)) + 1).padStart(9, '0')}.jsonl`);
    writeFileSync(next, '{"is":"carry","of":1,"text":{"last":0,"accounts":[],"reservations":[]}}\n');
    expect(await codeOf(spend(ledger).then(() => spend(ledger)))).toBe('CORRUPT');
  });

  test('is not made where the store is gone or was moved away, and blocks until it is back', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    rmSync(join(directory, 'executors'), { recursive: true });
    const ledger = opened(directory);
    expect(await codeOf(spend(ledger))).toBe('STORE_UNREACHABLE');
    expect(existsSync(folderOf(directory))).toBe(false);
    await change(session.control(), 'limit', { name: 'l', value: 1 }); // an operator's change makes it anew
    await spend(ledger);
  });

  test.skipIf(!mayMount)('on a full disk lets nothing be spent, and goes on once there is room', async () => {
    const { session, directory } = await openSession();
    await session.initialised();
    await spend(opened(directory), 1);
    expect(mounted(folderOf(directory), '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')).toBe(true);
    const ledger = opened(directory);
    await spend(ledger, 2);
    const filler = join(folderOf(directory), 'filler');
    expect(() => writeFileSync(filler, 'x'.repeat(1024 * 1024))).toThrow();
    const codes: string[] = [];
    for (let tries = 0; tries < 40; tries += 1) codes.push(await codeOf(spend(ledger, 2)));
    expect(codes).toContain('STORE_READ_ONLY');
    rmSync(filler);
    await spend(ledger, 2);
    const passed = codes.filter((code) => code === 'no error').length;
    const [, reserved] = await heldIn(ledger, 'a');
    // Of one that was cut short nobody knows, so it may count.
    expect(reserved).toBeGreaterThanOrEqual(2 * (passed + 2));
    expect(await heldIn(opened(directory), 'a')).toEqual([0, reserved]);
  });
});

test('a day of very many calls stays fast: the last take no longer than the first, and a new process reads little', async () => {
  const { session, directory } = await openSession();
  await session.initialised();
  const ledger = opened(directory);
  const took: number[] = [];
  for (let thousand = 0; thousand < 40; thousand += 1) {
    const from = performance.now();
    await Promise.all(Array.from({ length: 1000 }, async () => ledger.settle(await spend(ledger), { usd: 1 })));
    took.push(performance.now() - from);
  }
  const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[of.length >> 1] ?? 0;
  expect(median(took.slice(-10))).toBeLessThan(3 * median(took.slice(0, 10)));
  const from = performance.now();
  expect(await heldIn(opened(directory), 'a')).toEqual([40_000, 0]);
  expect(performance.now() - from).toBeLessThan(10 * median(took));
  expect(filesOf(directory).length).toBeLessThanOrEqual(3);
}, 240_000);
