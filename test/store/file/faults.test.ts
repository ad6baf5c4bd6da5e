import * as files from 'node:fs';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { networkFileSystem } from '../../../store/file/network-filesystem.ts';
import { change, kill, logOf, plan } from '../../../testing/store/session.ts';
import { codeOf, headOf, mayMount, mounted, openSession } from './harness.ts';

vi.mock('node:fs', { spy: true });
vi.mock('node:fs/promises', { spy: true });

/** Does this in the place of the next write to a log. */
function atNextWrite(write: (bytes: Buffer) => { readonly error: Error | null }): void {
  vi.mocked(files.write as (...args: unknown[]) => void).mockImplementationOnce((...args) => {
    const [, bytes] = args as [number, Buffer];
    const answer = args.at(-1) as (error: Error | null, count: number) => void;
    const { error } = write(bytes);
    setImmediate(() => answer(error, bytes.length));
  });
}

const executorsOf = (log: string): string => dirname(log).replace('/control/', '/executors/');

/** Does `work` as another user, who owns these folders; only root can. */
async function asNobody<T>(owned: readonly string[], work: () => Promise<T>): Promise<T> {
  const nobody = 65_534;
  for (const path of owned) chownSync(path, nobody, nobody);
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

const isRoot = process.geteuid?.() === 0;

async function live() {
  const { session, directory, log } = await openSession();
  const control = await session.initialised();
  const { head } = await kill(control, 'run:1');
  const executor = session.executor();
  await executor.confirm(head);
  return { session, directory, log, control, head, executor };
}

describe('a confirmation is refused, though the log can be read,', () => {
  test.skipIf(!mayMount)(
    'when the control folder is on a read-only mount, and given again when it is writable',
    async () => {
      const { control, log, head, executor } = await live();
      const folder = dirname(log);
      expect(mounted(folder, '--bind', folder)).toBe(true);
      expect(mounted(folder, '-o', 'remount,ro,bind')).toBe(true);
      expect(await codeOf(executor.confirm(head))).toBe('STORE_READ_ONLY');
      expect((await executor.connection.load(head, 'n')).linked).toBe(true);
      const planned = await plan(control, 'kill', { id: 'x', target: 'all', mode: 'full_stop', expires_at: null });
      await expect(control.append(planned)).rejects.toThrow(
        `${log} cannot be written: EROFS. The file system is mounted read-only`,
      );
      mounted(folder, '-o', 'remount,rw,bind');
      expect((await executor.confirm(head)).events).toEqual([]);
      expect(await control.append(planned)).toBe(true);
    },
  );

  test.skipIf(!mayMount || !isRoot)(
    'when the control folder is on a read-only mount and belongs to another user',
    async () => {
      const { log, head, executor } = await live();
      const folder = dirname(log);
      chmodSync(folder, 0o755);
      expect(mounted(folder, '--bind', folder)).toBe(true);
      expect(mounted(folder, '-o', 'remount,ro,bind')).toBe(true);
      const own = [executorsOf(log), `${executorsOf(log)}/beats`];
      expect(await asNobody(own, () => codeOf(executor.confirm(head)))).toBe('STORE_READ_ONLY');
    },
  );

  test.skipIf(!isRoot)('when its owner has write-protected the control folder or the log', async () => {
    const { log, head, executor } = await live();
    const own = [dirname(log), log, executorsOf(log), `${executorsOf(log)}/beats`];
    for (const [path, locked, open] of [
      [dirname(log), 0o555, 0o755],
      [log, 0o444, 0o644],
    ] as const) {
      chmodSync(path, locked);
      expect(await asNobody(own, () => codeOf(executor.confirm(head)))).toBe('STORE_READ_ONLY');
      chmodSync(path, open);
      expect(await asNobody(own, () => codeOf(executor.confirm(head)))).toBe('no error');
    }
  });

  test.skipIf(!mayMount)('when the disk of the log is full', async () => {
    const { session, directory } = await openSession();
    expect(mounted(join(directory, 'control'), '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')).toBe(true);
    const control = await session.initialised();
    const head = await headOf(control);
    const executor = session.executor();
    expect((await executor.confirm(head)).events).toEqual([]);
    const filler = join(directory, 'control/filler');
    writeFileSync(filler, Buffer.alloc(1024 * 1024 - 40 * 1024));
    await expect(executor.confirm(head)).rejects.toThrow(/control.* is full .* takes no kill/);
    rmSync(filler);
    expect((await executor.confirm(head)).events).toEqual([]);
  });

  test.skipIf(!mayMount)('when the disk of the executors is full', async () => {
    const { session, directory } = await openSession();
    expect(mounted(join(directory, 'executors'), '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')).toBe(true);
    const head = await headOf(await session.initialised());
    const executor = session.executor();
    await executor.confirm(head);
    const filler = join(directory, 'executors/filler');
    expect(() => writeFileSync(filler, Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
    expect(await codeOf(executor.confirm(head))).toBe('STORE_READ_ONLY');
    rmSync(filler);
    expect((await executor.confirm(head)).events).toEqual([]);
    expect(readdirSync(join(directory, 'executors/default/beats'))).toHaveLength(1);
  });

  test('once, when the folder of the executors has gone, since the reports of others in it are lost', async () => {
    const { log, head, executor } = await live();
    rmSync(executorsOf(log), { recursive: true });
    expect(await codeOf(executor.confirm(head))).toBe('STORE_UNREACHABLE');
    expect((await executor.confirm(head)).events).toEqual([]);
  });

  test('when there is a file in the place of the executors’ folder', async () => {
    const { log, head, executor } = await live();
    rmSync(executorsOf(log), { recursive: true });
    writeFileSync(executorsOf(log), '');
    await expect(executor.confirm(head)).rejects.toThrow(
      'is not a folder of its own: there is a link or a file where a folder belongs',
    );
  });
});

test.skipIf(!isRoot)('an executor of another user, who may not write the log, confirms as any other', async () => {
  const { log, head, executor } = await live();
  chmodSync(dirname(log), 0o755);
  chmodSync(log, 0o644);
  const own = [executorsOf(log), `${executorsOf(log)}/beats`];
  expect(await asNobody(own, () => executor.confirm(head))).toMatchObject({ head, events: [] });
});

test.skipIf(!isRoot)('an executor that may not read the log gets an error that says so', async () => {
  const { log, head, executor } = await live();
  chmodSync(log, 0o600);
  const own = [executorsOf(log), `${executorsOf(log)}/beats`];
  const refused = asNobody(own, () => executor.confirm(head));
  await expect(refused).rejects.toThrow(`${log} cannot be read: EACCES. This user has no permission`);
});

test('an executor makes no store where there is none, and nothing in the place of one that was moved away', async () => {
  const { session, directory } = await openSession();
  const executor = session.executor();
  expect(await executor.confirm(null)).toEqual({ head: null, events: 'reload', forkReported: false });
  expect(existsSync(directory)).toBe(false);

  const { head } = await (await session.initialised()).read([]);
  expect((await executor.confirm(head)).events).toEqual([]);
  renameSync(directory, `${directory}.away`);
  expect(await executor.confirm(head)).toEqual({ head: null, events: null, forkReported: false });
  await expect(executor.connection.shelf.put('surfaces', 'x', '[]')).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
  });
  await expect(executor.connection.shelf.appendInterventions(['{}'])).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
  });
  expect(existsSync(directory)).toBe(false);
  renameSync(`${directory}.away`, directory);
  expect((await executor.confirm(head)).events).toEqual([]);

  renameSync(join(directory, 'executors'), join(directory, 'away'));
  // all reports are gone, and this once others may come too late
  await expect(executor.confirm(head)).rejects.toThrow(join(directory, 'executors'));
  expect((await executor.confirm(head)).events).toEqual([]);
  expect(readdirSync(directory).sort()).toEqual(['away', 'control', 'executors']);
});

test.skipIf(!mayMount)(
  'a change of which only half fits on the disk does not count, and the next one does',
  async () => {
    const { session, directory, log } = await openSession();
    expect(mounted(join(directory, 'control'), '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs')).toBe(true);
    const control = await session.initialised();
    await change(control, 'flags', { definition: { filler: 'x'.repeat(50_000) } });
    const head = await headOf(control);
    const size = statSync(log).size;
    const big = await plan(control, 'flags', { definition: { filler: 'y'.repeat(100_000) } });
    await expect(control.append(big)).rejects.toThrow(
      /Only \d+ of \d+ bytes could be written .*the disk is probably full/,
    );
    expect(statSync(log).size).toBeGreaterThan(size);
    expect(await headOf(control)).toEqual(head);
    expect(await headOf(session.control())).toEqual(head);
    truncateSync(log, size + 10); // what is left of it when there is room again
    const next = await kill(control, 'all');
    expect(next.event.seq).toBe(big.event.seq);
    expect((await logOf(session.control())).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(readFileSync(log, 'utf8')).toMatch(/[^\n]\n\{[^\n]+\n$/);
  },
);

test('a line that was appended to a dying writer’s half line is written once more', async () => {
  const { control, session, log, head } = await live();
  const written = vi.mocked(files.write);
  written.mockClear();
  atNextWrite((bytes) => {
    files.appendFileSync(log, Buffer.concat([Buffer.from('{"actor":"unveri'), bytes]));
    return { error: null };
  });
  const next = await kill(control, 'all');
  expect(written).toHaveBeenCalledTimes(2);
  expect(next.event.prev).toBe(head.hash);
  expect(await headOf(session.control())).toEqual(next.head);
});

test('a change is on the disk before it is acknowledged, and so are the folders of a new log', async () => {
  const { session, log } = await openSession();
  const handle = await fs.open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const sync = vi.spyOn(prototype, 'sync');
  onTestFinished(() => sync.mockRestore());
  const opened = vi.mocked(files.openSync);
  opened.mockClear();
  const [datasync, written] = [vi.mocked(files.fdatasync), vi.mocked(files.write)];
  for (const each of [datasync, written]) each.mockClear();
  /** How often the log was opened so that what is written there is on the disk when the write returns. */
  const synced = (): number =>
    process.platform === 'linux'
      ? opened.mock.calls.filter(
          ([path, flags], index) =>
            path === log && Number(flags) & files.constants.O_DSYNC && opened.mock.results[index]?.type === 'return',
        ).length
      : datasync.mock.calls.length;
  const control = await session.initialised();
  expect([synced(), written.mock.calls.length, sync.mock.calls.length]).toEqual([1, 1, 4]);
  await kill(control, 'all');
  expect([synced(), written.mock.calls.length, sync.mock.calls.length]).toEqual([2, 2, 4]);
});

test('a change whose bytes did not reach the disk is not acknowledged', async () => {
  const { session } = await openSession();
  const control = await session.initialised();
  const planned = await plan(control, 'kill', { id: 'x', target: 'all', mode: 'full_stop', expires_at: null });
  atNextWrite(() => ({ error: Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }) }));
  await expect(control.append(planned)).rejects.toThrow('EIO. The disk reports an error');
});

test('executors and operators refuse network file systems, with the reason', async () => {
  const { session } = await openSession();
  const [control, executor] = [session.control(), session.executor()];
  const statfs = vi.mocked(fs.statfs);
  const nfs = Object.assign(await fs.statfs('/'), { type: 0x6969 });
  statfs.mockResolvedValue(nfs);
  onTestFinished(() => {
    statfs.mockReset();
  });
  for (const refused of [
    executor.confirm(null),
    executor.connection.load(null, 'n'),
    control.read([]),
    control.load(null, 'n'),
  ]) {
    await expect(refused).rejects.toMatchObject({
      code: 'NETWORK_FILESYSTEM',
      message: expect.stringContaining('NFS'),
    });
  }
});

test('network file systems are recognised by their numbers, also by negative ones', () => {
  expect([0x6969, 0xff534d42, 0xff534d42 | 0, 0x00c36400, 0x0bd00bd0].map(networkFileSystem)).toEqual([
    'NFS',
    'CIFS',
    'CIFS',
    'Ceph',
    'Lustre',
  ]);
  expect([0xef53, 0x01021994, 0x9123683e, 0x58465342].map(networkFileSystem)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a request to a disk that does not answer fails in time', async () => {
  const { head, executor, session } = await live();
  const statfs = vi.mocked(fs.statfs);
  let answer = (): void => {};
  const waiting = new Promise<never>((_resolve, reject) => {
    answer = () => reject(new Error('late'));
  });
  // on a slow machine the request may have failed before it got here; the error is the same
  waiting.catch(() => {});
  const scope = { organizationId: 'default', executorId: 'slow', executorName: 'slow', requestTimeoutMs: 50 };
  const slow = session.harness.store.open(scope);
  statfs.mockReturnValueOnce(waiting);
  const beat = { ...executor.beat(head), id: 'slow' };
  await expect(slow.confirm(beat, 'n')).rejects.toThrow('did not answer (confirm) within 50 ms');
  answer();
  await expect.poll(() => codeOf(slow.confirm(beat, 'n'))).toBe('no error');
  await slow.close();
});
