import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ActionDefinition, createKillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { fileSwitch, type Ran, runHere } from './command.ts';

const UNDOER = fileURLToPath(new URL('undoer.mjs', import.meta.url));

/** For what executors report with their next beat. */
const LONG = { timeout: 30_000, interval: 100 };

type Cancel = Partial<ActionDefinition<{ of: string }, unknown>>;

/** A switch in a folder, a run that has refunded a and b, and the command. `cancel`: how they are undone. */
async function open(cancel: Cancel | null) {
  const ks = fileSwitch();
  await ks.run('init');
  await ks.run('mode', 'live', '--reason', 'test');
  const killSwitch = await createKillSwitch({
    ...{ store: fileStore({ directory: ks.directory }), domain: `cli-rollback-${Math.random()}` },
    ...{ executor: { name: 'bot' }, agentId: 'bot' },
  });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  await vi.waitFor(() => expect(killSwitch.check({ agentId: 'bot' }).mode).toBe('live'), LONG);
  const refund = killSwitch.action({
    name: 'payments.refund',
    reverse: { action: 'payments.cancel', input: (result: { of: string }) => result },
    execute: async ({ of }: { of: string }) => ({ of }),
  });
  const undone: string[] = [];
  const define = async (more: Cancel): Promise<void> => {
    killSwitch.action({
      name: 'payments.cancel',
      async execute({ of }: { of: string }) {
        undone.push(of);
      },
      ...more,
    });
    await vi.waitFor(async () => {
      const { data } = (await ks.json('surfaces')).json;
      expect(data.some(({ action }: { action: string }) => action === 'payments.cancel')).toBe(true);
    }, LONG);
  };
  if (cancel) await define(cancel);
  await killSwitch.run({ runId: 'r-1' }, async () => {
    for (const of of ['a', 'b']) await refund({ of }, { idempotencyKey: of });
  });
  const rollback = (...more: string[]) => ks.json('rollback', 'r-1', '--reason', 'wrong refunds', ...more);
  return { ks, rollback, undone, define };
}

const outcomes = ({ json }: Ran): string[] =>
  json.actions.map(({ idempotency_key, outcome }: Record<string, string>) => `${idempotency_key} ${outcome}`);
const details = ({ json }: Ran): string[] => json.actions.map(({ detail }: { detail: string }) => detail);

describe('kill-switch rollback, where a reverse operation', () => {
  test('throws, says with what, undoes the rest, and tries that one again when it is asked again', async () => {
    let fails = true;
    const { rollback, undone } = await open({
      async execute({ of }) {
        if (of === 'b' && fails) throw new Error('the bank is closed');
        undone.push(of);
      },
    });
    const first = await rollback();
    expect([first.code, outcomes(first)]).toEqual([1, ['b failed', 'a reversed']]);
    expect(details(first)[0]).toBe('the bank is closed');
    fails = false;
    const second = await rollback();
    expect([second.code, outcomes(second)]).toEqual([0, ['b reversed', 'a already_reversed']]);
    expect(undone).toEqual(['a', 'b']);
  });

  test('hangs beyond its time, is left behind and in flight, and counts when it ends after all', async () => {
    let release = (): void => {};
    const hanging = new Promise<void>((resolve) => void (release = resolve));
    const { rollback, undone } = await open({
      async execute({ of }) {
        if (of === 'b') await hanging;
        undone.push(of);
      },
    });
    const first = await rollback('--each', '200ms');
    expect([first.code, outcomes(first)]).toEqual([1, ['b failed', 'a reversed']]);
    expect(details(first)[0]).toContain('has not ended within 200 ms');
    const second = await rollback('--wait', '500ms');
    expect([second.code, outcomes(second)]).toEqual([3, ['b unknown', 'a already_reversed']]);
    expect(details(second)[0]).toContain(`kill-switch runs resolve r-1 ${second.json.actions[0].reversal_key}`);
    release();
    await vi.waitFor(async () => {
      const third = await rollback();
      expect([third.code, outcomes(third)]).toEqual([0, ['b already_reversed', 'a already_reversed']]);
    }, LONG);
    expect(undone).toEqual(['a', 'b']);
  });

  test('is no longer registered anywhere, says so, and is made when an executor has it again', async () => {
    const { rollback, undone, define } = await open(null);
    const first = await rollback();
    expect([first.code, outcomes(first)]).toEqual([1, ['b failed', 'a failed']]);
    expect(details(first)[0]).toContain('payments.cancel');
    expect(first.json.stopped).toContain('start one, then ask again');
    await define({});
    const second = await rollback();
    expect([second.code, outcomes(second)]).toEqual([0, ['b reversed', 'a reversed']]);
    expect(undone).toEqual(['b', 'a']);
  });
});

const WHERE: Readonly<Record<string, () => Promise<string>>> = {
  files: async () => `file:${join(temporaryFolder('rollback-failures').path, 'switch')}`,
  ...(hasRedis && { Redis: async () => (await startRedis()).url }),
};

describe.each(Object.entries(WHERE))('kill-switch rollback in %s, whose executor', (_where, place) => {
  test.each([false, true])(
    'is killed while a reverse operation never settles: that is unknown, and repeated only where it is idempotent (%s)',
    { timeout: 120_000 },
    async (idempotent) => {
      const url = await place();
      const ks = (...args: string[]) => runHere([...args, '--store', url, '--operator', 'dana', '--json']);
      await ks('init');
      await ks('mode', 'live', '--reason', 'test');
      const executor = async (name: string, more: object) => {
        const child = fork(UNDOER, [JSON.stringify({ url, name, idempotent, ...more })]);
        onTestFinished(() => void child.kill('SIGKILL'));
        const said: Record<string, unknown>[] = [];
        child.on('message', (what: Record<string, unknown>) => said.push(what));
        await vi.waitUntil(() => said.some(({ ready }) => ready), LONG);
        return { child, said };
      };
      const isKnown = (name: string) =>
        vi.waitFor(async () => {
          const { data } = (await ks('surfaces')).json;
          expect(data.some(({ executor: of }: { executor: string }) => of === name)).toBe(true);
        }, LONG);
      const first = await executor('first', { does: ['a', 'b'], hangs: true });
      await isKnown('first');
      const running = ks('rollback', 'r-1', '--reason', 'wrong refunds');
      await vi.waitUntil(() => first.said.some(({ undoing }) => undoing === 'b'), LONG);
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const died = await running;
      expect([died.code, outcomes(died)]).toEqual([1, ['b unknown', 'a failed']]);
      expect(died.json.stopped).toContain('has ended: ask again');

      const second = await executor('second', {});
      await isKnown('second');
      const again = await ks('rollback', 'r-1', '--reason', 'again');
      if (idempotent) expect([again.code, outcomes(again)]).toEqual([0, ['b reversed', 'a reversed']]);
      else {
        expect([again.code, outcomes(again)]).toEqual([1, ['b unknown', 'a reversed']]);
        const key: string = again.json.actions[0].reversal_key;
        await ks('runs', 'resolve', 'r-1', key, '--not-landed', '--reason', 'looked');
        expect(outcomes(await ks('rollback', 'r-1', '--reason', 'again'))).toEqual([
          'b reversed',
          'a already_reversed',
        ]);
      }
      const undone = second.said.flatMap(({ undone: of }) => (of === undefined ? [] : [of]));
      expect(undone).toEqual(idempotent ? ['b', 'a'] : ['a', 'b']);
    },
  );
});
