import { join } from 'node:path';
import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { KillSwitchProvider } from '../../provider/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { DRIVERS, openStore } from './drivers.ts';
import { Scene } from './scene.ts';
import { PATIENCE_MS } from './witness.ts';

const LONGEST = 'x'.repeat(512);
const GOOD = [
  '__proto__',
  'constructor',
  '[a]?',
  'a:b',
  '{x}',
  '🛑',
  '../../etc/passwd',
  '%2e',
  'Ä b',
  LONGEST,
  '🛑'.repeat(512),
];

const BAD: ReadonlyArray<readonly [name: string, id: string]> = [
  ['513 characters', 'x'.repeat(513)],
  ['513 emoji', '🛑'.repeat(513)],
  ['nothing', ''],
  ['a line break', 'a\nb'],
  ['a zero byte', 'a\u0000'],
  ['an escape sequence', '\u001b[2J'],
  ['a C1 control', 'a\u009b2J'],
  ['a DEL', '\u007f'],
  ['a line separator', 'a\u2028b'],
  ['half a surrogate pair', 'a\ud83d'],
  ['a star', '*'],
];

const WHY =
  /must not be empty|must not be "\*"|"\*" would be one id like any other|it would match no action|"\*" is not a target|must have at most 512 characters, not 513|must not contain control characters|well-formed Unicode/;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const short = (id: string): string => (id.length > 40 ? `${[...id].length} × ${[...id][0]}` : id);
const CASES = DRIVERS.flatMap((driver) =>
  GOOD.map((id) => ({ ...driver, id, title: `${short(id)} over a ${driver.name} store` })),
);

describe.concurrent('an id', () => {
  for (const { open, id, title } of CASES) {
    test(`works as any other, in every place: ${title}`, { timeout: 60_000 }, async (context) => {
      const scene = new Scene(context);
      const { controlStore, address } = await open(scene);
      const control = scene.own(
        await openControlPlane({ store: controlStore, organizationId: id, operator: { id } }),
        (opened) => opened.close(),
      );
      const others = await scene.live(controlStore);
      await control.init();
      await control.setMode({ mode: 'live', reason: 'a test' });
      const domain = `ids-${Math.random()}`;
      const killSwitch = scene.own(
        await createKillSwitch({
          store: openStore(address('anchor')),
          organizationId: id,
          executor: { name: id },
          leaseMs: 5000,
          domain,
        }),
        (opened) => opened.close(),
      );
      await control.setFeature({ name: id, stage: 'live', reason: 'a test' });
      await control.setLimit({ name: id, value: 7, reason: 'a test' });
      const act = killSwitch.action({ name: id, surface: id, feature: id, execute: () => 'done' });
      const other = killSwitch.action({ name: 'another', execute: () => 'done' });
      const run = { agentId: id, missionId: id, runId: id };
      const attempt = () => killSwitch.run(run, () => act.attempt(undefined));
      const bystander = () => killSwitch.run({ agentId: 'bystander' }, () => other.attempt(undefined));
      const applied = async (epoch: number): Promise<void> => {
        const until = performance.now() + PATIENCE_MS;
        while (killSwitch.check({ agentId: 'x' }).epoch < epoch) {
          if (performance.now() > until) throw new Error(`Epoch ${epoch} was not applied.`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };

      await applied(4);
      expect(await attempt()).toMatchObject({ status: 'executed', decision: run });
      await killSwitch.run(run, async (opened) => {
        await opened.checkpoint(id, { id });
        expect(await opened.lastCheckpoint()).toMatchObject({ name: id, state: { id } });
        expect(opened.lineage).not.toBe('');
      });
      const client = OpenFeature.getClient(domain);
      expect(await client.getNumberValue(`kill-switch.limit.${id}`, 0)).toBe(7);
      expect(await client.getStringValue(`kill-switch.feature.${id}`, 'dark')).toBe('live');

      const targets = ['agent', 'mission', 'run', 'action', 'feature', 'surface'].map((type) => `${type}:${id}`);
      for (const target of targets) {
        const { kill, epoch } = await control.kill({ target, reason: id });
        expect(kill).toMatchObject({ target, target_id: id, organization_id: id, killed_by: `unverified:${id}` });
        await applied(epoch);
        expect(await attempt()).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'kill', target } } });
        expect(await bystander()).toMatchObject({ status: 'executed' });
        await applied((await control.revive({ target, reason: 'a test' })).epoch);
      }
      await applied((await control.setAutonomy({ action: id, stage: 'human_in_the_loop' })).epoch);
      expect(killSwitch.check({ agentId: id, action: id })).toMatchObject({
        mode: 'approval_gated',
        cause: { kind: 'autonomy' },
      });

      const status = await control.status();
      expect(status).toMatchObject({ organization_id: id, features: { [id]: 'live' }, limits: { [id]: 7 } });
      expect(Object.hasOwn(status.features, id)).toBe(true);
      expect(status.executors.map(({ name }) => name)).toEqual([id]);
      expect((await control.interventions()).data.every(({ executor_name }) => executor_name === id)).toBe(true);
      expect(await control.verifyLog()).toMatchObject({ ok: true });
      expect(await others.status()).toMatchObject({ epoch: 2, executors: [] });
    });
  }

  test.for(BAD)('of %s is refused everywhere, and changes nothing', async ([, id], context) => {
    const scene = new Scene(context);
    const directory = join(scene.folder('ids'), 'switch');
    const [store, controlStore] = [fileStore({ directory }), fileControlStore({ directory })];
    const control = await scene.live(controlStore);
    const killSwitch = scene.own(await createKillSwitch({ store, domain: `ids-${Math.random()}` }), (opened) =>
      opened.close(),
    );
    const before = await control.status();
    const execute = () => {};
    const work = () => {
      throw new Error('It was let in.');
    };

    const entries: Record<string, () => unknown> = {
      'createKillSwitch agentId': () => createKillSwitch({ store, agentId: id, domain: 'bad' }),
      'createKillSwitch organizationId': () => createKillSwitch({ store, organizationId: id, domain: 'bad' }),
      'createKillSwitch executor.name': () => createKillSwitch({ store, executor: { name: id }, domain: 'bad' }),
      'createKillSwitch domain': () => createKillSwitch({ store, domain: id }),
      KillSwitchProvider: () => new KillSwitchProvider({ store, organizationId: id }),
      'openControlPlane organizationId': () =>
        openControlPlane({ store: controlStore, organizationId: id, operator: { id: 'dana' } }),
      'openControlPlane operator': () => openControlPlane({ store: controlStore, operator: { id } }),
      'run agentId': () => killSwitch.run({ agentId: id }, work),
      'run missionId': () => killSwitch.run({ missionId: id }, work),
      'run runId': () => killSwitch.run({ runId: id }, work),
      job: () => killSwitch.job({ agentId: id }, work),
      checkpoint: () => killSwitch.run({ agentId: 'x' }, (run) => run.checkpoint(id)),
      'action name': () => killSwitch.action({ name: id, execute }),
      'action surface': () => killSwitch.action({ name: 'x', surface: id, execute }),
      'action feature': () => killSwitch.action({ name: 'x', feature: id, execute }),
      'action limit': () => killSwitch.action({ name: 'x', limits: { [id]: { max: 1, of: () => 0 } }, execute }),
      'action reverse': () => killSwitch.action({ name: 'x', reverse: { action: id, input: () => {} }, execute }),
      kill: () => control.kill({ target: id }),
      ...Object.fromEntries(
        ['agent', 'mission', 'run', 'action', 'feature', 'surface'].flatMap((type) => [
          [`kill ${type}`, () => control.kill({ target: `${type}:${id}` })] as const,
          // A kill that an older version recorded can be lifted.
          ...(id === '*'
            ? []
            : [[`revive ${type}`, () => control.revive({ target: `${type}:${id}`, reason: 'a test' })] as const]),
        ]),
      ),
      setFeature: () => control.setFeature({ name: id, stage: 'live', reason: 'a test' }),
      setLimit: () => control.setLimit({ name: id, value: 1, reason: 'a test' }),
      setAutonomy: () => control.setAutonomy({ action: id, stage: 'trusted', reason: 'a test' }),
    };
    for (const [entry, ask] of Object.entries(entries)) {
      const error = await refusal(ask);
      expect(error, entry).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(WHY) });
      expect(error.message, entry).not.toMatch(UNPRINTABLE);
      expect(error.message.length, entry).toBeLessThan(400);
    }
    for (const name of ['agentId', 'missionId', 'runId', 'action', 'surface', 'feature']) {
      const decision = killSwitch.check({ agentId: 'x', [name]: id });
      expect(decision, name).toMatchObject({
        verdict: 'block',
        mode: 'full_stop',
        cause: { kind: 'identity', message: expect.stringMatching(WHY) },
      });
    }
    // That somebody has tried is in the log, of one person at most ten times a minute, and nothing else is.
    const since: string[] = [];
    for await (const { type } of control.log({ after: before.head.epoch })) since.push(type);
    expect(since.filter((type) => type !== 'refused')).toEqual([]);
    expect(since.length).toBeLessThanOrEqual(10);
    expect(await control.status()).toMatchObject({
      kills: [],
      features: {},
      limits: {},
      autonomy: {},
    });
    expect((await control.surfaces()).data.map(({ action }) => action)).toEqual([]);
  });
});

async function refusal(ask: () => unknown): Promise<Error> {
  try {
    await ask();
  } catch (error) {
    return error as Error;
  }
  throw new Error('It was accepted.');
}
