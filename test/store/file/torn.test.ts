import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serializeEvent } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import type { Append } from '../../../store/ports.ts';
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
  'after a full disk has cut two changes in a row, a kill gets through as soon as there is room',
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

    // Until a line is appended, executors stop, and the state is not shown.
    expect(await codeOf(executor.confirm(head))).toBe('CORRUPT');
    expect(await codeOf(session.executor().connection.load(head, 'n'))).toBe('CORRUPT');
    const operator = await controlPlane(directory);
    expect(await operator.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('Line 2 of the log'),
    });

    const { epoch } = await operator.kill({ target: 'all' });
    expect(epoch).toBe(2);
    const { head: now, events } = await executor.confirm(head);
    expect([now?.epoch, events]).toEqual([2, [expect.objectContaining({ type: 'kill' })]]);
    expect((await session.executor().connection.load(head, 'n')).linked).toBe(true);
    expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 2 });
    expect(readFileSync(log, 'utf8')).toMatch(/[^\n]\n\{[^\n]+\n$/);
  },
);

/** Fills the disk but for that many bytes beyond the end of a file, which is the end of a page. */
function leaveRoom(disk: string, path: string, bytes: number): void {
  expect((statSync(path).size + bytes) % PAGE).toBe(0);
  const filler = join(disk, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(1024 * 1024))).toThrow('ENOSPC');
  const pages = Math.ceil((statSync(path).size + bytes) / PAGE) - Math.ceil(statSync(path).size / PAGE);
  truncateSync(filler, statSync(filler).size - pages * PAGE);
}

const PAGE = 4096;

test.skipIf(!mayMount)(
  'a revive that failed because its line’s end did not fit does not take effect with a later kill',
  async () => {
    const { session, directory, log, lines } = await openSession();
    const disk = join(directory, 'control');
    expect(mounted(disk, '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs')).toBe(true);
    const control = await session.initialised();
    const { head: before, event } = await kill(control, 'agent:bot');
    const executor = session.executor();
    await executor.confirm(before);
    const text = ({ event }: Append): string => serializeEvent(event);
    // The change before it is as long as it takes for the line to end where a page ends.
    const revive = async () => plan(control, 'revive', { id: event.data['id'] as string, target: 'agent:bot' });
    const bare = Buffer.byteLength(text(await plan(control, 'limit', { name: 'n', value: 1 }))) - 1;
    const used = statSync(log).size + bare + 1 + Buffer.byteLength(text(await revive()));
    const name = 'n'.repeat(PAGE + PAGE - (used % PAGE));
    expect(await control.append(await plan(control, 'limit', { name, value: 1 }))).toBe(true);
    const failing = await revive();
    leaveRoom(disk, log, Buffer.byteLength(text(failing)));
    await expect(control.append(failing)).rejects.toThrow(/Only \d+ of \d+ bytes could be written/);
    expect(readFileSync(log, 'utf8').endsWith(text(failing))).toBe(true);
    truncateSync(join(disk, 'filler'), 0);

    const operator = await controlPlane(directory);
    const targets = async (): Promise<string[]> => (await operator.kills()).data.map(({ target }) => target);
    expect(await targets()).toEqual(['agent:bot']);
    await operator.kill({ target: 'agent:other' });
    expect(await targets()).toEqual(['agent:other', 'agent:bot']);
    expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 4 });
    const { events } = await executor.confirm(before);
    expect(events).toMatchObject([{ type: 'limit' }, { type: 'kill', data: { target: 'agent:other' } }]);
    // The operator may try again, and the revive then takes effect once.
    expect(await control.append(failing)).toBe(false);
    expect(await control.append(await revive())).toBe(true);
    expect(await targets()).toEqual(['agent:other']);
    expect(lines().filter((line) => line.includes('"type":"revive"'))).toHaveLength(2);
  },
);

test('several writers that find a line cut may each spoil it, and nothing is lost or left in doubt', async () => {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const { head, event: killed } = await kill(control, 'run:1');
  const executor = session.executor();
  await executor.confirm(head);
  const cut = await plan(control, 'revive', { id: killed.data['id'] as string, target: 'run:1' });
  const first = await plan(control, 'kill', { ...KILL, target: 'run:2' });
  const late = await plan(control, 'kill', { ...KILL, target: 'run:3' });
  // The lines of three writers that all looked before the first one wrote: the last two had nothing left to spoil.
  const { event } = late;
  appendFileSync(
    log,
    `${serializeEvent(cut.event)}\x18\n${serializeEvent(first.event)}\n\x18\n${serializeEvent(event)}\n\x18\n`,
  );
  const confirmed = await executor.confirm(head);
  expect(confirmed.head).toEqual(first.head);
  expect(confirmed.events).toEqual([first.event]);
  const operator = await controlPlane(directory(log));
  expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 3 });
  const after = await kill(control, 'run:4');
  expect((await executor.confirm(first.head)).events).toEqual([after.event]);
});

const directory = (log: string): string => join(log, '../../..');

test('a switch whose init was cut twice can be initialised', async () => {
  const { session, directory, log } = await openSession();
  const first = session.control();
  await codeOf(first.append(await plan(first, 'init', { generation: 'g' })));
  const whole = readFileSync(log, 'utf8');
  writeFileSync(log, `${whole.slice(0, 30)}\n${whole.slice(0, 100)}`);
  const operator = await controlPlane(directory);
  expect((await operator.init()).epoch).toBe(1);
  expect((await session.executor().connection.load(null, 'n')).head?.epoch).toBe(1);
  expect(await operator.verifyLog()).toMatchObject({ ok: true, events: 1 });
});

test('executors get the events before a torn line, and those after it', async () => {
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

test('a whole line that was changed stops a writer as before', async () => {
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
