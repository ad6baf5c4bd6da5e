import { expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch } from './command.ts';

test('a budget that is set says what it does', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  const said = async (...args: string[]): Promise<readonly string[]> => {
    const { stdout } = await ks.here(...args, '--reason', 'r');
    return stdout.trimEnd().split('\n');
  };
  expect(await said('budget', 'run', '--usd', '50')).toEqual([
    'The budget run is set, at epoch 2.',
    'Each run may spend 50 usd; then it is paused. It warns at 80 %.',
  ]);
  // What is not named stays as it was.
  expect(await said('budget', 'run', '--warn', 'none', '--do', 'full_stop')).toEqual([
    'The budget run is set, at epoch 3.',
    'Each run may spend 50 usd; then it is stopped. It does not warn before.',
  ]);
  expect(await said('budget', 'day', '--usd', '9.5', '--calls', '100', '--time-zone', 'Europe/Berlin')).toContain(
    'Everything together may spend 9.5 usd and 100 calls a day (Europe/Berlin); when one of them is spent, everything is paused. It warns at 80 %.',
  );
  expect(await said('budget', 'agent:bot', '--calls', '100', '--window', '10m', '--do', 'draft_only')).toContain(
    'agent:bot may spend 100 calls in 10m; then it may only draft. It warns at 80 %.',
  );
  const tiers = ['--targeting', '{"var":"tier"}', '--tiers', '{"gold":{"usd":500}}'];
  expect(await said('budget', 'user', '--tokens', '1000', ...tiers)).toContain(
    'Each user may spend 1000 tokens in all, for good (without --window day it never begins anew); then the run or agent that acts for it is paused. It warns at 80 %. Its rule gives some calls other amounts.',
  );
  expect((await said('budget', 'account', '--usd', 'none', ...tiers)).at(0)).toMatch(/^The budget account is set/);
});

test('a tripwire that is set says what it does', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  const said = async (...args: string[]): Promise<string | undefined> =>
    (await ks.here('tripwire', 'set', ...args, '--reason', 'r')).stdout.trimEnd().split('\n').at(1);
  expect(await said('repeats', '--limit', '100')).toBe(
    'In each run, 100 identical calls in 10m pass; with the next, the run is paused.',
  );
  const blocks = ['--on', 'interventions:HARD_BLOCK', '--limit', '20', '--window', '5m', '--scope', 'agent'];
  expect(await said('blocks', ...blocks, '--do', 'full_stop')).toBe(
    'In each agent, 20 interventions of the kind HARD_BLOCK in 5m pass; with the next, the agent is stopped.',
  );
  expect(await said('bounces', '--on', 'report:bounce_rate', '--limit', '0.04')).toBe(
    'Where bounce_rate is reported above 0.04, the run is paused.',
  );
});

test('a budget is shown, and taken away, as it can be typed; what is not there is not taken away', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  expect((await ks.here('budget', 'agent:bot', '--usd', '5', '--window', 'day')).stdout).toMatch(
    /^The budget agent:bot --window day is set/,
  );
  expect((await ks.here('budgets')).stdout).toMatch(/agent:bot +day/);
  const gone = (...args: string[]) => ks.here(...args, '--reason', 'r');
  const usual = await gone('budget', 'remove', 'agent:bot');
  expect([usual.code, usual.stderr]).toEqual([
    1,
    expect.stringMatching(/^There is no budget "agent:bot"\. See what there is: kill-switch .*budgets/),
  ]);
  const absent = await gone('budget', 'remove', 'agent:bot', '--window', '10m');
  expect(absent.stderr).toContain('There is no budget "agent:bot --window 10m".');
  const daily = await gone('budget', 'remove', 'agent:bot', '--window', 'day');
  expect([daily.code, daily.stdout]).toEqual([
    0,
    expect.stringContaining('Removed: the budget agent:bot --window day'),
  ]);
  const tripwire = await gone('tripwire', 'remove', 'repeat');
  expect([tripwire.code, tripwire.stderr]).toEqual([1, expect.stringContaining('There is no tripwire "repeat".')]);
  expect(await gone('tripwire', 'remove', 'repeats')).toMatchObject({ code: 0 });
  expect(await gone('tripwire', 'remove', 'repeats')).toMatchObject({ code: 1 });
});

test('what names nobody says so, and whom it may mean', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  await ks.here('mode', 'live', '--reason', 'r');
  await ks.here('budget', 'account', '--usd', '50');
  const killSwitch = await createKillSwitch({ store: fileStore({ directory: ks.directory }), agentId: 'bot' });
  onTestFinished(() => killSwitch.close());
  await vi.waitUntil(() => killSwitch.check().epoch >= 3, 10_000);
  const refund = killSwitch.action({ name: 'pay.refund', spend: { usd: () => 1 }, execute: () => 1 });
  await killSwitch.run({ runId: 'r-1', missionId: 'm-1', context: { account_id: 'acme' } }, async (run) => {
    await refund({});
    run.report('bounce_rate', 0.01);
  });
  const said = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await ks.here(...args, '--reason', 'r');
    expect(code).toBe(0);
    return stdout;
  };
  const known = 'bounce_rate is reported above'; // what was reported is told with the next beat
  const watch = (name: string) => said('tripwire', 'set', 'b', '--on', `report:${name}`, '--limit', '0.04');
  await vi.waitFor(async () => expect(await watch('bounce_rate')).not.toContain('NOBODY KNOWS'), 10_000);
  expect(await watch('bounce_rate')).toContain(known);
  expect(await watch('bounce_rte')).toMatch(
    /^NOBODY KNOWS report:bounce_rte.*\nDid you mean: kill-switch .*tripwire set b --on report:bounce_rate /,
  );
  expect(await said('budget', 'agent:bot', '--usd', '5')).toMatch(/^The budget agent:bot is set/);
  expect(await said('budget', 'agent:bott', '--usd', '5')).toMatch(
    /^NOBODY KNOWS agent:bott.*\nDid you mean: kill-switch .*budget agent:bot …\n/,
  );
  expect(await said('budget', 'agent:agent:bot', '--usd', '5')).toMatch(
    /Did you mean: kill-switch .*budget agent:bot …/,
  );
  expect(await said('budget', 'action:pay.refnd', '--calls', '5')).toMatch(
    /Did you mean: .*budget action:pay.refund …/,
  );
  expect(await said('budget', 'mission:m-11', '--usd', '5')).toMatch(/^NOBODY KNOWS mission:m-11/);
  expect(await said('budget', 'run:r-11', '--usd', '5')).toMatch(/^NO REPORT NAMES run:r-11/);
  expect(await said('budget', 'account:acmee', '--usd', '5')).toMatch(
    /^NO BUDGET HAS COUNTED account:acmee YET.*account_id "acmee".*\nDid you mean: .*budget account:acme …\n/,
  );
  const allow = async (action: string, ...args: string[]): Promise<string> =>
    (await ks.here('approval', 'allow', action, '--times', '3', '--until', '1h', ...args)).stdout;
  expect(await allow('pay.refund', '--agent', 'bot')).toMatch(/^agent:bot may perform pay.refund 3 times/);
  expect(await allow('pay.refnd', '--agent', 'bot')).toMatch(
    /^NOBODY KNOWS action:pay.refnd.*\nDid you mean: .*approval allow pay.refund --agent bot …\n/,
  );
  expect(await allow('pay.refund', '--agent', 'agent:bot')).toMatch(
    /^NOBODY KNOWS agent:agent:bot.*\nDid you mean: .*approval allow pay.refund --agent bot …\n/,
  );
  expect(await allow('pay.refund', '--agent', 'bot', '--run', 'r-11')).toMatch(/^NO REPORT NAMES run:r-11/);
  const kind = await ks.here(
    'tripwire',
    'set',
    'c',
    '--on',
    'interventions:DOWNGRAD',
    '--limit',
    '3',
    '--window',
    '1m',
  );
  expect(kind).toMatchObject({ code: 2 });
  expect(kind.stderr).toContain('Did you mean interventions:DOWNGRADE?');
});

test('what a budget has stopped is named where nothing is killed, before the log has it', async () => {
  const ks = fileSwitch();
  await ks.here('init');
  await ks.here('mode', 'live', '--reason', 'r');
  await ks.here('budget', 'run', '--calls', '1');
  const killSwitch = await createKillSwitch({ store: fileStore({ directory: ks.directory }), agentId: 'bot' });
  onTestFinished(() => killSwitch.close());
  await vi.waitUntil(() => killSwitch.check().epoch >= 3, 10_000);
  const search = killSwitch.action({ name: 'web.search', effect: 'read', execute: () => 1 });
  expect((await ks.here('kills')).stderr).toBe('Nothing is killed.\n');
  await killSwitch.run({ runId: 'r-1' }, async () => {
    await search.attempt(undefined);
    expect(await search.attempt(undefined)).toMatchObject({ status: 'paused' });
  });
  expect((await ks.here('kills')).stderr).toContain('"run:r-1" is stopped by budget:run');
});
