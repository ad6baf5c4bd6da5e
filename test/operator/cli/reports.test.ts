import { OpenFeature } from '@openfeature/server-sdk';
import { expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch } from './command.ts';

test('interventions and surfaces show what a real agent was refused, and every action that it has', async () => {
  const ks = fileSwitch();
  await ks.run('init');
  expect((await ks.json('interventions')).json).toEqual({ data: [], count: 0 });
  const none = { stdout: '', stderr: 'No executor has reported its actions yet.\n' };
  expect(await ks.run('surfaces')).toMatchObject(none);
  await ks.run('kill', 'agent:mailer', '--wait', '0');
  const killSwitch = await createKillSwitch({
    store: fileStore({ directory: ks.directory }),
    domain: 'cli-reports',
    executor: { name: 'mailer' },
  });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  const send = killSwitch.action({ name: 'email.send', execute: async () => 'sent' });
  const outcome = await killSwitch.run({ agentId: 'mailer' }, () => send.attempt({}));
  expect(outcome.status).toBe('blocked');

  let refused = await ks.here('interventions', '--json');
  while (refused.json.count === 0) refused = await ks.here('interventions', '--json');
  expect(refused.json).toMatchObject({
    count: 1,
    data: [
      { action: 'email.send', agent_id: 'mailer', status: 'blocked', cause: { kind: 'kill', target: 'agent:mailer' } },
    ],
  });
  expect((await ks.run('interventions', '--limit', '1')).stdout).toMatch(
    /^20\S+Z +HARD_BLOCK +email\.send +\S+ +mailer +\S+ +blocked +full_stop +a kill of agent:mailer by unverified:dana$/m,
  );
  const surfaces = await ks.json('surfaces');
  expect(surfaces.json).toMatchObject({
    count: 1,
    data: [{ action: 'email.send', effect: 'write', executor: 'mailer' }],
  });
  const people = await ks.run('surfaces');
  expect(people.stdout).toMatch(/^email\.send +write +tool /m);
  expect(people.stdout).toContain('neither redirect nor draft');
});
