import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GENESIS, type LogEvent, readEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { kill } from '../../../testing/store/session.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { appendHistory } from './generate-log.ts';
import { openSession } from './harness.ts';

async function planeOf(directory: string) {
  const plane = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
  onTestFinished(() => plane.close());
  return plane;
}

async function numbersOf(log: AsyncIterable<LogEvent>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { seq } of log) numbers.push(seq);
  return numbers;
}

/** The lines of another operator that planned upon that event and was too late. */
const lostBehind = (before: LogEvent | undefined, at = '2026-01-01T00:00:00.000Z'): string =>
  serializeEvent(
    sealEvent({
      ...{ seq: (before?.seq ?? 0) + 1, at, actor: 'unverified:late', reason: null },
      ...(before
        ? { type: 'kill', data: { id: 'late', target: 'agent:late', mode: 'full_stop', expires_at: null } }
        : { type: 'init', data: { generation: 'late' } }),
      prev: before?.hash ?? GENESIS,
    }),
  );

describe('the line of an operator who was too late', () => {
  test('is no damage to a reader that begins at any event, whichever event the line follows and wherever it stands', async () => {
    const { session, directory, log, lines } = await openSession();
    const control = await session.initialised();
    for (let number = 0; number < 4; number += 1) await kill(control, `run:${number}`);
    const whole = lines();
    const events = whole.map((line) => readEvent(line));
    for (let behind = 0; behind < whole.length; behind += 1)
      for (let at = behind + 1; at <= whole.length; at += 1) {
        writeFileSync(log, `${whole.toSpliced(at, 0, lostBehind(events[behind - 1])).join('\n')}\n`);
        const plane = await planeOf(directory);
        const where = `behind event ${behind}, as line ${at + 1}`;
        expect((await plane.status()).epoch, where).toBe(whole.length);
        for (let after = 0; after <= whole.length; after += 1)
          expect(await numbersOf(plane.log({ after })), where).toEqual(
            events.map(({ seq }) => seq).filter((seq) => seq > after),
          );
        expect(await plane.verifyLog(), where).toMatchObject({ ok: true, events: whole.length });
        await plane.close();
      }
  });

  test('is no damage to a reader that begins far behind the event that it follows', async () => {
    const { session, log, directory } = await openSession();
    await session.initialised();
    const [first] = readFileSync(log, 'utf8').split('\n').slice(0, -1).map(readEvent);
    const last = appendHistory(log, first as LogEvent, 4000);
    appendFileSync(log, `${lostBehind(undefined)}\n${lostBehind(first)}\n`);
    appendHistory(log, last, 2);
    const plane = await planeOf(directory);
    expect((await plane.status()).epoch).toBe(4003);
    expect(await numbersOf(plane.log({ after: 3998 }))).toEqual([3999, 4000, 4001, 4002, 4003]);
    expect(await plane.verifyLog()).toMatchObject({ ok: true, events: 4003 });
  });

  test('hides no damage behind it, wherever reading begins', async () => {
    const { session, directory, log, lines } = await openSession();
    const control = await session.initialised();
    for (let number = 0; number < 4; number += 1) await kill(control, `run:${number}`);
    const plane = await planeOf(directory);
    await plane.status();
    const whole = lines();
    const late = lostBehind(readEvent(whole[1] as string));
    const upon = lostBehind(readEvent(late), '2026-01-02T00:00:00.000Z');
    for (const [at, after] of [
      [3, 1],
      [3, 2],
      [5, 4],
    ] as const) {
      writeFileSync(log, `${whole.toSpliced(at, 0, upon).toSpliced(3, 0, late).join('\n')}\n`);
      await expect(numbersOf(plane.log({ after }))).rejects.toMatchObject({ code: 'CORRUPT' });
      writeFileSync(log, `${whole.join('\n')}\n`);
      expect(await numbersOf(plane.log({ after }))).not.toEqual([]);
    }
  });
});

const SCRIPT = fileURLToPath(new URL('beginner.mjs', import.meta.url));

/** Two operators' processes that begin a store at the same moment. */
function twoBeginners() {
  const children = [0, 1].map(() => spawn(process.execPath, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] }));
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const outcomes = children.map((child) =>
    createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })[Symbol.asyncIterator](),
  );
  return async (what: 'init' | 'recover', directory: string): Promise<unknown[]> => {
    const moment = Date.now() + 40;
    for (const child of children) child.stdin?.write(`${what}\t${directory}\t${moment}\n`);
    return Promise.all(outcomes.map(async (lines) => (await lines.next()).value));
  };
}

test.each(['init', 'recover'] as const)(
  'two operators that %s at once leave a log that can be read from its first event on',
  async (what) => {
    const folder = temporaryFolder('beginners');
    onTestFinished(() => folder.remove());
    const beginBoth = twoBeginners();
    let races = 0;
    for (let round = 0; round < 200 && races < 2; round += 1) {
      const directory = join(folder.path, `${round}`);
      expect(await beginBoth(what, directory)).toContain('begun');
      const log = join(directory, 'control/default/log.jsonl');
      if (readFileSync(log, 'utf8').split('\n').length - 1 < 2) continue;
      races += 1;
      const plane = await planeOf(directory);
      const { epoch } = await plane.status();
      expect(await plane.verifyLog()).toMatchObject({ ok: true });
      expect(await numbersOf(plane.log({ after: epoch }))).toEqual([]);
      await plane.kill({ target: 'all' });
      expect(await plane.verifyLog()).toMatchObject({ ok: true });
      expect(await numbersOf(plane.log({ after: 1 }))).toContain(epoch + 1);
    }
    expect(races).toBe(2);
  },
);
