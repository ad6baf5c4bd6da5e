import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { entryKey, isKillSwitchError, type LogEvent, nextChange, readEvent } from '../../../flags/index.ts';
import { createKillSwitch } from '../../../index.ts';
import { type ControlPlane, openControlPlane, verifyLogFile } from '../../../operator/index.ts';
import { viewerUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { hasRedis } from '../../servers/index.ts';
import { DEFAULT_SCOPE, urlOf } from './acl-users.ts';
import { archivable, grow, keys, logIn, planeOf } from './archivable.ts';
import { beat, openExecutor } from './harness.ts';
import type { LogDropper } from '../../../store/capabilities/archive.ts';

const reason = 'memory is filling up';

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

/** An executor in this process, until the test is over; what it does is in the list. */
async function executorOf(url: string, name: string, anchor: string) {
  const executor = await createKillSwitch({
    store: redisStore({ url, anchor }),
    agentId: 'worker',
    leaseMs: 1000,
    executor: { name },
    domain: randomUUID(),
  });
  onTestFinished(() => executor.close());
  const act = executor.action({ name: 'note.write', effect: 'read', execute: async () => 'done' });
  return { act, close: () => executor.close() };
}

describe.skipIf(!hasRedis)('a log in Redis of which the beginning is archived', () => {
  test('is in the file, takes less memory, and goes on for everybody', async () => {
    const { redis, path, archiver, operator, epoch, file } = await archivable();
    const control = await planeOf(archiver);
    const before = await logOf(control);
    const running = await executorOf(redis.url, 'running', join(path, 'running.anchor'));
    await expect.poll(() => running.act.attempt(undefined)).toMatchObject({ status: 'executed' });

    const answer = await control.archiveLog({ file, reason });
    expect(answer).toMatchObject({ file, epoch, events: epoch, already: false, fingerprint: null });
    expect(answer.freed).toBeGreaterThan(100_000);
    expect(linesOf(file)).toEqual(before.slice(0, epoch));
    const recorded = before.length + 1;
    const kept = `${epoch}-${before[epoch - 1]?.hash}`;
    expect(await logIn(redis)).toEqual({ first: epoch, length: recorded - epoch + 1, kept: [kept] });
    expect(await redis.cli('PTTL', keys.kept({ epoch, hash: before[epoch - 1]?.hash ?? '' }).archived)).toBe(-1);

    const viewer = await urlOf(redis, viewerUser(DEFAULT_SCOPE));
    for (const plane of [control, await planeOf(operator), await planeOf(viewer)]) {
      expect((await logOf(plane)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: recorded - epoch + 1 }, (_, index) => epoch + index),
      );
      expect(await logOf(plane, epoch)).toHaveLength(recorded - epoch);
      expect(await logOf(plane, epoch - 1)).toHaveLength(recorded - epoch + 1);
      await expect(logOf(plane, epoch - 2)).rejects.toMatchObject({ code: 'ARCHIVED' });
      await expect(logOf(plane, 1)).rejects.toMatchObject({ code: 'ARCHIVED' });
      expect(await plane.archived()).toMatchObject({ epoch });
      const verified = await plane.verifyLog({ against: file });
      expect(verified).toMatchObject({ ok: true, archived: { epoch, events: epoch }, against: { events: epoch } });
      expect(verified).not.toHaveProperty('undropped');
    }
    expect(await redis.cli('ACL', 'LOG')).toEqual([]); // nobody needs more than its user may
    const { findings } = await (await planeOf(operator)).doctor();
    expect(findings.find(({ check }) => check === 'archive')).toMatchObject({ level: 'ok' });
    const started = await executorOf(redis.url, 'started', join(path, 'started.anchor'));
    await expect.poll(() => started.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    await expect(running.act(undefined)).resolves.toBe('done');

    await control.kill({ target: 'agent:worker', waitMs: 5000 });
    for (const { act } of [running, started])
      await expect(act.attempt(undefined)).resolves.toMatchObject({ status: 'blocked' });
    await control.revive({ target: 'agent:worker', reason: 'tried' });
    await expect.poll(() => running.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
  }, 60_000);

  test('is archived again into the same file, and the state before is let go', async () => {
    const { redis, path, archiver, file } = await archivable();
    const control = await planeOf(archiver);
    const { head: first } = await control.archiveLog({ file, reason });
    await expect(control.archiveLog({ file, reason })).rejects.toThrow('epoch 2000 (among the last 1000 events).');
    await grow(redis, 2000);
    await expect(control.archiveLog({ file: join(path, 'another.jsonl'), reason })).rejects.toMatchObject({
      code: 'ARCHIVED',
    });
    expect(existsSync(join(path, 'another.jsonl'))).toBe(false);
    expect(await control.archiveLog({ file, reason, epoch: 2999 })).toMatchObject({ epoch: 2000, events: 2000 });
    const { head: begins, ...third } = await control.archiveLog({ file, reason });
    expect(third).toMatchObject({ epoch: 3000, events: 3000 });
    expect(linesOf(file).map(({ seq }) => seq)).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true, archived: { epoch: 3000 } });
    expect((await logIn(redis)).kept).toEqual([expect.stringMatching(/^3000-/)]);
    // One that was held up since the first time drops nothing now.
    const connection = redisControlStore({ url: archiver }).open({ organizationId: 'default', requestTimeoutMs: 5000 });
    onTestFinished(() => connection.close());
    await expect(connection.dropper?.drop(first, async () => {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // What is kept and never used ends by itself; what is used does not.
    await grow(redis, 2000);
    for await (const point of connection.dropper?.points() ?? [])
      await connection.dropper?.keep((await point.state()).head);
    const kept = (await redis.cli('KEYS', '*:archived:*')) as string[];
    const ends = await Promise.all(kept.map((key) => redis.cli('PTTL', key)));
    expect(ends.map(Number).sort((a, b) => a - b)).toEqual([
      -1,
      ...Array.from({ length: 3 }, () => expect.any(Number)),
    ]);
    for (const ms of ends.map(Number)) expect(ms === -1 || (ms > 80_000_000 && ms <= 86_400_000)).toBe(true);
    await connection.dropper?.keep(begins);
    expect(await redis.cli('PTTL', keys.kept(begins).archived)).toBe(-1);
    expect(await (await planeOf(archiver)).verifyLog()).toMatchObject({ ok: true, archived: { epoch: 3000 } });

    const whole = join(path, 'whole.jsonl');
    await expect(control.exportLog({ file: whole })).rejects.toMatchObject({ code: 'ARCHIVED' });
    copyFileSync(file, whole);
    const { epoch: last } = await control.head();
    expect(await control.exportLog({ file: whole })).toMatchObject({ events: last });
    expect(await verifyLogFile(whole, { against: file })).toMatchObject({ ok: true, events: last });
  }, 60_000);

  test('is not read over a gap by whoever reads while it is archived', async () => {
    const { archiver, file, epoch } = await archivable();
    const control = await planeOf(archiver);
    const reading = control.log()[Symbol.asyncIterator]();
    expect((await reading.next()).value).toMatchObject({ seq: 1 });
    await control.archiveLog({ file, reason });
    const rest = async (): Promise<number> => {
      for (let last = 1; ; ) {
        const { value, done } = await reading.next();
        if (done) return last;
        expect(value.seq).toBe(last + 1);
        last = value.seq;
      }
    };
    await expect(rest()).rejects.toMatchObject({ code: 'ARCHIVED', message: expect.stringContaining('Ask again') });
    expect((await logOf(control))[0]?.seq).toBe(epoch);
  }, 60_000);

  test('counts as whole until something is dropped: what is there decides, and a change that was lost is one', async () => {
    const { redis, archiver, file } = await archivable();
    const store = redisControlStore({ url: archiver });
    const failing: typeof store = {
      ...store,
      open(scope) {
        const connection = store.open(scope);
        const drop = () => Promise.reject(new Error('the line went dead'));
        return { ...connection, dropper: connection.dropper && { ...connection.dropper, drop } };
      },
    };
    const control = await openControlPlane({ store: failing, operator: { id: 'dana' } });
    onTestFinished(() => control.close());
    const [event] = await logOf(control, 499);
    await expect(control.archiveLog({ file, reason })).rejects.toThrow(
      /it is not known whether what comes before that was dropped: the line went dead.*doctor.*archive again/,
    );
    const executor = openExecutor({ url: redis.url });
    const { generation } = await control.head();
    const held = { epoch: 500, hash: event?.hash ?? '', generation, recovered: false };
    const lost = { ...held, hash: 'a'.repeat(64) };
    expect((await executor.load(held, 'n')).linked).toBe(true);
    expect((await executor.load(lost, 'n')).linked).toBe(false);
    expect(await (await planeOf(archiver)).archiveLog({ file, reason })).toMatchObject({ already: true });
    for (const each of [held, lost]) await expect(executor.load(each, 'n')).rejects.toMatchObject({ code: 'ARCHIVED' });
  }, 60_000);

  test('is told from one of which the beginning was cut off', async () => {
    const { redis, archiver, operator, file } = await archivable();
    const control = await planeOf(archiver);
    const problem = expect.stringContaining('its beginning was removed');
    await redis.cli('XTRIM', keys.log, 'MINID', 500);
    expect(await (await planeOf(operator)).verifyLog()).toMatchObject({ ok: false, problem });
    expect((await logOf(control, 3))[0]?.seq).toBe(500); // as before: what is there is shown
    await expect(control.archiveLog({ file, reason })).rejects.toThrow('of which the beginning was removed');
    expect((await logIn(redis)).first).toBe(500);
  }, 60_000);

  test('does not verify where the state with which it goes on was changed, or is gone', async () => {
    const { redis, archiver, operator, file } = await archivable();
    await (await planeOf(archiver)).archiveLog({ file, reason });
    const [archived = ''] = (await redis.cli('KEYS', '*:archived:*')) as string[];
    const killed = 'kill:agent:a7';
    const text = String(await redis.cli('HGET', archived, killed));
    expect(text).toContain('"full_stop"');
    const verified = async () => (await planeOf(operator)).verifyLog().catch(({ message }) => ({ problem: message }));
    const EDITS = [
      ['HSET', archived, killed, text.replace('"full_stop"', '"read_only"')],
      ['HDEL', archived, killed],
      ['HSET', archived, 'kill:agent:more', text.replace('agent:a7', 'agent:more')],
      ['HSET', archived, killed, '{'],
      ['HDEL', archived, 'head'],
      ['HSET', archived, 'head', '{}'],
      ['UNLINK', archived],
    ] as const;
    for (const [name, ...args] of EDITS) {
      await redis.cli('COPY', archived, 'aside', 'REPLACE');
      await redis.cli(name, ...args);
      expect(await verified(), args.join(' ')).toMatchObject({ problem: expect.any(String) });
      // Nobody who acts or kills needs it.
      const control = await planeOf(operator);
      await control.kill({ target: 'agent:x', waitMs: 0 });
      expect((await control.status()).mode).toBe('draft_only');
      if (name === 'UNLINK') {
        const { findings } = await control.doctor();
        expect(findings.find(({ check }) => check === 'archive')).toMatchObject({ level: 'ok' }); // it was dropped
        await expect(logOf(control, 3)).rejects.toMatchObject({ code: 'ARCHIVED' });
        expect((await logOf(control))[0]?.seq).toBe(1000);
      }
      await redis.cli('COPY', 'aside', archived, 'REPLACE');
      expect(await verified()).toMatchObject({ ok: true });
    }
  }, 60_000);
});

describe.skipIf(!hasRedis)('the log is archived', () => {
  test('and verified beside that as often as one likes: it is always whole', async () => {
    const { redis, archiver, operator, file } = await archivable();
    const control = await planeOf(archiver);
    const viewer = await planeOf(operator);
    let verified = 0;
    let isOver = false;
    const verifying = (async () => {
      for (; !isOver; verified += 1) {
        expect(await viewer.verifyLog()).toMatchObject({ ok: true });
        let last = 0;
        for await (const { seq } of viewer.log()) {
          if (last > 0) expect(seq).toBe(last + 1);
          last = seq;
        }
      }
    })().catch((error: unknown) => {
      if (!isKillSwitchError(error) || error.code !== 'ARCHIVED') throw error; // it says so, and is asked again
    });
    for (let round = 0; round < 6; round += 1) {
      await grow(redis, 1000);
      await control.archiveLog({ file, reason });
    }
    isOver = true;
    await verifying;
    expect(verified).toBeGreaterThan(0);
  }, 120_000);

  test('where Redis is full: it is what makes room', async () => {
    const { redis, archiver, epoch, file } = await archivable();
    const used = Number(/used_memory:(\d+)/.exec(String(await redis.cli('INFO', 'memory')))?.[1]);
    await redis.cli('CONFIG', 'SET', 'maxmemory', used - 100_000);
    const control = await planeOf(archiver);
    expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
  }, 60_000);

  test('up to the last event before numbers that a recovery has left out', async () => {
    const { redis, archiver, file } = await archivable();
    const control = await planeOf(archiver);
    await redis.cli(
      'HSET',
      keys.executor('far').beats,
      'far',
      JSON.stringify(
        beat('far', { ...(await control.head()), epoch: 9_500, hash: 'a'.repeat(64) }, { name: 'far' }),
      ).replace(/}$/, ',"heard_at":1}'),
    );
    await redis.cli('APPEND', keys.names, '\nfar');
    const { epoch: recovered } = await control.recover({ reason: 'restored' });
    expect(recovered).toBeGreaterThan(9_500);
    await control.forgetExecutor('far');
    await grow(redis, 2200);
    const answer = await control.archiveLog({ file, reason, epoch: recovered - 1 });
    expect(answer).toMatchObject({ epoch: 2201 });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
    expect(await control.archiveLog({ file, reason })).toMatchObject({ epoch: Math.ceil(recovered / 1000) * 1000 });
  }, 60_000);
});

describe.skipIf(!hasRedis)('nothing is archived', () => {
  test('by a user who is no archiver: it is said before the file is written, and which user it takes', async () => {
    const { redis, operator, archiver, file } = await archivable();
    const before = await logIn(redis);
    for (const url of [operator, await urlOf(redis, viewerUser(DEFAULT_SCOPE))]) {
      const control = await planeOf(url);
      await expect(control.archiveLog({ file, reason })).rejects.toMatchObject({
        code: 'NOT_PERMITTED',
        message: expect.stringMatching(/those who archive the log.*kill-switch redis acl --only archiver --store/),
      });
    }
    expect(existsSync(file)).toBe(false);
    expect(await logIn(redis)).toEqual(before);
    expect(await (await planeOf(archiver)).archiveLog({ file, reason })).toMatchObject({ already: false });
    expect(((await redis.cli('ACL', 'LOG')) as unknown[]).length).toBeGreaterThan(0);
  }, 60_000);

  test('of the last thousand events, of what is younger, and what an executor has still to read', async () => {
    const { redis, path, archiver, epoch, file } = await archivable();
    const control = await planeOf(archiver);
    const refused = (options: object) => control.archiveLog({ file, reason, ...options });
    await expect(refused({ epoch: 999 })).rejects.toThrow(
      'an event whose number is a multiple of 1000. None of them fits: epoch 2000 (later',
    );
    await expect(refused({ before: '2020-01-01T00:00:00Z' })).rejects.toThrow(
      /epoch 2000 \(among the last 1000 events\); epoch 1000 \(of .*, which is not before 2020-01-01T00:00:00.000Z\)/,
    );
    const executor = await executorOf(redis.url, 'mailer', join(path, 'mailer.anchor'));
    await expect.poll(async () => (await control.executors()).data.length).toBe(1);
    const beats = keys.executor('mailer').beats;
    const [id = '', text = ''] = (await redis.cli('HGETALL', beats)) as string[];
    const beat = JSON.parse(text);
    const [held] = await logOf(control, 10);
    const stale = { ...beat, id: 'gone', applied: { ...beat.applied, epoch: 11, hash: held?.hash } };
    await redis.cli('HSET', beats, 'gone', JSON.stringify(stale));
    await expect(refused({})).rejects.toThrow(/mailer \(at epoch 11\).*executors forget/);
    expect(existsSync(file)).toBe(false);
    await control.forgetExecutor('gone');
    expect(id).not.toBe('gone');
    expect(await refused({})).toMatchObject({ epoch });
    await executor.close();
  }, 60_000);
});

describe.skipIf(!hasRedis)('an executor that was last there before what is archived', () => {
  test('stays stopped and says why, until the store is accepted; it stops nobody else', async () => {
    const { redis, path, archiver, epoch, file } = await archivable();
    const control = await planeOf(archiver);
    const anchor = join(path, 'job.anchor');
    const job = await executorOf(redis.url, 'job', anchor);
    await expect.poll(() => job.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    await job.close();
    const early = JSON.parse(readFileSync(anchor, 'utf8'));
    expect(early.head.epoch).toBeGreaterThan(epoch);
    await grow(redis, 3000);
    await control.archiveLog({ file, reason });
    expect((await logIn(redis)).first).toBeGreaterThan(early.head.epoch);

    const returned = await executorOf(redis.url, 'job', anchor);
    await expect
      .poll(() => returned.act.attempt(undefined))
      .toMatchObject({
        status: 'blocked',
        decision: {
          cause: {
            kind: 'fault',
            code: 'ARCHIVED',
            message: expect.stringMatching(/before epoch \d+ are archived.*anchor/),
          },
        },
      });
    const other = await executorOf(redis.url, 'other', join(path, 'other.anchor'));
    await expect.poll(() => other.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await control.status()).toMatchObject({ forks: [] });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await control.recover({ reason: 'it is the right store' });
    await expect.poll(() => returned.act.attempt(undefined), { timeout: 10_000 }).toMatchObject({ status: 'executed' });
    expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true });
  }, 60_000);

  test('one that was stopped for a while (SIGSTOP) says ARCHIVED, and no fork', async () => {
    const { redis, archiver, file } = await archivable();
    const control = await planeOf(archiver);
    const connection = openExecutor({ url: redis.url });
    const [event] = await logOf(control, 499);
    const { generation } = await control.head();
    const held = { epoch: 500, hash: event?.hash ?? '', generation, recovered: false };
    await control.archiveLog({ file, reason });
    expect((await connection.confirm(beat(connection.id, held), 'n')).events).toBe('reload');
    await expect(connection.load(held, 'n')).rejects.toMatchObject({ code: 'ARCHIVED' });
  }, 60_000);

  test('a fork that is reported while the log is archived keeps all of it', async () => {
    const { redis, archiver, operator, file } = await archivable();
    const store = redisControlStore({ url: archiver });
    const { generation } = await (await planeOf(operator)).head();
    const lost = { generation, recovered: false, epoch: 500, hash: 'a'.repeat(64) };
    let reports = async (): Promise<void> => {};
    const reporting: typeof store = {
      ...store,
      open(scope) {
        const connection = store.open(scope);
        const { dropper } = connection;
        const drop: LogDropper['drop'] = async (head, looks) => {
          if (!dropper) throw new Error('no dropper');
          return dropper.drop(head, async () => {
            await looks();
            await reports(); // right after the last look
            reports = async () => {};
          });
        };
        return { ...connection, dropper: dropper && { ...dropper, drop } };
      },
    };
    const control = await openControlPlane({ store: reporting, operator: { id: 'dana' } });
    onTestFinished(() => control.close());
    reports = async () => {
      await redis.cli('APPEND', keys.names, '\nreturned');
      await redis.cli(
        'SET',
        keys.executor('returned').forks,
        `r ${JSON.stringify({ against: generation, held: lost })}`,
      );
      await redis.cli('INCR', keys.changes);
    };
    await expect(control.archiveLog({ file, reason })).rejects.toMatchObject({
      message: expect.stringContaining('Nothing was dropped, because executors have seen changes'),
    });
    expect((await logIn(redis)).first).toBe(1);
    expect((await control.status()).forks).toMatchObject([{ executor: 'returned' }]);
  }, 60_000);

  test('and an event that says more is archived than is takes no fork away, and does not verify', async () => {
    const { redis, path, operator } = await archivable();
    const control = await planeOf(operator);
    const executor = await executorOf(redis.url, 'w', join(path, 'w.anchor'));
    await expect.poll(() => executor.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    // With an operator's credential, well chained, and with its entry in the state.
    const connection = redisControlStore({ url: operator }).open({ organizationId: 'default', requestTimeoutMs: 5000 });
    onTestFinished(() => connection.close());
    const view = await connection.read([entryKey('control'), entryKey('archive')]);
    const { head: expected, time: at } = view;
    if (!expected) throw new Error('no head');
    const head = { ...expected, epoch: 2 ** 40, hash: 'b'.repeat(64) };
    const data = { head, events: 5, first: 'c'.repeat(64), digest: 'd'.repeat(64), file: 'e'.repeat(64) };
    const forged = nextChange(view, { type: 'archive', data, at, actor: 'unverified:mallory', reason: 'x' });
    expect(await connection.append({ ...forged, expected })).toBe(true);
    expect(await control.verifyLog()).toMatchObject({
      ok: false,
      problem: `The log says that it was archived up to event ${2 ** 40}, and has no such event: somebody has forged that.`,
    });
    const { generation, epoch } = await control.head();
    const lost = { generation, recovered: false, epoch: epoch + 1, hash: 'a'.repeat(64) };
    await redis.cli('APPEND', keys.names, '\nother');
    await redis.cli('SET', keys.executor('other').forks, `o ${JSON.stringify({ against: generation, held: lost })}`);
    await redis.cli('INCR', keys.changes);
    await expect
      .poll(() => executor.act.attempt(undefined), { timeout: 10_000 })
      .toMatchObject({ status: 'blocked', decision: { cause: { code: 'GENERATION_CHANGED' } } });
    expect((await control.status()).forks).toMatchObject([{ executor: 'other' }]);
    expect((await openExecutor({ url: redis.url }).load(lost, 'n')).linked).toBe(false);
  }, 60_000);

  test('and who reports such a head stops nobody, neither by executors nor by what operators see', async () => {
    const { redis, path, archiver, file, epoch } = await archivable();
    const control = await planeOf(archiver);
    const executor = await executorOf(redis.url, 'w', join(path, 'w.anchor'));
    await expect.poll(() => executor.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    const { generation } = await control.head();
    const [event] = await logOf(control, 9);
    const report = (held: object): Promise<unknown> => {
      const text = JSON.stringify({ against: generation, held: { generation, recovered: false, ...held } });
      return redis.cli('SET', keys.executor('liar').forks, `liar ${text}`);
    };
    await redis.cli('APPEND', keys.names, '\nliar');
    await report({ epoch: 10, hash: event?.hash }); // it is there: no evidence
    await redis.cli('INCR', keys.changes);
    await control.archiveLog({ file, reason });
    await redis.cli('INCR', keys.changes); // it is judged anew, and the event is gone
    await control.kill({ target: 'agent:other', waitMs: 5000 });
    expect(await executor.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    expect(await control.status()).toMatchObject({
      forks: [],
      ignored_forks: [{ executor: 'liar', why: expect.stringContaining('archived') }],
    });
    // What would be in the part that is left is evidence, as before.
    await report({ epoch: epoch + 10, hash: 'a'.repeat(64) });
    await redis.cli('INCR', keys.changes);
    await expect
      .poll(() => executor.act.attempt(undefined), { timeout: 10_000 })
      .toMatchObject({ status: 'blocked', decision: { cause: { code: 'GENERATION_CHANGED' } } });
    expect((await control.status()).forks).toMatchObject([{ executor: 'liar' }]);
  }, 60_000);

  test('still stops everything where the store has lost what came after that place', async () => {
    const { redis, path, archiver, file } = await archivable();
    const control = await planeOf(archiver);
    await control.archiveLog({ file, reason });
    const executor = await executorOf(redis.url, 'w', join(path, 'w.anchor'));
    await expect.poll(() => executor.act.attempt(undefined)).toMatchObject({ status: 'executed' });
    const [head, state] = [await redis.cli('GET', keys.head), (await redis.cli('HGETALL', keys.state)) as string[]];
    const before = Number(JSON.parse(String(head)).epoch);
    await control.kill({ target: 'agent:lost', waitMs: 5000 });
    await control.close();
    // The store as it was before that kill.
    await redis.cli('XDEL', keys.log, `${before + 1}-0`);
    await redis.cli('XSETID', keys.log, `${before}-0`);
    await redis.cli('DEL', keys.state);
    await redis.cli('HSET', keys.state, ...state);
    await redis.cli('SET', keys.head, String(head));
    await expect
      .poll(() => executor.act.attempt(undefined), { timeout: 10_000 })
      .toMatchObject({ status: 'blocked', decision: { cause: { code: 'GENERATION_CHANGED' } } });
  }, 60_000);
});
