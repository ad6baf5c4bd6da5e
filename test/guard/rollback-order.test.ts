import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane, type RollbackAnswer } from '../../operator/index.ts';
import { closeAfterwards, type Sides } from './open-switch.ts';
import { allStores } from './real-sides.ts';

const WAIT = { waitMs: 5000, reason: 'wrong values' };
const LONG = { timeout: 20_000, interval: 50 };

/** An executor that adds to a balance, once for each key, and takes away again what is undone. */
async function open({ store, controlStore }: Sides) {
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  closeAfterwards(control);
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const killSwitch = await createKillSwitch({
    ...{ store, domain: `order-${Math.random()}`, executor: { name: 'bot' }, agentId: 'x' },
  });
  closeAfterwards(killSwitch);
  const undone: string[] = [];
  const begun: Array<() => void> = [];
  const pay = killSwitch.action({
    name: 'payments.pay',
    idempotent: true,
    reverse: { action: 'payments.cancel', input: (_result, { of }: { of: string }) => ({ of }) },
    async execute({ of }: { of: string }) {
      if (of !== 'twice') return;
      // Both deliveries are under way before either has landed.
      await new Promise<void>((resolve) => {
        begun.push(resolve);
        if (begun.length === 2) for (const go of begun) go();
      });
    },
  });
  killSwitch.action({
    name: 'payments.cancel',
    execute: async ({ of }: { of: string }) => void undone.push(of),
  });
  await vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', LONG);
  await vi.waitUntil(async () => (await control.surfaces()).count === 2, LONG);
  const inRun = (runId: string, of: string, idempotencyKey = `k-${of}-${runId}`) =>
    killSwitch.run({ runId, missionId: 'm' }, () => pay.attempt({ of }, { idempotencyKey }));
  return { control, killSwitch, undone, inRun };
}

const outcomes = ({ actions }: Pick<RollbackAnswer, 'actions'>): string[] => actions.map(({ outcome }) => outcome);

describe.each(allStores)('what a rollback undoes, in %s', (name, openPlace) => {
  test('is one effect where an idempotent action was delivered twice at once under one key', async () => {
    const { control, undone, inRun } = await open(await openPlace());
    const delivered = await Promise.all([inRun('r', 'twice', 'k'), inRun('r', 'twice', 'k')]);
    expect(delivered.map(({ status }) => status)).toEqual(['executed', 'executed']);
    expect(outcomes(await control.previewRollback({ run: 'r' }))).toEqual(['reversible']);
    expect(outcomes(await control.rollback({ run: 'r', ...WAIT }))).toEqual(['reversed']);
    expect(undone).toEqual(['twice']);
    const { entries } = await control.run('r');
    expect(entries.map(({ state }) => state)).toEqual(['reversed', 'reversed']);
    expect(entries.filter(({ reverse }) => reverse !== null)).toHaveLength(1);
    expect((await control.runs()).data[0]).toMatchObject({ reversible: 0 });
  });

  test('is that effect once, also where it was delivered in two runs', async () => {
    const { control, undone, inRun } = await open(await openPlace());
    await Promise.all([inRun('r', 'twice', 'k'), inRun('s', 'twice', 'k')]);
    const found = [];
    for (const run of ['r', 's']) found.push(await control.rollback({ run, ...WAIT }));
    expect(found.flatMap(outcomes).sort()).toEqual(['not_reversible', 'reversed']);
    expect(found.flatMap(({ actions }) => actions).find(({ outcome }) => outcome === 'not_reversible')?.detail).toMatch(
      /^it is one effect with try 1 of its key, which landed first, in the run [rs]:/,
    );
    expect(undone).toEqual(['twice']);
  });

  test('is undone in the reverse order also where the clock has gone back meanwhile', async () => {
    if (name === 'Redis') return; // its clock is the server's
    const { control, undone, inRun } = await open(await openPlace());
    const now = Date.now.bind(Date);
    await inRun('r', '1');
    const back = vi.spyOn(Date, 'now').mockImplementation(() => now() - 2000);
    onTestFinished(() => back.mockRestore());
    for (const [run, of] of [
      ['r', '2'],
      ['s', '3'],
      ['r', '4'],
    ] as const)
      await vi.waitFor(async () => expect((await inRun(run, of)).status).toBe('executed'), LONG);
    back.mockRestore();
    await vi.waitFor(async () => {
      expect(outcomes(await control.rollback({ mission: 'm', ...WAIT }))).not.toContain('failed');
    }, LONG);
    expect(undone).toEqual(['4', '3', '2', '1']);
  });
});
