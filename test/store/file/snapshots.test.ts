import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { stateFrom } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { OpenedFile } from '../../../store/file/opened-file.ts';
import { kill, logOf } from '../../../testing/store/session.ts';
import { aroundAppend } from '../around-append.ts';
import { appendHistory, lastEvent } from './generate-log.ts';
import { codeOf, openSession } from './harness.ts';

async function controlPlane(directory: string) {
  const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  return control;
}

/** How many bytes this process reads while `work` goes on. */
async function bytesRead<T>(work: () => Promise<T>): Promise<[number, T]> {
  const read = vi.spyOn(OpenedFile.prototype, 'read');
  try {
    const result = await work();
    const reads = await Promise.all(read.mock.results.map(({ value }) => value as Promise<number>));
    const bytes = reads.reduce((sum, each) => sum + each, 0);
    expect(bytes).toBeGreaterThan(0);
    return [bytes, result];
  } finally {
    read.mockRestore();
  }
}

/** A switch with a long log, and a snapshot that one kill has left. */
async function longLog(count = 10_000) {
  const { session, directory, log } = await openSession();
  const control = await session.initialised();
  const first = await kill(control, 'run:first');
  const held = appendHistory(log, first.event, count);
  const operator = await controlPlane(directory);
  await operator.kill({ target: 'run:second' });
  await operator.close();
  const folder = dirname(log);
  const snapshots = (): string[] => readdirSync(folder).filter((name) => name.startsWith('snapshot-'));
  const { generation } = first.head;
  const headOf = ({ seq, hash }: { seq: number; hash: string }) => ({ generation, epoch: seq, hash, recovered: false });
  return { session, directory, log, folder, snapshots, first, held: headOf(held), headOf };
}

const BIT = 700_000;

test('a kill leaves a snapshot of a long log, and the next one reads only that and the later events', async () => {
  const { session, directory, log, snapshots } = await longLog(300_000);
  expect(snapshots()).toHaveLength(1);
  expect(lastEvent(log)).toMatchObject({ type: 'snapshot', actor: 'system' });
  expect(statSync(log).size).toBeGreaterThan(100 * BIT);

  const [forKill] = await bytesRead(async () => {
    const next = await controlPlane(directory);
    await next.kill({ target: 'all' });
    await next.close();
  });
  expect(forKill).toBeLessThan(BIT);
  expect(snapshots()).toHaveLength(1); // nothing has grown

  const [forStatus, status] = await bytesRead(async () => (await controlPlane(directory)).status());
  expect(forStatus).toBeLessThan(BIT);
  expect(status.kills.map(({ target }) => target).sort()).toEqual(['all', 'run:first', 'run:second']);

  const [forTail, tail] = await bytesRead(async () => {
    const control = await controlPlane(directory);
    const { epoch } = await control.head();
    const seqs: number[] = [];
    for await (const { seq } of control.log({ after: epoch - 3 })) seqs.push(seq - epoch);
    return seqs;
  });
  expect(tail).toEqual([-2, -1, 0]);
  expect(forTail).toBeLessThan(12 * BIT); // it is found by halving

  const [forStart, started] = await bytesRead(() => session.executor().connection.load(null, 'n'));
  expect(forStart).toBeLessThan(BIT);
  if (!started.head) throw new Error('no head');
  expect(stateFrom(started.entries, started.head).killCount).toBe(3);
  expect(await (await controlPlane(directory)).verifyLog()).toMatchObject({ ok: true, events: 300_005 });
}, 120_000);

test('an executor that slept while thousands of events came must load, and reads only what it missed', async () => {
  const { session, directory, log, headOf, held } = await longLog(100_000);
  const executor = session.executor();
  await executor.confirm(held);
  const slept = headOf(lastEvent(log));
  expect((await executor.confirm(slept)).events).toEqual([]);
  appendHistory(log, lastEvent(log), 2300);
  const operator = await controlPlane(directory);
  await operator.kill({ target: 'all' });
  const [bytes, answers] = await bytesRead(async () => [
    (await executor.confirm(slept)).events,
    (await executor.connection.load(slept, 'n')).linked,
  ]);
  expect(answers).toEqual(['reload', true]);
  expect(bytes).toBeLessThan(10 * BIT);
  expect(bytes).toBeLessThan(statSync(log).size / 4);
});

test('a head from before the snapshot is linked, and a foreign one is not', async () => {
  const { session, first, held, headOf, log } = await longLog(30_000);
  const lines = readFileSync(log, 'utf8').split('\n');
  const at = (line: number) => headOf(JSON.parse(lines[line] ?? ''));
  for (const old of [first.head, at(0), at(10_000), at(29_990), held]) {
    const executor = session.executor();
    expect((await executor.connection.load(old, 'n')).linked, `epoch ${old.epoch}`).toBe(true);
    expect((await executor.confirm(old)).events, `epoch ${old.epoch}`).not.toBe(null);
    expect((await session.control().load(old, 'n')).linked).toBe(true);
    const strange = { ...old, hash: 'a'.repeat(64) };
    expect((await session.executor().connection.load(strange, 'n')).linked).toBe(false);
    expect((await executor.confirm(strange)).events).toBe(null);
    expect((await executor.confirm(strange)).events).toBe(null);
    expect((await session.control().load(strange, 'n')).linked).toBe(false);
  }
});

test('an event that another one has replaced in the middle of the log is not found in it', async () => {
  const { session, log, headOf, held } = await longLog(30_000);
  // The events from 20,000 on are still there, before those that were put in their place: an executor that holds the
  // first of them has seen another log.
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const lost = JSON.parse(lines[20_000] ?? '');
  writeFileSync(log, `${lines.slice(0, 20_000).join('\n')}\n`);
  const before = lastEvent(log);
  const other = appendHistory(log, before, 1);
  appendFileSync(log, `${lines[20_000]}\n`);
  appendHistory(log, other, 20_000);
  expect((await session.executor().connection.load(headOf(lost), 'n')).linked).toBe(false);
  expect((await session.executor().connection.load(held, 'n')).linked).toBe(false);
});

const withoutKill = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('["kill:run:first"'))
    .join('\n');
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What may be wrong with a snapshot. The state is complete all the same. */
const DAMAGES: Readonly<Record<string, (path: string, text: string) => void>> = {
  gone: (path) => rmSync(path),
  torn: (path, text) => writeFileSync(path, text.slice(0, -30)),
  empty: (path) => writeFileSync(path, ''),
  'of another version': (path, text) => writeFileSync(path, text.replace('"version":1', '"version":2')),
  'without one kill': (path, text) => writeFileSync(path, withoutKill(text)),
  'lacking one kill, under the name of its new digest': (path, text) => {
    const edited = withoutKill(text);
    expect(edited).not.toBe(text);
    rmSync(path);
    writeFileSync(path.replace(/-[0-9a-f]{16}\./, `-${digestOf(edited).slice(0, 16)}.`), edited);
  },
  'of another place in the log': (path, text) =>
    writeFileSync(
      path,
      text.replace(/"offset":(\d+)/, (_all, offset) => `"offset":${Number(offset) - 1}`),
    ),
  'beside three newer ones that the log does not prove': (path, text) => {
    for (const number of [1, 2, 3]) {
      const epoch = 9_000_000 + number;
      writeFileSync(path.replace(/snapshot-\d+/, `snapshot-${epoch}`), withoutKill(text));
    }
  },
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`a snapshot that is ${name} is passed over, and changes nothing that is read`, async () => {
    const { session, directory, folder, snapshots } = await longLog();
    const path = join(folder, snapshots()[0] ?? '');
    damage(path, readFileSync(path, 'utf8'));
    const { head, entries } = await session.executor().connection.load(null, 'n');
    if (!head) throw new Error('no head');
    expect([...stateFrom(entries, head).activeKills()].map(({ target }) => target).sort()).toEqual([
      'run:first',
      'run:second',
    ]);
    const operator = await controlPlane(directory);
    await operator.kill({ target: 'all' });
    expect(await operator.verifyLog()).toMatchObject({ ok: true });
    await operator.close();
    expect((await (await controlPlane(directory)).status()).active_kills).toBe(3);
  });
}

test('a snapshot that was edited together with the event that proves it shows as a damaged log', async () => {
  const { session, log, folder, snapshots } = await longLog();
  await kill(session.control(), 'all');
  const path = join(folder, snapshots()[0] ?? '');
  const text = readFileSync(path, 'utf8');
  const edited = withoutKill(text);
  writeFileSync(path, edited);
  writeFileSync(log, readFileSync(log, 'utf8').replace(digestOf(text), digestOf(edited)));
  await expect(session.executor().connection.load(null, 'n')).rejects.toThrow('was changed after it was written');
});

test('snapshots that no longer help are removed, also those that a restored folder has brought', async () => {
  const { directory, log, folder, snapshots } = await longLog();
  for (let round = 0; round < 5; round += 1) {
    appendHistory(log, lastEvent(log), 10_000);
    const operator = await controlPlane(directory);
    await operator.kill({ target: `run:${round}` });
    await operator.close();
  }
  expect(snapshots()).toHaveLength(3);
  const newest = snapshots().sort().at(-1) ?? '';
  expect(newest).toBe(
    `snapshot-${lastEvent(log).data['epoch']}-${String(lastEvent(log).data['digest']).slice(0, 16)}.jsonl`,
  );
  const backup = `${folder}.backup`;
  cpSync(folder, backup, { recursive: true });
  copyFileSync(log, `${log}.new`);
  renameSync(`${log}.new`, log);
  expect((await (await controlPlane(directory)).status()).active_kills).toBe(7);
});

test('reading verbs leave no snapshot', async () => {
  const { session, directory, log } = await openSession();
  const first = await kill(await session.initialised(), 'run:first');
  appendHistory(log, first.event, 20_000);
  const { size } = statSync(log);
  const operator = await controlPlane(directory);
  await operator.status();
  await operator.verifyLog();
  await operator.close();
  expect(statSync(log).size).toBe(size);
  expect(readdirSync(dirname(log))).toEqual(['folders-made', 'log.jsonl']);
  expect(await logOf(session.control())).toHaveLength(20_002);
});

test('a load that took longer than its caller waited spares the next one', async () => {
  const { session, log } = await openSession();
  const first = await kill(await session.initialised(), 'run:first');
  appendHistory(log, first.event, 60_000);
  const { connection } = session.executor();
  const [bytes, head] = await bytesRead(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const late = codeOf(connection.load(null, 'n'));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await late).toBe('STORE_UNREACHABLE');
    vi.useRealTimers();
    return (await connection.load(null, 'n')).head;
  });
  expect(head?.epoch).toBe(60_002);
  expect(bytes).toBeLessThan(statSync(log).size + BIT);
});

test('a writer whose answer was lost looks for its event among the later ones, not in the whole log', async () => {
  const { directory, log } = await longLog(60_000);
  expect(statSync(log).size).toBeGreaterThan(16 * BIT);
  let lose = false;
  const store = aroundAppend(fileControlStore({ directory }), async (_changes, append) => {
    const appended = await append();
    if (!lose) return appended;
    lose = false;
    throw new Error('the answer was lost');
  });
  const control = await openControlPlane({ store, operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  await control.kill({ target: 'run:before' });
  lose = true;
  const [bytes, answer] = await bytesRead(() => control.kill({ target: 'all' }));
  expect(answer.kill.target).toBe('all');
  expect(bytes).toBeLessThan(5 * BIT);
  expect(await control.verifyLog()).toMatchObject({ ok: true });
});
