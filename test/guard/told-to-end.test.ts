import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');
const PROGRAM = join(import.meta.dirname, 'told-to-end.mjs');

/** The lines that a page shows for a process that is told to end. */
const linesOf = (page: string): string =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^[ *]*(process\.once\('SIG(?:TERM|INT)', .*)$/gm)]
    .map(([, line]) => line)
    .join('\n');

const LINES = linesOf('docs/guard.md');

interface Place {
  readonly url: string;
  readonly store: ControlStore;
}

const inFolder = async (): Promise<Place> => {
  const directory = join(temporaryFolder('told').path, 'switch');
  return { url: `file:${directory}`, store: fileControlStore({ directory }) };
};
const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  return { url, store: redisControlStore({ url }) };
};

/** A process with an action in flight, over a store in which all is live. */
async function processAtWork(
  { url, store }: Place,
  options: { readonly lines: string; readonly heedsSignal: boolean },
) {
  const control = await openControlPlane({ store, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ url, ...options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => said.push(line));
  await once(lines, 'line');
  const inFlight = async () => (await control.executors()).data.map(({ in_flight }) => in_flight);
  await expect.poll(inFlight, { timeout: 20_000 }).toEqual([1]);
  return { control, child, exited, said };
}

test('the docstring of createKillSwitch shows the two lines of docs/guard.md', () => {
  expect(LINES.split('\n')).toHaveLength(2);
  expect(linesOf('index.ts')).toBe(LINES);
});

describe.each([
  ['a folder', true, inFolder],
  ['Redis', hasRedis, inRedis],
] as const)('over %s', (_name, has, open) => {
  test.skipIf(!has).each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    'a process with the two lines that gets %s stops its work, leaves the count, and ends with %i',
    async (signal, code) => {
      const { control, child, exited, said } = await processAtWork(await open(), { lines: LINES, heedsSignal: true });
      child.kill(signal);
      expect(await exited).toEqual([code, null]);
      expect(said).toEqual(['in flight', 'heeded', 'aborted']);
      expect((await control.executors()).data).toEqual([]);
    },
  );

  test.skipIf(!has)('a process without them stays in the count', async () => {
    const { control, child, exited } = await processAtWork(await open(), { lines: '', heedsSignal: true });
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect((await control.executors()).data).toHaveLength(1);
  });
});

test('a process whose work ignores its signal ends after five seconds, and stays in the count', async () => {
  const { control, child, exited, said } = await processAtWork(await inFolder(), { lines: LINES, heedsSignal: false });
  const since = performance.now();
  child.kill('SIGTERM');
  expect(await exited).toEqual([143, null]);
  expect(performance.now() - since).toBeGreaterThan(4900);
  expect(said).toEqual(['in flight']);
  expect((await control.executors()).data).toMatchObject([{ name: 'told', in_flight: 1 }]);
});
