import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { runHere } from '../operator/cli/command.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { closeAfterwards, openSwitch } from './open-switch.ts';

interface Place {
  readonly url: string;
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
}

const inFiles = (): Place => {
  const directory = join(temporaryFolder('shadow').path, 'switch');
  return {
    url: `file:${directory}`,
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
  };
};
const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  return { url, store: redisStore({ url }), controlStore: redisControlStore({ url }) };
};
const PLACES: Array<[string, () => Place | Promise<Place>]> = [['the file store', inFiles]];
if (hasRedis) PLACES.push(['Redis', inRedis]);

/** A shadow run in another process, which is killed in the moment in which it says that the calls have returned. */
async function runAndDie(url: string, runId: string, name = 'mailer'): Promise<unknown> {
  const child = fork(join(import.meta.dirname, 'shadow-run.mjs'), [JSON.stringify({ url, runId, name })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return message;
}

const NAME = 'returns.auto';

/** Each step waits for real processes, or for those who obey. */
const LONG = { timeout: 120_000 };

describe.each(PLACES)('a feature on %s', (_name, open) => {
  test(
    'keeps each shadow run and outcome that was acknowledged, whoever is killed right afterwards',
    LONG,
    async () => {
      const { url, controlStore } = await open();
      const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
      closeAfterwards(control);
      await control.init();
      await control.setMode({ mode: 'live', reason: 'test' });
      await control.setFeature({ name: NAME, stage: 'shadow', reason: 'test' });
      for (const runId of ['r-1', 'r-2', 'r-3']) expect(await runAndDie(url, runId)).toEqual({ status: 'drafted' });
      expect(await runAndDie(url, 'r-4', 'other')).toEqual({ status: 'drafted' });
      const evidence = await control.evidence(NAME);
      expect(evidence).toMatchObject({
        shadow_runs: 4,
        judged: 4,
        agreed: 4,
        unreadable: 0,
        ignored: 0,
        unresolved: 0,
      });
      const runs = evidence.writers.map(({ shadow_runs }) => shadow_runs);
      expect(runs).toEqual(url.startsWith('file:') ? [4] : [3, 1]); // files are told apart by user, Redis by name
    },
  );

  test('goes from dark to live by the command, and each step does what it says in a running agent', LONG, async () => {
    const { url, store, controlStore } = await open();
    const { killSwitch } = await openSwitch({ store, controlStore }, { agentId: 'returns-bot' });
    const executed = vi.fn();
    const refund = killSwitch.action({
      name: 'payments.refund',
      feature: NAME,
      execute: executed,
      draft: ({ cents }: { cents: number }) => ({ cents }),
    });
    const ks = async (...args: string[]) => runHere([...args, '--store', url], { KILL_SWITCH_OPERATOR: 'ann' });
    const stage = async (to: string, ...more: string[]): Promise<void> => {
      expect(await ks('feature', NAME, to, ...more)).toMatchObject({ code: 0 });
      const { json } = await ks('status', '--json');
      await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(json.epoch), { timeout: 5000 });
    };
    expect((await refund.attempt({ cents: 5 })).decision).toMatchObject({ cause: { kind: 'feature', stage: 'dark' } });
    const require = ['--require-runs', '2', '--require-days', '1', '--require-agreement', '100%'];
    expect((await ks('feature', NAME, ...require)).stdout).toBe(
      `To go beyond shadow, feature ${NAME} needs at least 2 shadow runs, on at least 1 day, an agreement of at least 100 %, no unresolved intervention, at epoch 3.\n`,
    );
    await stage('shadow', '--reason', 'try it');
    const tried = async (runId: string, agreed: boolean): Promise<void> => {
      const outcome = await killSwitch.run({ runId }, () => refund.attempt({ cents: 5 }));
      expect(outcome.status).toBe('drafted');
      await killSwitch.recordOutcome({ feature: NAME, runId, action: 'payments.refund', agreed });
    };
    await tried('r-1', true);
    await tried('r-2', false);
    const refused = await ks('feature', NAME, 'gated', '--reason', 'it agrees');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('an agreement of 50 % where 100 % are required');
    expect((await ks('feature', NAME, 'gated', '--accounts', 'acme', '--reason', 'x', '--json')).json).toMatchObject({
      code: 'EVIDENCE_REQUIRED',
    });
    await killSwitch.recordOutcome({ feature: NAME, runId: 'r-2', action: 'payments.refund', agreed: true });
    expect((await ks('feature', NAME, '--evidence', '--json')).json).toMatchObject({
      ...{ feature: NAME, shadow_runs: 2, days: 1, judged: 2, agreed: 2, agreement: 1, missing: [] },
      requirement: { runs: 2, days: 1, agreement: 1 },
    });
    const shown = (await ks('feature', NAME, '--evidence')).stdout;
    expect(shown).toContain('Outcomes     2 of 2, of which 2 agreed (100 %)');
    expect(shown).toContain('That is met.');
    const listed = (await ks('features')).stdout;
    expect(listed).toMatch(/^shadow\s+returns\.auto\s+-\s+2\s+100 %\s+nothing more$/m);
    expect(executed).not.toHaveBeenCalled();

    await stage('live', '--accounts', 'acme', '--reason', 'acme wants it');
    expect((await refund.attempt({ cents: 5 })).status).toBe('drafted'); // an account is no part of this run
    await stage('live', '--reason', 'it agrees');
    expect((await refund.attempt({ cents: 5 })).status).toBe('executed');
    await stage('dark'); // no form
    expect((await refund.attempt({ cents: 5 })).status).toBe('blocked');
    expect((await ks('log')).stdout).toContain(
      'returns.auto live with {"agreed":2,"days":1,"judged":2,"shadow_runs":2,"unresolved":0}',
    );
    expect((await ks('log', 'verify')).code).toBe(0);
  });

  test('tells of each write of an action that is human_on_the_loop, in the list and to whoever follows', async () => {
    const { url, store, controlStore } = await open();
    const { killSwitch, control } = await openSwitch({ store, controlStore }, { agentId: 'returns-bot' });
    await control.setAutonomy({ action: 'payments.refund', stage: 'human_on_the_loop', reason: 'test' });
    const { epoch } = await control.status();
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch), { timeout: 5000 });
    const refund = killSwitch.action({ name: 'payments.refund', execute: () => 'done' });
    const following = control.followInterventions({ since: new Date(0) })[Symbol.asyncIterator]();
    await killSwitch.run({ runId: 'r-1' }, () => refund(undefined, { idempotencyKey: 'k-1' }));
    const notice = { status: 'started', run_id: 'r-1', idempotency_key: 'k-1', verdict: 'allow' };
    expect((await following.next()).value).toMatchObject(notice);
    await following.return?.();
    expect((await runHere(['interventions', '--store', url, '--json'])).json).toMatchObject({
      count: 1,
      data: [notice],
    });
    expect((await runHere(['interventions', '--store', url, '-o', 'wide'])).stdout).toContain('k-1');
  });
});
