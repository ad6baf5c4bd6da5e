import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { ControlConnection } from '../../../store/ports.ts';
import { logOf, plan } from '../../../testing/store/session.ts';
import { openSession } from './harness.ts';

const SCRIPT = fileURLToPath(new URL('appender.mjs', import.meta.url));

/** Another operator's process; `acknowledged` grows with each kill that was acknowledged to it. */
function startAppender(...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const acknowledged: string[] = [];
  let heard = (): void => {};
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (line) => {
    acknowledged.push(line);
    heard();
  });
  const ended = once(child, 'close');
  return {
    acknowledged,
    ended,
    async dieAfter(count: number) {
      await new Promise<void>((resolve) => {
        heard = () => {
          if (acknowledged.length >= count) resolve();
        };
        heard();
      });
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A killed process may have precedence for a while yet, so this one asks again, as a control plane does. */
async function killWhenFree(control: ControlConnection, target: string): Promise<void> {
  const data = { id: target, target, mode: 'full_stop', expires_at: null } as const;
  while (!(await control.append(await plan(control, 'kill', data))));
}

const targetsOf = async (control: ControlConnection): Promise<unknown[]> =>
  (await logOf(control)).slice(1).map(({ data }) => data['target']);

test('a change that was acknowledged outlives the process that was killed at that moment', async () => {
  const { session, directory } = await openSession();
  await session.initialised();
  const operator = startAppender(directory, 'a');
  await operator.dieAfter(1);
  expect(await targetsOf(session.control())).toEqual(expect.arrayContaining(operator.acknowledged));
});

test('operators that are killed again and again in the middle of their work leave a log that loads and lacks no acknowledged change', async () => {
  const { session, directory } = await openSession();
  const control = await session.initialised();
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const operators = [startAppender(directory, `${round}a`), startAppender(directory, `${round}b`)];
    for (const [index, operator] of operators.entries()) {
      await operator.dieAfter(3 + round + index);
      acknowledged.push(...operator.acknowledged);
    }
    await killWhenFree(control, `run:${round}`);
    acknowledged.push(`run:${round}`);
  }
  const targets = await targetsOf(session.control());
  expect(targets).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(targets).size).toBe(targets.length);
  const { head, linked } = await session.executor().connection.load((await control.read([])).head, 'n');
  expect([head?.epoch, linked]).toEqual([targets.length + 1, true]);
});

test('operators in several processes that append at once all get through, each change once', async () => {
  const { session, directory } = await openSession();
  await session.initialised();
  const operators = ['a', 'b'].map((name) => startAppender(directory, name, '15'));
  for (const { ended } of operators) await ended;
  const targets = await targetsOf(session.control());
  expect(targets).toHaveLength(30);
  expect(new Set(targets)).toEqual(new Set(operators.flatMap(({ acknowledged }) => acknowledged)));
});
