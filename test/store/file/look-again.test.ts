import { randomUUID } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { expect, test, vi } from 'vitest';
import { serializeEvent } from '../../../flags/index.ts';
import { plan, pushesOf } from '../../../testing/store/session.ts';
import { openSession } from './harness.ts';

vi.mock('node:fs', { spy: true });

/** Changes of the folder are reported when the test says so, and at no other time. */
const watching = vi.hoisted(() => ({ onChange: (): void => {} }));
vi.mock('../../../store/file/watch-log.ts', () => ({
  watchLog(path: string, onChange: () => void) {
    if (!path.endsWith('stops')) watching.onChange = onChange;
    return () => {};
  },
}));

/** Resolves when the log is about to be read, up to where it ends now. */
async function aboutToRead(): Promise<void> {
  const { read } = vi.mocked(nodeFs);
  for (read.mockClear(); read.mock.calls.length === 0; ) await new Promise((resolve) => process.nextTick(resolve));
}

test('an event that comes while reading the log fails is read as well', async () => {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const executor = session.executor();
  await executor.confirm(null);
  const next = await plan(control, 'kill', {
    id: randomUUID(),
    target: 'run:1',
    mode: 'full_stop',
    expires_at: null,
  });
  const pushes = pushesOf(executor.connection);
  const line = serializeEvent(next.event);
  nodeFs.appendFileSync(log, `${line.slice(0, 40)}\n`); // a writer that died, and whose line another one has ended
  watching.onChange();
  await aboutToRead();
  nodeFs.appendFileSync(log, `${line}\n`);
  watching.onChange();
  await pushes.until('the kill', () => pushes.events.length > 0);
  expect(pushes.events).toEqual([next.event]);
});
