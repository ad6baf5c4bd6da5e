import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch, runHere, start } from './command.ts';
import { deadExecutor, executor } from './executors.ts';

/** A lease is over some time after the last report. */
async function silent(ks: ReturnType<typeof fileSwitch>): Promise<void> {
  while ((await ks.json('executors')).json.data[0].state !== 'silent');
}

/** An executor with an action in flight that every stop has reached and that does not end. */
async function draining(ks: ReturnType<typeof fileSwitch>): Promise<void> {
  const mailer = await executor(fileStore({ directory: ks.directory }));
  Object.assign(mailer, { inFlight: 1, draining: 1 });
  mailer.replica.report();
}

describe('waiting for executors', () => {
  test('a kill shows who obeyed, and ends with 0 when everyone has stopped and drained', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const { replica, reports } = await executor(fileStore({ directory: ks.directory }));
    const killed = await ks.json('kill', 'agent:x');
    expect(killed.code).toBe(0);
    expect(killed.json.acknowledgements).toEqual({
      total: 1,
      applied: 1,
      drained: 1,
      silent: 0,
      unacknowledging_clients: [],
      elapsed_ms: expect.any(Number),
      executors: [
        {
          id: reports.executorId,
          name: 'mailer',
          host: expect.any(String),
          pid: process.pid,
          epoch: 2,
          in_flight: 0,
          draining: 0,
          work: [],
          unnamed: 0,
          state: 'stopped',
          age_ms: expect.any(Number),
          lease_ms: 1500,
          over: false,
          writer: expect.any(String),
          stopped_after_ms: expect.any(Number),
        },
      ],
      shared_writers: [],
    });
    expect(replica.reading({ agentId: 'x' })).toMatchObject({ mode: 'full_stop', epoch: 2 });
    const people = await ks.run('pause', 'agent:y');
    expect(people.stdout).toContain('agent:y is paused, at epoch 3.');
    expect(people.stdout).toMatch(/^Applied by 1 of 1 executor after \d+ ms\. Nothing that it hits runs there\.$/m);
    expect(people.stdout).toMatch(/^EXECUTOR +STATE +EPOCH +IN FLIGHT +DRAINING +MS +PROCESS +ID$/m);
    expect(people.stdout).toMatch(/^mailer +applied +3 +0 +0 +\d+ +/m);
    expect((await ks.run('executors')).stdout).toMatch(/^mailer +applied +3 +0 +0 +\d+ (ms|s) ago/m);
    expect((await ks.json('executors')).json).toMatchObject({ count: 1, data: [{ name: 'mailer', state: 'stopped' }] });
  });

  test('with work that must end in flight it ends with 3 when --wait runs out, and says that the kill stands; --wait 0 ends with 0', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const mailer = await executor(fileStore({ directory: ks.directory }));
    mailer.inFlight = 2;
    mailer.draining = 1;
    mailer.replica.report();
    const late = await ks.run('kill', 'agent:x', '--wait', '700ms');
    expect(late.code).toBe(3);
    expect(late.stdout).toContain('agent:x is full_stop, at epoch 2.');
    expect(late.stdout).toMatch(/^mailer +draining +2 +2 +1 +- /m);
    expect(late.stdout).toContain('After 700 ms, 1 action has not ended. The stop stands.\nNew actions: ');
    const at = await ks.json('restrict', 'agent:y', 'read_only', '--wait', '600ms');
    expect(at.code).toBe(3);
    expect(at.json).toMatchObject({
      kill: { mode: 'read_only', is_active: true },
      acknowledgements: {
        total: 1,
        drained: 0,
        executors: [{ state: 'draining', in_flight: 2, draining: 1, stopped_after_ms: null }],
      },
    });
    expect(await ks.run('kill', 'agent:z', '--wait', '0')).toMatchObject({ code: 0 });
  });

  test('it ends as soon as the work in flight has ended, not when --wait is over', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const mailer = await executor(fileStore({ directory: ks.directory }));
    mailer.inFlight = 1;
    mailer.draining = 1;
    mailer.replica.report();
    const killing = ks.json('kill', 'all', '--wait', '15s');
    await new Promise<void>((resolve) => {
      const stop = mailer.replica.on(({ type }) => {
        if (type !== 'changed') return;
        stop();
        resolve();
      });
    });
    mailer.inFlight = 0;
    mailer.draining = 0;
    mailer.replica.report();
    const killed = await killing;
    expect(killed.code).toBe(0);
    expect(killed.ms).toBeLessThan(10_000);
  });

  test('a silent executor is shown apart and not waited for, never counted as stopped, and forgotten by an operator’s word', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const store = fileStore({ directory: ks.directory });
    const id = await deadExecutor(store, { in_flight: 1, draining: 1 });
    await silent(ks);
    const killed = await ks.run('kill', 'agent:x', '--wait', '1m');
    expect(killed.code).toBe(0);
    expect(killed.ms).toBeLessThan(20_000);
    expect(killed.stdout).toMatch(
      /^Silent, and not waited for: lost \(heard .* ago\)\. Its lease is over, so nothing can start there\.$/m,
    );
    expect(killed.stdout).toMatch(/^1 action that it hits was in flight there when last heard of, and may go on/m);
    expect(killed.stdout).toContain('out of the count: kill-switch executors forget --silent');
    expect(killed.stdout).not.toContain('Applied by');
    const { acknowledgements } = (await ks.json('kill', 'agent:x', '--wait', '1m')).json;
    expect(acknowledgements).toMatchObject({ total: 1, applied: 0, drained: 0, silent: 1, executors: [{ id }] });
    expect((await ks.json('executors', 'forget', 'nobody')).json).toMatchObject({ code: 'NOT_FOUND' });
    const forgotten = await ks.json('executors', 'forget', 'lost');
    expect(forgotten.json).toEqual({ forgotten: expect.objectContaining({ id, name: 'lost', state: 'silent' }) });
  });

  test('beside silent executors the others are waited for, and counted by themselves', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const store = fileStore({ directory: ks.directory });
    for (let dead = 0; dead < 4; dead += 1) await deadExecutor(store);
    await deadExecutor(store, { in_flight: 3, draining: 1 });
    await silent(ks);
    await executor(store);
    const killed = await ks.run('kill', 'all', '--wait', '1m');
    expect(killed).toMatchObject({ code: 0 });
    expect(killed.stdout).toMatch(/^Applied by 1 of 1 executor after/m);
    expect(killed.stdout).toMatch(
      /^Silent, and not waited for: (lost \(heard .* ago\), ){3}and 2 more\. Their leases/m,
    );
    expect(killed.stdout).toMatch(/^At least 1 action that it hits was in flight there when last heard of, and may/m);
    expect(killed.stdout.split('\n').length).toBeLessThan(14);
  });

  test('an executor is forgotten by its id, the beginning of that, or its name; where several may be meant none is', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const store = fileStore({ directory: ks.directory });
    const [one, two, three] = [await deadExecutor(store), await deadExecutor(store), await deadExecutor(store)];
    await silent(ks);
    const several = await ks.run('executors', 'forget', 'lost');
    expect(several.code).toBe(2);
    expect(several.stderr).toMatch(/^3 executors may be meant by lost\. Name one by its id:$/m);
    expect(several.stderr).toContain(one);
    expect((await ks.json('executors', 'forget', one.slice(0, 3))).json).toMatchObject({ code: 'NOT_FOUND' });
    expect((await ks.json('executors', 'forget', one.slice(0, 8))).json).toMatchObject({ forgotten: { id: one } });
    expect((await ks.json('executors', 'forget', two)).json).toMatchObject({ forgotten: { id: two } });
    expect((await ks.json('executors', 'forget', 'lost')).json).toMatchObject({ forgotten: { id: three } });
  });

  test('status, kill and executors say which executors cannot be told apart, because one user has written their reports', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const one = await executor(fileStore({ directory: ks.directory }));
    expect((await ks.run('status')).stdout).not.toContain('Not told apart');
    const two = await executor(fileStore({ directory: ks.directory }));
    const uid = `uid ${process.getuid?.()}`;
    const says = `\nNot told apart: 2 write as ${uid}. Each of them could report for the others.\n`;
    for (const args of [['status'], ['kill', 'agent:x']])
      expect((await ks.run(...args)).stdout, args[0]).toContain(says);
    expect((await ks.run('executors')).stderr).toContain(says);
    const ids = [one.reports.executorId, two.reports.executorId].sort();
    const [status, killed] = [await ks.json('status'), await ks.json('kill', 'agent:y')];
    for (const { shared_writers } of [status.json, killed.json.acknowledgements]) {
      expect(shared_writers).toEqual([{ writer: uid, executors: expect.any(Array) }]);
      expect(shared_writers[0].executors.toSorted()).toEqual(ids);
    }
  });

  test('an executor whose clock runs ahead is silent too: it could be dead for as long', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await deadExecutor(fileStore({ directory: ks.directory }), { at: '2999-01-01T00:00:00.000Z' });
    expect((await ks.json('executors')).json).toMatchObject({
      data: [{ state: 'silent', problem: expect.stringMatching(/its clock is \d+ ms ahead/) }],
    });
  });

  test('what executors say of themselves cannot steer a terminal', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await deadExecutor(fileStore({ directory: ks.directory }), { host: 'evil\u001b[2J\u009b\u202e\nfake' });
    for (const args of [['status'], ['executors']]) {
      const { stdout } = await ks.run(...args);
      expect(stdout).toContain('evil\\u001b[2J\\u009b\\u202e\\nfake');
      expect(stdout).not.toMatch(/[\u001b\u009b\u202e]/);
    }
    const { stdout } = await ks.json('executors');
    expect(stdout).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(JSON.parse(stdout).data[0].host).toBe('evil\u001b[2J\u009b\u202e\nfake');
  });

  test('where a person looks on, the progress replaces itself on stderr, and stdout has the answer only', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await draining(ks);
    const killed = await runHere(
      ['kill', 'all', '--wait', '400ms'],
      { KILL_SWITCH_STORE: `file:${ks.directory}` },
      { watched: true },
    );
    expect(killed.code).toBe(3);
    expect(killed.stderr.startsWith('\r\u001b[KRecorded at epoch 2. ')).toBe(true);
    expect(killed.stderr).toContain('\r\u001b[KRecorded. Applied by ');
    expect(killed.stderr.endsWith('\r\u001b[K')).toBe(true);
    expect(killed.stdout).toMatch(/^all is full_stop/);
    expect(killed.stdout).not.toContain('\u001b');
  });

  test.for(['SIGINT', 'SIGTERM'] as const)(
    '%s while it waits ends the waiting: what is recorded and known is said, and the kill stands',
    async (signal) => {
      const ks = fileSwitch();
      await ks.run('init');
      await draining(ks);
      for (const json of [false, true]) {
        const args = [
          'kill',
          `agent:a${json}`,
          '--wait',
          '1m',
          '--store',
          `file:${ks.directory}`,
          ...(json ? ['--json'] : []),
        ];
        const killing = start(args);
        let stdout = '';
        killing.process.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
        const epoch = json ? 3 : 2;
        expect(await killing.line((line) => line.startsWith('Recorded'), 'stderr')).toBe(
          `Recorded at epoch ${epoch}. Waiting for executors to stop and drain, 60 s at most.`,
        );
        // what is recorded is on the screen at once, long before the waiting is over
        if (!json) await expect.poll(() => stdout).toContain(`agent:afalse is full_stop, at epoch ${epoch}.`);
        expect((await ks.json('kills')).json.count).toBe(epoch - 1);
        expect(await killing.end(signal)).toBe(130);
        if (json) expect(JSON.parse(stdout)).toMatchObject({ epoch, acknowledgements: { total: 1, drained: 0 } });
        else {
          expect(stdout).toContain(`agent:afalse is full_stop, at epoch ${epoch}.`);
          expect(stdout).toMatch(/^Applied by 1 of 1 executor after \d+ ms\. 1 action that it hits still runs\.$/m);
          expect(stdout).toMatch(/^Interrupted after [\d.]+ \w+: 1 action has not ended\. The stop stands\.$/m);
          expect(stdout).toMatch(/\nThe stop stands\. See who obeys: kill-switch --store \S+ executors\n$/);
        }
      }
    },
  );

  test('Ctrl-C before the store has answered says that nobody knows whether the kill is recorded', async () => {
    const server = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const asked = once(server, 'connection').then(([socket]) => once(socket as Socket, 'data'));
    const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const killing = start(['kill', 'all', '--store', url]);
    await asked;
    expect(await killing.end('SIGINT')).toBe(130);
    expect(killing.stderr).toContain(
      `Interrupted before the store answered: the change of all may or may not have been recorded. Look: kill-switch --store ${url} status`,
    );
  });
});
