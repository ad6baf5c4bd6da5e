import { copyFileSync, renameSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type * as appending from '../../../store/file/append-lines.ts';
import { change, kill, logOf, plan } from '../../../testing/store/session.ts';
import { appendHistory, lastEvent } from './generate-log.ts';
import { openSession } from './harness.ts';

/** What happens once, right after lines were written and before their writer reads the log. */
const next = vi.hoisted(() => ({ meanwhile: async (): Promise<void> => {} }));
vi.mock('../../../store/file/append-lines.ts', async (original) => {
  const real = await original<typeof appending>();
  return {
    ...real,
    async appendLines(...given: Parameters<typeof appending.appendLines>) {
      await real.appendLines(...given);
      const { meanwhile } = next;
      next.meanwhile = async () => {};
      await meanwhile();
    },
  };
});

const KILL = { id: 'k', target: 'run:1', mode: 'full_stop', expires_at: null } as const;

test('a writer that was first learns it, however many others have appended before it looks', async () => {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const planned = await plan(control, 'kill', KILL);
  next.meanwhile = async () => void appendHistory(log, planned.event, 10_000);
  expect(await control.append(planned)).toBe(true);
});

test('a writer that was overtaken learns it, however many others have appended', async () => {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const planned = await plan(control, 'kill', KILL);
  appendHistory(log, lastEvent(log), 10_000);
  expect(await session.control().read([])).toMatchObject({ head: { epoch: 10_001 } });
  expect(await control.append(planned)).toBe(false);
  expect((await logOf(control)).some(({ hash }) => hash === planned.event.hash)).toBe(false);
});

test('a writer that was first learns it where the log is read from a later snapshot', async () => {
  const { session, log } = await openSession();
  const [control, other] = [await session.initialised(), session.control()];
  await kill(control, 'run:before');
  appendHistory(log, lastEvent(log), 10_000);
  const planned = await plan(control, 'kill', KILL);
  next.meanwhile = async () => {
    const mark = await other.snapshots?.keep();
    if (!mark) throw new Error('no snapshot was kept');
    await change(other, 'snapshot', mark);
    copyFileSync(log, `${log}.copy`); // the same log in another file, so that it is read anew
    renameSync(`${log}.copy`, log);
  };
  expect(await control.append(planned)).toBe(true);
});
