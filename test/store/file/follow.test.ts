import { EventEmitter } from 'node:events';
import * as nodeFs from 'node:fs';
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ControlConnection, Push } from '../../../store/ports.ts';
import { kill, plan } from '../../../testing/store/session.ts';
import { codeOf, openSession } from './harness.ts';

vi.mock('node:fs', { spy: true });

/** Collects pushes, and waits for them. */
function listen({ follow }: Pick<ControlConnection, 'follow'>) {
  const pushes: Push[] = [];
  const heard = new EventEmitter();
  const stop = follow((push) => {
    pushes.push(push);
    heard.emit('push');
  });
  return {
    pushes,
    stop,
    async until(wanted: (push: Push) => boolean): Promise<Push> {
      for (let from = 0; ; ) {
        const found = pushes.slice(from).find(wanted);
        if (found) return found;
        from = pushes.length;
        await new Promise((resolve) => heard.once('push', resolve));
      }
    },
  };
}

const isEvent =
  (hash: string) =>
  (push: Push): boolean =>
    push.type === 'event' && push.event.hash === hash;
const isGap = (push: Push): boolean => push.type === 'gap';

async function followed() {
  const opened = await openSession();
  const control = await opened.session.initialised();
  const executor = opened.session.executor();
  const { head } = await executor.confirm(null);
  return { ...opened, control, executor, head, ...listen(executor.connection) };
}

describe('a follower', () => {
  test('gets each change as it is appended', async () => {
    const { control, until, pushes } = await followed();
    for (const target of ['run:1', 'run:2', 'run:3']) await until(isEvent((await kill(control, target)).event.hash));
    // It is also told to look for stops of executors.
    const types = pushes.map(({ type }) => type).filter((type) => type !== 'stops');
    expect(types).toEqual(['event', 'event', 'event']);
  });

  test('gets changes also where the system does not report them', async () => {
    const watch = vi.mocked(nodeFs.watch);
    watch.mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no watches left'), { code: 'ENOSPC' });
    });
    onTestFinished(() => {
      watch.mockReset();
    });
    const { control, until } = await followed();
    expect(watch).toHaveBeenCalled();
    for (const target of ['run:1', 'run:2']) await until(isEvent((await kill(control, target)).event.hash));
  });

  test('that follows before there is a control plane gets its first event', async () => {
    const { session } = await openSession();
    const { until, pushes } = listen(session.executor().connection);
    await until(isGap);
    pushes.length = 0;
    const control = await session.initialised();
    await until(isGap);
    await until(isEvent((await kill(control, 'run:1')).event.hash));
  });

  test('gets a gap when the folder is wiped or replaced, and then the events of the new one', async () => {
    const { session, control, head, executor, pushes, until } = await followed();
    await session.harness.copy();
    const lost = await kill(control, 'run:1');
    await until(isEvent(lost.event.hash));
    await session.harness.wipe();
    await until(isGap);
    expect(await executor.confirm(head)).toMatchObject({ head: null, events: null });
    pushes.length = 0;
    await session.harness.restore();
    await until(isGap);
    await until(isEvent((await kill(control, 'run:2')).event.hash));
    expect((await executor.confirm(lost.head)).events).toBe(null);
  });

  test('gets trouble once, and a gap when it ends', async () => {
    const { log, control, pushes, until } = await followed();
    await until(isEvent((await kill(control, 'run:1')).event.hash));
    const good = readFileSync(log);
    writeFileSync(log, 'hello\n');
    const trouble = await until((push) => push.type === 'trouble');
    expect(trouble).toMatchObject({ error: { code: 'CORRUPT', message: expect.stringContaining(log) } });
    appendFileSync(log, 'hello\n');
    pushes.length = 0;
    writeFileSync(`${log}.good`, good);
    renameSync(`${log}.good`, log);
    await until(isGap);
    expect(pushes.filter(({ type }) => type === 'trouble')).toEqual([]);
    await until(isEvent((await kill(control, 'run:2')).event.hash));
  });

  test('gets no half line, and the event once the line is whole', async () => {
    const { log, control, pushes, until, executor } = await followed();
    const { event } = await kill(control, 'run:1');
    await until(isEvent(event.hash));
    const whole = readFileSync(log);
    const next = await kill(control, 'run:2');
    await until(isEvent(next.event.hash));
    const line = readFileSync(log).subarray(whole.length);
    truncateSync(log, whole.length);
    await until(isGap);
    pushes.length = 0;
    appendFileSync(log, line.subarray(0, 30));
    expect((await executor.confirm(next.head)).events).toBe(null);
    expect(pushes).toEqual([]);
    appendFileSync(log, line.subarray(30));
    await until(isEvent(next.event.hash));
  });

  test('that throws keeps no push from others, and fails no request', async () => {
    const { session, executor } = await followed();
    executor.connection.follow(() => {
      throw new Error('a follower of the app');
    });
    const other = listen(executor.connection);
    const { head, event } = await kill(session.control(), 'run:1');
    expect((await executor.confirm(head)).events).toEqual([]);
    await other.until(isEvent(event.hash));
  });

  test('gets nothing after close, whatever happens to the folder', async () => {
    const { log, session, control, executor, pushes } = await followed();
    const planned = await plan(control, 'kill', { id: 'x', target: 'all', mode: 'full_stop', expires_at: null });
    await executor.connection.close();
    pushes.length = 0;
    const other = listen(session.executor().connection);
    await other.until(isGap);
    expect(await control.append(planned)).toBe(true);
    await other.until(isEvent(planned.event.hash));
    rmSync(dirname(log), { recursive: true });
    other.pushes.length = 0;
    await other.until(isGap);
    expect(pushes).toEqual([]);
    expect(await codeOf(executor.confirm(null))).toBe('CLOSED');
  });
});
