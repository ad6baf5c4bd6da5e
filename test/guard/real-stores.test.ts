import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { ExecutorStore } from '../../index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { busyLoop } from '../busy-loop.ts';
import { run } from '../operator/cli/command.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { openSwitch } from './open-switch.ts';

interface Place {
  readonly url: string;
  readonly store: () => ExecutorStore;
  readonly control: () => ControlStore;
}

const PLACES: ReadonlyArray<readonly [name: string, has: boolean, open: () => Promise<Place>]> = [
  [
    'the file store',
    true,
    async () => {
      const directory = join(temporaryFolder('guard').path, 'switch');
      return {
        url: `file:${directory}`,
        store: () => fileStore({ directory }),
        control: () => fileControlStore({ directory }),
      };
    },
  ],
  [
    'Redis',
    hasRedis,
    async () => {
      const { url } = await startRedis();
      return { url, store: () => redisStore({ url }), control: () => redisControlStore({ url }) };
    },
  ],
];

async function setUp(
  open: () => Promise<Place>,
  { around = (store: ExecutorStore): ExecutorStore => store, name = 'mailer' } = {},
) {
  const place = await open();
  const { control, killSwitch } = await openSwitch(
    { store: around(place.store()), controlStore: place.control() },
    { agentId: 'x', executor: { name } },
  );
  const until = async (verdict: string): Promise<void> =>
    vi.waitFor(() => expect(killSwitch.check().verdict).toBe(verdict), { timeout: 5000 });
  return { place, control, killSwitch, until };
}

/** Another process that resumes a run, and says what it found; killed with SIGKILL where it says so. */
async function resume(url: string, runId: string, mode: 'save and die' | 'read'): Promise<unknown> {
  const child = fork(join(import.meta.dirname, 'resume.mjs'), [JSON.stringify({ url, runId, mode })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return message;
}

describe.each(PLACES.filter(([, has]) => has))('on %s', (_name, _has, open) => {
  test('many actions at once that cannot be undone start beside work that keeps the event loop busy', async () => {
    const { killSwitch } = await setUp(open);
    const pay = killSwitch.action({ name: 'pay.out', irreversible: true, execute: () => {} });
    const loop = busyLoop(30);
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => pay.attempt(null)));
    loop.end();
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'executed'));
  });

  test('test_mode redirects, draft_only records a proposal, a kill blocks: each is an intervention that the command lists', async () => {
    const { place, control, killSwitch, until } = await setUp(open);
    const sent: unknown[] = [];
    const mail = killSwitch.action({
      name: 'mail.send',
      execute: (input: { to: string; token?: string }) => sent.push(input.to),
      redirect: (input) => ({ ...input, to: 'owner@example.test' }),
    });
    await control.setMode({ mode: 'test_mode' });
    await until('redirect');
    expect((await mail.attempt({ to: 'a@shop.test' })).status).toBe('redirected');
    await control.setMode({ mode: 'draft_only' });
    await until('draft');
    expect((await mail.attempt({ to: 'b@shop.test', token: 'hunter2' })).status).toBe('drafted');
    await control.kill({ target: 'agent:x', reason: 'wrong mails' });
    await until('block');
    expect((await mail.attempt({ to: 'c@shop.test' })).status).toBe('blocked');
    expect(sent).toEqual(['owner@example.test']);

    const listed = await vi.waitFor(
      async () => {
        const { json } = await run(['interventions', '--store', place.url, '--json']);
        expect(json.count).toBe(3);
        return json.data as Array<Record<string, unknown>>;
      },
      { timeout: 10_000 },
    );
    expect(listed).toMatchObject([
      {
        type: 'HARD_BLOCK',
        status: 'blocked',
        cause: { kind: 'kill', killed_by: 'unverified:ann', reason: 'wrong mails' },
      },
      { type: 'DOWNGRADE', status: 'drafted', proposal: true, input: { to: 'b@shop.test', token: '[redacted]' } },
      { type: 'DOWNGRADE', status: 'redirected', original_input: { to: 'a@shop.test' } },
    ]);
    const { stdout } = await run(['interventions', '--store', place.url]);
    expect(stdout).toContain('a kill of agent:x by unverified:ann ("wrong mails")');
    expect(stdout).not.toContain('hunter2');

    const surfaces = await run(['surfaces', '--store', place.url, '--json']);
    expect(surfaces.json).toMatchObject({
      count: 1,
      data: [
        {
          action: 'mail.send',
          executor: 'mailer',
          redirect: true,
          draft: false,
          gaps: [expect.stringContaining('cannot be undone')],
        },
      ],
    });
    expect((await run(['surfaces', '--store', place.url])).stdout).toContain('mail.send');
  });

  test('a pause keeps a call waiting until it ends; work in flight drains, and is aborted by a kill', async () => {
    const { control, killSwitch, until } = await setUp(open);
    const started = vi.fn();
    const fired = vi.fn();
    const slow = killSwitch.action({
      name: 'slow.write',
      execute: (_input: undefined, { signal }) => {
        started();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            fired(signal.reason);
            setTimeout(() => reject(new Error('cut')), 300);
          });
        });
      },
    });
    const quick = killSwitch.action({ name: 'quick.write', execute: () => 'done' });
    const running = slow.attempt(undefined);
    await vi.waitFor(() => expect(started).toHaveBeenCalled());
    await control.kill({ target: 'agent:x', mode: 'paused' });
    await until('pause');
    const waiting = quick(undefined);
    expect(fired).not.toHaveBeenCalled();
    await control.revive({ target: 'agent:x', reason: 'go on' });
    expect(await waiting).toBe('done');
    const progress: string[] = [];
    const { acknowledgements } = await control.kill({
      target: 'agent:x',
      waitMs: 10_000,
      onProgress: ({ executors }) => progress.push(executors[0]?.state ?? ''),
    });
    expect(fired.mock.calls[0]?.[0]).toMatchObject({ verdict: 'block', cause: { kind: 'kill' } });
    expect(acknowledgements).toMatchObject({
      total: 1,
      applied: 1,
      drained: 1,
      executors: [{ state: 'stopped', draining: 0 }],
    });
    expect(progress).toContain('draining');
    expect(await running).toMatchObject({ status: 'aborted', landed: 'unknown' });
  });

  test('closing tells work in flight before anything else, and the executor leaves the count when its end is recorded', async () => {
    const order: string[] = [];
    const { place, control, killSwitch } = await setUp(open, {
      around: (store) => ({
        ...store,
        open: (scope) => {
          const connection = store.open(scope);
          const leave = (): Promise<void> => {
            order.push('left');
            return connection.leave();
          };
          return { ...connection, leave };
        },
      }),
    });
    const started = vi.fn();
    const slow = killSwitch.action({
      name: 'slow.write',
      execute: (_input: undefined, { signal }) => {
        started();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            order.push('aborted');
            setTimeout(() => {
              order.push('ended');
              reject(new Error('cut'));
            }, 50);
          });
        });
      },
    });
    const running = slow.attempt(undefined);
    await vi.waitFor(() => expect(started).toHaveBeenCalled());
    const closing = killSwitch.close();
    expect(order).toEqual(['aborted']);
    expect(killSwitch.check()).toMatchObject({ verdict: 'block', cause: { code: 'CLOSED' } });
    expect(await slow.attempt(undefined)).toMatchObject({ status: 'blocked', decision: { cause: { code: 'CLOSED' } } });
    await closing;
    expect(order).toEqual(['aborted', 'ended', 'left']);
    expect(started).toHaveBeenCalledTimes(1);
    expect(await running).toMatchObject({ status: 'aborted', decision: { cause: { kind: 'fault', code: 'CLOSED' } } });
    const { json } = await run(['interventions', '--store', place.url, '--json']);
    expect(json.data).toContainEqual(expect.objectContaining({ action: 'slow.write', status: 'aborted' }));
    expect((await control.status()).executors).toEqual([]);
  });

  test('a checkpoint that was acknowledged survives SIGKILL, a new process goes on from there, and what has ended well is not resumed', async () => {
    const { place, killSwitch } = await setUp(open, { name: 'worker' }); // in Redis checkpoints are kept by name
    expect(await resume(place.url, 'r-1', 'save and die')).toEqual({ saved: true });
    expect(await resume(place.url, 'r-1', 'read')).toEqual({ last: { name: 'half', state: { position: 12 } } });
    await killSwitch.run({ runId: 'r-1' }, async (opened) => {
      expect(await opened.lastCheckpoint()).toMatchObject({ name: 'half', state: { position: 12 } });
    });
    for (const runId of ['r-1', 'another'])
      await killSwitch.run({ runId }, async (opened) => expect(await opened.lastCheckpoint()).toBeNull());
  });

  test('a queue worker in another process that was handed a lineage is stopped with its parent', async () => {
    const { place, control, killSwitch } = await setUp(open);
    const lineage = await killSwitch.run({ agentId: 'boss', missionId: 'm-1' }, (opened) => opened.lineage);
    const child = fork(
      join(import.meta.dirname, 'resume.mjs'),
      [JSON.stringify({ url: place.url, mode: 'work', lineage })],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    try {
      await once(child, 'message'); // it works
      const blocked = new Promise((resolve) =>
        child.on('message', (message: { status?: string }) => message.status === 'blocked' && resolve(message)),
      );
      await control.kill({ target: 'mission:m-1' });
      expect(await blocked).toMatchObject({ agentId: 'worker', target: 'mission:m-1' });
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('an executor that is cut off is behind, then silent, and never counted as stopped until an operator says so', async () => {
    const { place, control, killSwitch } = await setUp(open);
    await killSwitch.close();
    const child = fork(
      join(import.meta.dirname, 'resume.mjs'),
      [JSON.stringify({ url: place.url, mode: 'work', leaseMs: 1000 })],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    try {
      await once(child, 'message');
      child.kill('SIGSTOP');
      const { acknowledgements } = await control.kill({ target: 'all' });
      expect(acknowledgements).toMatchObject({ total: 1, applied: 0, drained: 0 });
      const silent = await vi.waitFor(
        async () => {
          const { executors } = await control.status();
          expect(executors[0]?.state).toBe('silent');
          return executors[0];
        },
        { timeout: 10_000 },
      );
      expect((await control.kill({ target: 'all' })).acknowledgements).toMatchObject({
        total: 1,
        silent: 1,
        drained: 0,
      });
      await control.forgetExecutor(silent?.id ?? '');
      expect((await control.kill({ target: 'all' })).acknowledgements.total).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
