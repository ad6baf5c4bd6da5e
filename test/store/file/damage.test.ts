import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileName } from '../../../store/file/paths.ts';
import { codeOf, openSession } from './harness.ts';
import { kill, logOf } from '../../../testing/store/session.ts';

type Lines = readonly string[];
const write = (log: string, lines: Lines): void => writeFileSync(log, lines.map((line) => `${line}\n`).join(''));

/** What is done to a log of four events, and what then answers a confirmation of the last head. */
const DAMAGES: ReadonlyArray<{
  readonly name: string;
  readonly damage: (log: string, lines: Lines) => void;
  /**
   * A number: the epoch of a head that contradicts the held one; null: no control plane; a text: the code of the error.
   */
  readonly answer: number | null | string;
}> = [
  { name: 'deleted', damage: (log) => rmSync(log), answer: null },
  { name: 'deleted with its folder', damage: (log) => rmSync(dirname(log), { recursive: true }), answer: null },
  { name: 'emptied', damage: (log) => truncateSync(log, 0), answer: null },
  { name: 'cut off after an event', damage: (log, lines) => write(log, lines.slice(0, 2)), answer: 2 },
  { name: 'cut off in an event', damage: (log) => truncateSync(log, readFileSync(log).length - 5), answer: 3 },
  { name: 'cut off in its first event', damage: (log) => truncateSync(log, 20), answer: null },
  { name: 'other text', damage: (log) => writeFileSync(log, 'hello\n'), answer: 'CORRUPT' },
  { name: 'other JSON', damage: (log) => writeFileSync(log, '{"flags":{}}\n'), answer: 'CORRUPT' },
  { name: 'not UTF-8', damage: (log) => writeFileSync(log, Buffer.from([0xff, 0xfe, 0x0a])), answer: 'CORRUPT' },
  { name: 'an array of its events', damage: (log, lines) => write(log, [`[${lines.join(',')}]`]), answer: 'CORRUPT' },
  {
    name: 'changed in its last event',
    damage: (log, lines) => write(log, [...lines.slice(0, 3), (lines[3] ?? '').replace('full_stop', 'live')]),
    answer: 'CORRUPT',
  },
  {
    name: 'changed in an earlier event, without changing its length',
    damage: (log, lines) =>
      write(
        log,
        lines.map((line, at) => (at === 1 ? line.replace('dana', 'evil') : line)),
      ),
    answer: 'CORRUPT',
  },
  {
    name: 'without one event',
    damage: (log, lines) => write(log, [...lines.slice(0, 2), ...lines.slice(3)]),
    answer: 'CORRUPT',
  },
  {
    name: 'out of order',
    damage: (log, lines) =>
      write(
        log,
        [0, 2, 1, 3].map((at) => lines[at] ?? ''),
      ),
    answer: 'CORRUPT',
  },
  {
    name: 'a folder in its place',
    damage: (log) => {
      rmSync(log);
      mkdirSync(log);
    },
    answer: 'CORRUPT',
  },
  {
    name: 'a pipe in its place, which would wait for ever',
    damage: (log) => {
      rmSync(log);
      execFileSync('mkfifo', [log]);
    },
    answer: 'CORRUPT',
  },
  {
    name: 'a file in place of its folder',
    damage: (log) => {
      rmSync(dirname(log), { recursive: true });
      writeFileSync(dirname(log), 'x');
    },
    answer: 'CORRUPT',
  },
];

async function fourEvents() {
  const { session, log, lines } = await openSession();
  const control = await session.initialised();
  await kill(control, 'run:1');
  await kill(control, 'run:2');
  const { head } = await kill(control, 'run:3');
  const executor = session.executor();
  await executor.confirm(head);
  return { session, control, log, lines: lines(), head, executor };
}

describe('a log that is', () => {
  for (const { name, damage, answer } of DAMAGES) {
    test(`${name} confirms nothing, and confirms again when it is put back`, async () => {
      const { control, session, log, lines, head, executor } = await fourEvents();
      const folder = dirname(log);
      const good = `${folder}.good`;
      mkdirSync(good);
      copyFileSync(log, `${good}/log.jsonl`);
      damage(log, lines);

      const newcomer = session.executor();
      if (typeof answer === 'string') {
        expect(await codeOf(executor.confirm(head))).toBe(answer);
        expect(await codeOf(newcomer.connection.load(head, 'n'))).toBe(answer);
        expect(await codeOf(control.read([]))).toBe(answer);
        expect(await codeOf(logOf(session.control()))).toBe(answer);
      } else {
        const confirmation = await executor.confirm(head);
        expect(confirmation.head?.epoch ?? null).toBe(answer);
        expect(confirmation.events).toBe(null);
        expect((await newcomer.connection.load(head, 'n')).linked).toBe(false);
      }

      rmSync(folder, { recursive: true, force: true });
      renameSync(good, folder);
      expect(await executor.confirm(head)).toEqual({ head, events: [], forkReported: false });
      expect((await control.read([])).head).toEqual(head);
    });
  }

  test('half written reads as before, until the rest is there', async () => {
    const { control, session, log, head, executor } = await fourEvents();
    appendFileSync(log, '{"actor":"unverified:da');
    expect((await executor.confirm(head)).head).toEqual(head);
    expect((await session.executor().connection.load(head, 'n')).head).toEqual(head);
    const next = await kill(control, 'run:4');
    expect(await executor.confirm(head)).toEqual({ head: next.head, events: [next.event], forkReported: false });
    expect((await session.control().read([])).head).toEqual(next.head);
    expect((await logOf(session.control())).at(-1)).toEqual(next.event);
  });

  test('ended by empty lines is read on, and an empty line proves nothing about what was before it', async () => {
    const { control, log, lines, head, executor } = await fourEvents();
    appendFileSync(log, '\n\n');
    expect((await executor.confirm(head)).events).toEqual([]);
    const next = await kill(control, 'run:4');
    expect((await executor.confirm(head)).events).toEqual([next.event]);
    appendFileSync(log, '\n');
    expect((await executor.confirm(next.head)).events).toEqual([]);
    const { length } = readFileSync(log);
    const older = lines.map((line) => `${line}\n`).join('');
    writeFileSync(log, older.padEnd(length + 1, '\n'));
    expect(await executor.confirm(next.head)).toEqual({ head, events: null, forkReported: false });
  });

  test('replaced by a longer copy of itself is read on', async () => {
    const { control, log, head, executor } = await fourEvents();
    const next = await kill(control, 'run:4');
    copyFileSync(log, `${log}.copy`);
    renameSync(`${log}.copy`, log);
    expect(await executor.confirm(head)).toEqual({ head: next.head, events: [next.event], forkReported: false });
  });
});

test('the error of a damaged log names the file, the line and the way to mend it', async () => {
  const { session, log, lines, head, executor } = await fourEvents();
  write(log, [...lines.slice(0, 1), ...lines.slice(2)]);
  await expect(executor.confirm(head)).rejects.toThrow(
    `${log} is damaged. Line 2 of the log is event 3, which does not follow event 1 before it`,
  );
  await expect(session.control().read([])).rejects.toThrow('kill-switch recover --reason');
});

test('an executor whose reports are unreadable still counts, as silent, and its report of a fork is no evidence', async () => {
  const { control, session, log, head, executor } = await fourEvents();
  const executors = dirname(log).replace('/control/', '/executors/');
  writeFileSync(`${executors}/beats/lost%2ebot.json`, '{"id":');
  const beats = await control.executors();
  expect(beats.find(({ id }) => id === 'lost.bot')).toMatchObject({ applied: null, problem: 'it is not JSON' });
  await control.forget('lost.bot');
  expect((await control.executors()).map(({ id }) => id)).toEqual([executor.id]);

  const forks = `${executors}/forks/${fileName(head.generation)}`;
  mkdirSync(forks, { recursive: true });
  for (const text of ['', 'null', '{"against":7}', '\xff']) {
    writeFileSync(`${forks}/x.json`, text);
    expect((await session.executor().confirm(head)).forkReported).toBe(false);
  }
  rmSync(`${forks}/x.json`);
  expect((await executor.confirm(head)).events).toEqual([]);
});
