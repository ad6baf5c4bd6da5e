import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { kill, plan } from '../../../testing/store/session.ts';
import { codeOf, headOf, mayMount, mounted, openSession } from './harness.ts';

async function controlPlane(directory: string) {
  const control = await openControlPlane({
    store: fileControlStore({ directory }),
    operator: { id: 'dana' },
    retryMs: 2000,
  });
  onTestFinished(() => control.close());
  return control;
}

const KILL = { id: 'x', mode: 'full_stop', expires_at: null } as const;

test.skipIf(!mayMount)(
  'a full disk that cut two changes in a row holds up no kill once there is room again',
  async () => {
    const { session, directory, log, lines } = await openSession();
    expect(mounted(join(directory, 'control'), '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs')).toBe(true);
    const control = await session.initialised();
    const head = await headOf(control);
    const executor = session.executor();
    await executor.confirm(head);
    const filler = join(directory, 'control/filler');
    const big = await plan(control, 'flags', { definition: { filler: 'é🛑'.repeat(50_000) } });
    for (const room of [12, 8, 4]) {
      writeFileSync(filler, '');
      expect(() => writeFileSync(filler, Buffer.alloc(300 * 1024))).toThrow('ENOSPC');
      truncateSync(filler, readFileSync(filler).length - room * 1024);
      await expect(control.append(big)).rejects.toThrow(/Only \d+ of \d+ bytes could be written/);
    }
    expect(lines()).toHaveLength(3);
    truncateSync(filler, 0);

    // What is shown is not believed until somebody has appended; executors stop.
    expect(await codeOf(executor.confirm(head))).toBe('CORRUPT');
    expect(await codeOf(session.executor().connection.load(head))).toBe('CORRUPT');
    const operator = await controlPlane(directory);
    expect(await operator.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('Line 2 of the log'),
    });

    const { epoch } = await operator.kill({ target: 'all' });
    expect(epoch).toBe(2);
    const { head: now, events } = await executor.confirm(head);
    expect([now?.epoch, events]).toEqual([2, [expect.objectContaining({ type: 'kill' })]]);
    expect((await session.executor().connection.load(head)).linked).toBe(true);
    expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 2 });
    expect(readFileSync(log, 'utf8')).toMatch(/[^\n]\n\{[^\n]+\n$/);
  },
);

test('a switch whose beginning was cut twice can be begun', async () => {
  const { session, directory, log } = await openSession();
  const first = session.control();
  await codeOf(first.append(await plan(first, 'init', { generation: 'g' })));
  const whole = readFileSync(log, 'utf8');
  writeFileSync(log, `${whole.slice(0, 30)}\n${whole.slice(0, 100)}`);
  const operator = await controlPlane(directory);
  expect((await operator.init()).epoch).toBe(1);
  expect((await session.executor().connection.load(null)).head?.epoch).toBe(1);
  expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 1 });
});

test('executors hear of what stands before a torn line, and of what comes after it', async () => {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const head = await headOf(control);
  const executor = session.executor();
  await executor.confirm(head);
  const pushed: number[] = [];
  executor.connection.follow((push) => push.type === 'event' && pushed.push(push.event.seq));
  const second = await kill(control, 'run:1');
  const third = await plan(control, 'kill', { ...KILL, target: 'run:2' });
  appendFileSync(log, '{"actor":"unver\n');
  await expect.poll(() => codeOf(executor.confirm(second.head))).toBe('CORRUPT');
  expect(await control.append(third)).toBe(true);
  await expect.poll(() => pushed).toEqual([2, 3]);
  expect((await executor.confirm(head)).events).toEqual([second.event, third.event]);
});

test('a line of its own that was changed stops a writer as before', async () => {
  const { session, log, lines } = await openSession();
  const control = await session.initialised();
  await kill(control, 'run:1');
  const all = lines();
  writeFileSync(log, `${all[0]}\n${all[1]?.replace('full_stop', 'live')}\n`);
  expect(await codeOf(control.read([]))).toBe('CORRUPT');
  expect(await codeOf(session.control().read([]))).toBe('CORRUPT');
  appendFileSync(log, `${all[1]?.slice(0, 80)}\n`);
  expect(await codeOf(session.control().read([]))).toBe('CORRUPT');
});
