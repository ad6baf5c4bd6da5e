import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Head } from '../../../flags/index.ts';
import { createKillSwitch } from '../../../index.ts';
import { everybodys } from './everybodys.ts';
import { ANN, asArguments, BOB, EVE, ofUsers, report, WHY_NOT } from './users.ts';

const FLOODER = fileURLToPath(new URL('flooder.mjs', import.meta.url));

/**
 * Eve puts that many files where executors look for reports against this generation; with a pace she goes on changing
 * that folder until the test is over.
 */
async function flood(folder: string, { generation }: Head, count: number, paceMs = 0): Promise<void> {
  const process_ = spawn(
    'setpriv',
    asArguments(EVE, process.execPath, FLOODER, folder, `${generation}.`, String(count), String(paceMs)),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void process_.kill());
  await once(process_.stdout, 'data');
  if (paceMs === 0 && process_.exitCode === null) await once(process_, 'exit');
}

/** The outcomes of an executor's calls, one every 20 ms. */
async function busy(store: Parameters<typeof createKillSwitch>[0]['store'], leaseMs: number) {
  const killSwitch = await createKillSwitch({
    store: store as never,
    domain: `flooded-${Math.random()}`,
    agentId: 'honest',
    leaseMs,
    executor: { name: 'honest' },
  });
  onTestFinished(() => killSwitch.close());
  const action = killSwitch.action({ name: 'mail.send', execute: () => 'sent' });
  const during = async (ms: number): Promise<Set<string>> => {
    const found = new Set<string>();
    for (const until = performance.now() + ms; performance.now() < until; await sleep(20)) {
      const { status, decision } = await action.attempt(null);
      found.add(decision.cause?.kind === 'fault' ? decision.cause.code : status);
    }
    return found;
  };
  const until = (wanted: string): Promise<void> =>
    vi.waitFor(async () => expect(await during(0.001)).toEqual(new Set([wanted])), { timeout: 20_000, interval: 50 });
  return { during, until };
}

describe.skipIf(WHY_NOT !== null)(ofUsers('a user who floods the reports of forks'), () => {
  test('when excluded costs nobody a lease and hides no true report, with any number of files that change all the time', {
    timeout: 120_000,
  }, async () => {
    const { plane, forks, store, directory } = await everybodys();
    await plane.recover({ reason: 'it floods', exclude: [`uid ${EVE}`] });
    await plane.setMode({ mode: 'live', reason: 'a test' });
    const { head } = await plane.status();
    await flood(forks, head, 49_000, 5);
    const executor = await busy(store, 2000);
    await executor.until('executed');
    expect(await executor.during(5000)).toEqual(new Set(['executed']));
    expect(await plane.status()).toMatchObject({
      forks: [],
      ignored_forks: [{ executor: `uid ${EVE}`, why: 'an operator has said not to believe it' }],
    });

    // Ann has seen a change that is not in the log.
    const lost = { ...head, epoch: head.epoch + 1, hash: 'a'.repeat(64) };
    report(ANN, { directory, name: 'ann' }, ['confirm', lost, { against: head.generation, held: lost }]);
    await executor.until('GENERATION_CHANGED');
    expect((await plane.status()).forks).toMatchObject([{ executor: 'ann', held: lost }]);
  });

  test('stops everyone with 200,000 files until excluded, and nobody afterwards; recover takes no longer than a request may', {
    timeout: 240_000,
  }, async () => {
    const { plane, forks, store, directory } = await everybodys();
    await plane.setMode({ mode: 'live', reason: 'a test' });
    const executor = await busy(store, 2000);
    await executor.until('executed');
    await flood(forks, (await plane.status()).head, 200_000);
    await executor.until('GENERATION_CHANGED');
    expect((await plane.status()).forks).toMatchObject([{ known_as: [`uid ${EVE}`], held: null }]);

    const { forks: given } = await plane.recover({ reason: 'it floods', exclude: [`uid ${EVE}`] });
    expect(given).toMatchObject([{ known_as: [`uid ${EVE}`] }]);
    await executor.until('executed');
    const { head } = await plane.status();
    await flood(forks, head, 60_000, 20); // more than any version looks at
    expect(await executor.during(5000)).toEqual(new Set(['executed']));
    expect(report(BOB, { directory, name: 'bob' }, ['confirm', head])).toMatchObject([{ forkReported: false }]);

    await plane.recover({ reason: 'once more' });
    await executor.until('executed');
    await plane.kill({ target: 'agent:honest' });
    await executor.until('blocked');
    expect(readdirSync(forks).length).toBeLessThan(10);
  });
});
