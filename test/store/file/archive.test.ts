import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { type LogEvent, readEvent, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { type ControlPlane, openControlPlane, verifyLogFile } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { archivable, growOn, growToState, planeOf } from './archivable.ts';
import { appendHistory, lastEvent } from './generate-log.ts';

const reason = 'the disk is filling up';

const logOf = async (control: ControlPlane, after = 0): Promise<LogEvent[]> => {
  const events: LogEvent[] = [];
  for await (const event of control.log({ after })) events.push(event);
  return events;
};

const linesOf = (file: string): LogEvent[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => readEvent(line));

const basesOf = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('archived-'));

/** Archives, and dies before anything is dropped. */
async function archivedNotDropped(directory: string, file: string): Promise<void> {
  const store = fileControlStore({ directory });
  const open: typeof store.open = (scope) => {
    const connection = store.open(scope);
    const drop = () => Promise.reject(new Error('it died'));
    return { ...connection, dropper: connection.dropper && { ...connection.dropper, drop } };
  };
  const control = await openControlPlane({ store: { ...store, open }, operator: { id: 'dana' } });
  await expect(control.archiveLog({ file, reason })).rejects.toThrow('it died');
  await control.close();
}

/** An executor in this process, until the test is over. */
async function executorOf(directory: string, name: string, anchor: string) {
  const executor = await createKillSwitch({
    store: fileStore({ directory, anchor }),
    agentId: 'worker',
    leaseMs: 1000,
    executor: { name },
    domain: randomUUID(),
  });
  onTestFinished(() => executor.close());
  return executor;
}

describe('a log of which the beginning is archived', () => {
  test('is in the file, takes less of the disk, and goes on for everybody', async () => {
    const { path, directory, log, epoch, file, onDisk, control: folder } = await archivable();
    const control = await planeOf(directory);
    const before = await logOf(control);
    const [size, blocks, { ino }] = [statSync(log).size, onDisk(), statSync(log)];
    const running = await executorOf(directory, 'running', join(path, 'running.anchor'));
    const act = running.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
    await expect(act(undefined)).resolves.toBe('done');

    const answer = await control.archiveLog({ file, reason });
    expect(answer).toMatchObject({ file, epoch, events: epoch, already: false, fingerprint: null });
    expect(linesOf(file)).toEqual(before.slice(0, epoch));
    expect([statSync(log).size > size, statSync(log).ino]).toEqual([true, ino]);
    expect(onDisk()).toBeLessThan(blocks - 2_000_000);
    expect(answer.freed).toBeGreaterThan(2_000_000);
    expect(basesOf(folder)).toHaveLength(1);
    await expect(act(undefined)).resolves.toBe('done');

    const recorded = lastEvent(log);
    expect(recorded).toMatchObject({ type: 'archive', actor: 'unverified:dana', reason });
    expect(recorded.data).toMatchObject({ head: { epoch }, events: epoch, first: before[0]?.hash });

    // Everybody who looks: this connection, a new one, executors that run and that start.
    for (const plane of [control, await planeOf(directory)]) {
      expect((await plane.head()).epoch).toBe(recorded.seq);
      expect((await logOf(plane)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: recorded.seq - epoch + 1 }, (_, index) => epoch + index),
      );
      expect(await logOf(plane, epoch)).toHaveLength(recorded.seq - epoch);
      expect(await logOf(plane, epoch - 1)).toHaveLength(recorded.seq - epoch + 1);
      await expect(logOf(plane, epoch - 2)).rejects.toMatchObject({ code: 'ARCHIVED' });
      await expect(logOf(plane, 1)).rejects.toMatchObject({ code: 'ARCHIVED' });
      expect(await plane.archived()).toMatchObject({ epoch });
      const verified = await plane.verifyLog();
      expect(verified).toMatchObject({ ok: true, archived: { epoch, events: epoch } });
      expect(verified.events).toBe(recorded.seq - epoch);
      expect(verified).not.toHaveProperty('undropped');
      expect(await plane.verifyLog({ against: file })).toMatchObject({ ok: true, against: { events: epoch } });
    }
    expect(await verifyLogFile(file)).toMatchObject({ ok: true, events: epoch });
    const started = await executorOf(directory, 'started', join(path, 'started.anchor'));
    const acts = started.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
    await expect(acts(undefined)).resolves.toBe('done');

    await control.kill({ target: 'agent:worker', waitMs: 5000 });
    for (const stopped of [act, acts])
      await expect(stopped.attempt(undefined)).resolves.toMatchObject({ status: 'blocked' });
    expect((await control.status()).kills.map(({ target }) => target)).toContain('agent:worker');
    await control.revive({ target: 'agent:worker', reason: 'tried' });
    await expect.poll(() => act.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
  }, 60_000);

  test('is archived again into the same file, which stays whole from the first event on', async () => {
    const { directory, log, epoch, file, path, onDisk, control: folder } = await archivable();
    const control = await planeOf(directory);
    const { head: first } = await control.archiveLog({ file, reason });
    const later = await growToState(directory, log);
    growOn(log);
    const before = onDisk();

    await expect(control.archiveLog({ file: join(path, 'another.jsonl'), reason })).rejects.toMatchObject({
      code: 'ARCHIVED',
      message: expect.stringContaining(`The events before epoch ${epoch} are archived`),
    });
    expect(existsSync(join(path, 'another.jsonl'))).toBe(false);
    expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch: later, events: later });
    expect(onDisk()).toBeLessThan(before - 2_000_000);
    expect(basesOf(folder)).toHaveLength(1);
    expect(linesOf(file).map(({ seq }) => seq)).toEqual(Array.from({ length: later }, (_, index) => index + 1));
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true, archived: { epoch: later } });
    // One that was held up since the first time drops nothing now, and takes nothing away that is needed.
    const connection = fileControlStore({ directory }).open({ organizationId: 'default', requestTimeoutMs: 10_000 });
    onTestFinished(() => connection.close());
    await expect(connection.dropper?.drop(first, async () => {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(basesOf(folder)).toHaveLength(1);
    expect(await (await planeOf(directory)).verifyLog()).toMatchObject({ ok: true, archived: { epoch: later } });
  }, 60_000);

  test('is exported whole into a copy of the archive, and not without one', async () => {
    const { directory, epoch, file, path } = await archivable();
    const control = await planeOf(directory);
    await control.archiveLog({ file, reason });
    const whole = join(path, 'whole.jsonl');
    await expect(control.exportLog({ file: whole })).rejects.toMatchObject({ code: 'ARCHIVED' });
    await expect(control.exportLines()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ARCHIVED' });
    const older = join(path, 'older.jsonl');
    writeFileSync(older, readFileSync(file, 'utf8').split('\n').slice(0, 100).join('\n') + '\n');
    await expect(control.exportLog({ file: older })).rejects.toMatchObject({ code: 'ARCHIVED' });
    await expect(control.verifyLog({ against: older })).rejects.toMatchObject({
      code: 'ARCHIVED',
      message: expect.stringMatching(
        new RegExp(`ends at epoch 100, and the events before epoch ${epoch} are archived.*log verify FILE --against`),
      ),
    });

    copyFileSync(file, whole);
    const { epoch: last } = await control.head();
    expect(await control.exportLog({ file: whole })).toMatchObject({ events: last, head: { epoch: last } });
    expect(await verifyLogFile(whole, { against: file })).toMatchObject({ ok: true, events: last });
    await control.kill({ target: 'agent:x' });
    expect(await control.verifyLog({ against: whole })).toMatchObject({ ok: true, against: { events: last } });
    expect(await control.exportLog({ file: whole })).toMatchObject({ events: last + 1 });
  }, 60_000);

  test('is never written over: no file of the store is taken for the archive, under whatever name', async () => {
    const { directory, log, path, epoch } = await archivable();
    const control = await planeOf(directory);
    const [linked, hard, inside] = [join(path, 'linked'), join(path, 'hard'), join(directory, 'new.jsonl')];
    symlinkSync(log, linked);
    linkSync(log, hard);
    const before = readFileSync(log);
    for (const file of [log, linked, hard, inside, join(directory, 'control/../control/default/log.jsonl')]) {
      for (const write of [() => control.archiveLog({ file, reason }), () => control.exportLog({ file })])
        await expect(write(), file).rejects.toThrow('is a file of the store itself');
    }
    expect(readFileSync(log).equals(before)).toBe(true);
    expect(existsSync(inside)).toBe(false);
    await expect(control.archiveLog({ file: path, reason })).rejects.toThrow(
      /^Nothing was written\. .* is there, and is no/,
    );
    // Also where an archiving was interrupted once its event was recorded.
    await archivedNotDropped(directory, join(path, 'gone.jsonl'));
    await expect(control.archiveLog({ file: log, reason })).rejects.toThrow('is a file of the store itself');
    expect(await control.verifyLog()).toMatchObject({ ok: true, undropped: epoch });
    // The file that was written then is gone: another one does, since all of it is still in the log.
    rmSync(join(path, 'gone.jsonl'));
    const another = join(path, 'another.jsonl');
    expect(await control.archiveLog({ file: another, reason })).toMatchObject({ already: true, epoch });
    expect(await control.verifyLog({ against: another })).toMatchObject({ ok: true, archived: { events: epoch } });
  }, 60_000);

  test('takes a whole export as its archive, and one that is signed', async () => {
    const { directory, epoch, file } = await archivable();
    const control = await planeOf(directory);
    const exported = await control.exportLog({ file });
    expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch, events: epoch });
    expect(await verifyLogFile(file)).toMatchObject({ ok: true, events: exported.events });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
  }, 60_000);

  test('is verified beside that as often as one likes: it is always whole', async () => {
    const { directory, log, file } = await archivable();
    const control = await planeOf(directory);
    const viewer = await planeOf(directory);
    let [verified, isOver] = [0, false];
    const verifying = (async () => {
      for (; !isOver; verified += 1) expect(await viewer.verifyLog()).toMatchObject({ ok: true });
    })();
    for (let round = 0; round < 3; round += 1) {
      await control.archiveLog({ file, reason });
      await growToState(directory, log);
      growOn(log);
    }
    isOver = true;
    await verifying;
    expect(verified).toBeGreaterThan(0);
  }, 120_000);

  test('lets nobody read what is not there: a follower says so', async () => {
    const { directory, epoch, file } = await archivable();
    const control = await planeOf(directory);
    await control.archiveLog({ file, reason });
    const from = (after: number) => control.follow({ after })[Symbol.asyncIterator]();
    await expect(from(3).next()).rejects.toMatchObject({ code: 'ARCHIVED' });
    const all = from(0);
    expect((await all.next()).value).toMatchObject({ seq: epoch });
    await all.return?.();
  }, 60_000);
});

describe('what writers have left in a log that is archived', () => {
  test('a line of one that slept since before that place is passed over, and one after missing lines is damage', async () => {
    const { directory, log, epoch, file } = await archivable();
    const control = await planeOf(directory);
    const [old] = (await logOf(control, 99)).slice(0, 1);
    const state = await control.status();
    await control.archiveLog({ file, reason });
    const late = (seq: number, prev: string): string =>
      serializeEvent(
        sealEvent({
          ...{ seq, at: '2026-01-01T00:00:00.000Z', actor: 'unverified:late', type: 'kill', reason: null, prev },
          data: { id: 'k', target: 'agent:late', mode: 'full_stop', expires_at: null },
        }),
      );
    appendFileSync(log, `${late(101, old?.hash ?? '')}\n`);
    for (const plane of [control, await planeOf(directory)]) {
      await plane.kill({ target: 'agent:x' });
      expect((await plane.status()).kills.map(({ target }) => target)).not.toContain('agent:late');
      expect(await plane.verifyLog({ against: file })).toMatchObject({ ok: true });
    }
    expect((await control.status()).epoch).toBeGreaterThan(state.epoch);
    appendFileSync(log, `${late(epoch + 3000, 'a'.repeat(64))}\n`);
    expect(await (await planeOf(directory)).verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('lines were removed'),
    });
  }, 60_000);

  test('zero bytes that a power failure has left are not taken for what was dropped', async () => {
    const { directory, log, epoch, control: folder } = await archivable();
    const torn = `${'\0'.repeat(300_000)}\x18\n`;
    for (let n = 0; n < 2; n += 1) {
      const last = lastEvent(log);
      appendFileSync(log, torn);
      appendHistory(log, last, 1200);
    }
    const control = await planeOf(directory);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await control.archiveLog({ file: join(folder, '../../../archive.jsonl'), reason });
    for (const plane of [control, await planeOf(directory)]) {
      for (const after of [epoch - 1, epoch, epoch + 1300, epoch + 2000]) {
        const [first] = await logOf(plane, after);
        expect(first?.seq).toBe(after + 1);
      }
      expect(await plane.verifyLog()).toMatchObject({ ok: true, archived: { epoch } });
    }
  }, 60_000);
});

describe('nothing is archived', () => {
  test('of the last thousand events, of what is younger, or where no state is kept', async () => {
    const { directory, log, epoch, file } = await archivable();
    const control = await planeOf(directory);
    const refused = (options: object) => control.archiveLog({ file, reason, ...options });
    await expect(refused({ epoch: epoch - 1 })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringContaining(`epoch ${epoch} (later than epoch ${epoch - 1})`),
    });
    await expect(refused({ before: '2020-01-01T00:00:00Z' })).rejects.toThrow('is not before 2020-01-01T00:00:00.000Z');
    await expect(refused({ reason: '' })).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    expect([existsSync(file), lastEvent(log).type]).toEqual([false, 'revive']);
    const newest = await growToState(directory, log);
    await expect(refused({ before: '2020-01-01T00:00:00Z' })).rejects.toThrow(
      `epoch ${newest} (among the last 1000 events)`,
    );
    expect(await refused({})).toMatchObject({ epoch });
    await expect(refused({})).rejects.toThrow(`epoch ${epoch} (archived already)`);
    expect(await (await planeOf(directory)).verifyLog()).toMatchObject({ ok: true });
  }, 60_000);

  test('that an executor has still to read, until it is forgotten', async () => {
    const { directory, log, epoch, file, path } = await archivable();
    const control = await planeOf(directory);
    const old = await executorOf(directory, 'mailer', join(path, 'mailer.anchor'));
    const beats = join(directory, 'executors', 'default', 'beats');
    await expect.poll(() => existsSync(beats) && readdirSync(beats).length).toBe(1);
    const beat = JSON.parse(readFileSync(join(beats, readdirSync(beats)[0] ?? ''), 'utf8'));
    const [held] = await logOf(control, 10);
    const stale = { ...beat, id: 'gone', name: 'gone', applied: { ...beat.applied, epoch: 11, hash: held?.hash } };
    writeFileSync(join(beats, 'gone.json'), JSON.stringify(stale));
    await expect(control.archiveLog({ file, reason })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringMatching(/gone \(at epoch 11\).*kill-switch executors forget .*gone/),
    });
    expect(lastEvent(log).type).toBe('revive');
    await control.forgetExecutor('gone');
    expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch });
    await old.close();
  }, 60_000);

  test('of which somebody has still to be told, or where nobody can tell that', async () => {
    const { path } = temporaryFolder('archive-alerts');
    const directory = join(path, 'switch');
    const [log, file] = [join(directory, 'control', 'default', 'log.jsonl'), join(path, 'archive.jsonl')];
    const control = await planeOf(directory);
    await control.init();
    const to = 'https://hooks.example.com/x';
    await control.addAlert({ name: 'kills', to, events: ['kill'] });
    await control.addAlert({ name: 'drills', to, events: ['drill'] });
    const epoch = await growToState(directory, log);
    growOn(log);
    const archive = () => control.archiveLog({ file, reason });
    const waits = (name: string) => ({ code: 'INVALID_STATE', message: expect.stringContaining(`: ${name}.`) });
    await expect(archive()).rejects.toMatchObject(waits('kills'));
    await control.removeAlert({ name: 'kills', reason: 'nobody reads them' });
    // None of these tells of a drill, but nobody has read so far.
    appendHistory(log, lastEvent(log), 11_000);
    expect((await control.alerts()).data).toMatchObject([{ name: 'drills', waiting: null }]);
    await expect(archive()).rejects.toMatchObject(waits('drills'));
    expect(existsSync(file)).toBe(false);
    await control.removeAlert({ name: 'drills', reason: 'nobody reads them' });
    // What waits of later changes does not keep the log: those stay.
    await control.addAlert({ name: 'later', to, events: ['kill'] });
    await control.kill({ target: 'agent:x' });
    expect((await control.alerts()).data).toMatchObject([{ name: 'later', waiting: 1 }]);
    expect(await archive()).toMatchObject({ already: false, epoch });
    expect((await control.alerts()).data).toMatchObject([{ name: 'later', waiting: 1 }]);
  }, 60_000);

  test('by somebody who is no admin', async () => {
    const { directory, file } = await archivable();
    const control = await openControlPlane({
      store: fileControlStore({ directory }),
      operator: { id: 'ann', roles: ['restorer'] },
    });
    onTestFinished(() => control.close());
    await expect(control.archiveLog({ file, reason })).rejects.toMatchObject({ code: 'ROLE_REQUIRED' });
    expect(existsSync(file)).toBe(false);
  }, 60_000);
});

describe('an executor that was last there before what is archived', () => {
  test('stays stopped and says why; a restored backup is still found', async () => {
    const { path, directory, log, epoch, file, control: folder } = await archivable();
    const anchor = join(path, 'job.anchor');
    // A job that ran when the log had ten events, and has left.
    const early = join(path, 'early');
    cpSync(directory, early, { recursive: true });
    const earlyLog = join(early, 'control', 'default', 'log.jsonl');
    writeFileSync(earlyLog, readFileSync(log, 'utf8').split('\n').slice(0, 10).join('\n') + '\n');
    const job = await executorOf(early, 'job', anchor);
    await job.close();
    expect(existsSync(anchor)).toBe(true);
    const backup = join(path, 'backup');
    cpSync(folder, backup, { recursive: true });

    const control = await planeOf(directory);
    await control.archiveLog({ file, reason });
    const returned = await executorOf(directory, 'job', anchor);
    const act = returned.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
    await expect(act.attempt(undefined)).resolves.toMatchObject({
      status: 'blocked',
      decision: {
        cause: {
          kind: 'fault',
          code: 'ARCHIVED',
          message: expect.stringContaining(`before epoch ${epoch} are archived`),
        },
      },
    });
    // It stops nobody else, is shown to operators, and breaks nothing that they look at.
    const other = await executorOf(directory, 'other', join(path, 'other.anchor'));
    const acts = other.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
    await expect(acts(undefined)).resolves.toBe('done');
    expect(await control.status()).toMatchObject({ forks: [] });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await expect(act.attempt(undefined)).resolves.toMatchObject({ status: 'blocked' });
    await control.recover({ reason: 'it is the right store' });
    await expect.poll(() => act.attempt(undefined), { timeout: 10_000 }).toMatchObject({ status: 'executed' });
    await returned.close();

    // The store as it was before the kill that the other one has seen.
    await control.kill({ target: 'agent:x', waitMs: 5000 });
    await control.close();
    rmSync(folder, { recursive: true });
    cpSync(backup, folder, { recursive: true });
    await expect
      .poll(() => acts.attempt(undefined), { timeout: 10_000 })
      .toMatchObject({ status: 'blocked', decision: { cause: { code: 'GENERATION_CHANGED' } } });
  }, 60_000);
});

describe('an edit of what an archived log begins with is found', () => {
  async function archived() {
    const scene = await archivable();
    const control = await planeOf(scene.directory);
    await control.archiveLog({ file: scene.file, reason });
    await control.close();
    const base = join(scene.control, basesOf(scene.control)[0] ?? '');
    const snapshots = readdirSync(scene.control).filter((name) => name.startsWith('snapshot-'));
    return { ...scene, base, snapshots: snapshots.map((name) => join(scene.control, name)) };
  }

  test('the state was changed, or is gone', async () => {
    const { directory, path, base, snapshots } = await archived();
    for (const name of snapshots) rmSync(name);
    const text = readFileSync(base, 'utf8');
    expect(text).toContain('"mode":"draft_only"');
    for (const changed of [text.replace('"mode":"draft_only"', '"mode":"live"'), null]) {
      rmSync(base);
      if (changed !== null) writeFileSync(base, changed);
      const control = await planeOf(directory);
      expect(await control.verifyLog().catch(({ code }) => ({ ok: false, code }))).toMatchObject({ ok: false });
      await expect(control.status()).rejects.toMatchObject({ code: 'CORRUPT' });
      if (changed === null)
        await expect(control.verifyLog()).rejects.toThrow(
          /is missing or was changed\. Put that file back as it was\.$/,
        );
      const executor = await executorOf(directory, 'w', join(path, 'w.anchor'));
      const act = executor.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
      await expect(act.attempt(undefined)).resolves.toMatchObject({
        status: 'blocked',
        decision: { cause: { code: 'STORE_CORRUPT' } },
      });
    }
    writeFileSync(base, text);
    expect(await (await planeOf(directory)).verifyLog()).toMatchObject({ ok: true });
  }, 60_000);

  test('the state was changed where a later one is kept too, so that nobody reads it', async () => {
    const { directory, log, base } = await archived();
    await growToState(directory, log);
    rmSync(base.replace('archived-', 'snapshot-'), { force: true });
    writeFileSync(base, readFileSync(base, 'utf8').replace('"mode":"draft_only"', '"mode":"live"'));
    const control = await planeOf(directory);
    expect((await control.status()).mode).toBe('draft_only');
    expect(await control.verifyLog()).toMatchObject({ ok: false, problem: expect.stringContaining('it was changed') });
  }, 60_000);

  test('the event that names the archive was removed', async () => {
    const { directory, log, epoch } = await archived();
    const control = await planeOf(directory);
    const size = statSync(log).size;
    const line =
      readFileSync(log)
        .subarray(0, size - 1)
        .lastIndexOf(0x0a) + 1;
    const kept = readFileSync(log);
    truncateSync(log, line);
    expect(await control.verifyLog()).toMatchObject({
      ok: false,
      problem: `The log begins at epoch ${epoch}, and no event of it says that it was archived up to there.`,
    });
    writeFileSync(log, kept);
    await control.kill({ target: 'agent:x' });
    const text = readFileSync(log, 'latin1');
    const at = text.indexOf('"type":"archive"');
    const [from, to] = [text.lastIndexOf('\n', at) + 1, text.indexOf('\n', at) + 1];
    writeFileSync(log, text.slice(0, from) + text.slice(to), 'latin1');
    const fresh = await planeOf(directory);
    expect(await fresh.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('lines were removed'),
    });
  }, 60_000);

  test('the archive was changed, cut, or is of another log', async () => {
    const { directory, file, path } = await archived();
    const other = await archivable();
    const control = await planeOf(directory);
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n');
    const FILES: ReadonlyArray<readonly [string, string]> = [
      [text.replace('as every day', 'as every way'), 'does not verify by itself'],
      [[...lines.slice(0, 50), ...lines.slice(51)].join('\n'), 'does not verify by itself'],
      [lines.slice(0, -3).join('\n'), 'it was cut off'],
      [readFileSync(other.log, 'utf8'), 'that is of another control plane'],
    ];
    for (const [content, problem] of FILES) {
      const against = join(path, 'against.jsonl');
      writeFileSync(against, content);
      expect(await control.verifyLog({ against })).toMatchObject({
        ok: false,
        problem: expect.stringContaining(problem),
      });
      await expect(control.exportLog({ file: against })).rejects.toThrow();
    }
  }, 60_000);
});
