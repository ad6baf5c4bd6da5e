import { describe, expect, test } from 'vitest';
import { fileSwitch } from './command.ts';

describe('kill-switch feature', () => {
  test('says for whom a stage counts, and takes no reason where nobody gains', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    const feature = async (...args: string[]): Promise<string> =>
      (await ks.here('feature', 'f', ...args)).stdout.split('\n').find((line) => line.startsWith('feature f ')) ?? '';
    await feature('shadow', '--reason', 'try it');
    expect((await ks.here('feature', 'f', 'gated', '--accounts', 'acme,globex', '--json')).json).toMatchObject({
      code: 'REASON_REQUIRED',
    });
    const gated = 'feature f is gated for the accounts acme, globex, and shadow for all others';
    expect(await feature('gated', '--accounts', 'acme,globex', '--reason', 'pilot')).toBe(`${gated}, at epoch 3.`);
    expect(await feature()).toBe(`${gated}.`);
    expect(await feature('gated', '--accounts', 'acme')).toBe(
      'feature f is gated for the account acme, and shadow for all others, at epoch 4. For the account globex it was gated, and is shadow.',
    );
    expect(await feature('live', '--percentage', '10%', '--reason', 'a quiet month')).toBe(
      'feature f is live for 10 % of accounts, and shadow for the others, at epoch 5. It was gated for the account acme, and shadow for all others: that no longer counts. No evidence was asked for: nothing is required of it. To require some: kill-switch feature f --require-runs N --require-agreement 95%',
    );
    expect(await feature('live', '--percentage', '5')).toContain('live for 5 % of accounts');
    const rule = '{"if":[{"===":[{"var":"tier"},"gold"]},"live"]}';
    expect(await feature('dark', '--targeting', rule, '--reason', 'gold first')).toContain(
      `feature f is dark, by the rule ${rule}, at epoch 7. No evidence was asked for`,
    );
    expect((await ks.here('feature', 'f', '--json')).json).toEqual({
      ...{ feature: 'f', stage: 'dark', set: true, epoch: 7 },
      ...{ targeting: JSON.parse(rule), requirement: null },
    });
    expect((await ks.here('features')).stdout).toContain(`dark, by the rule ${rule}`);
    expect(await feature('dark')).toBe('feature f is dark, at epoch 8.');
  });

  test('says who has less because a rule names them no longer, and names nobody where nobody has', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    const json = async (...args: string[]): Promise<unknown> =>
      (await ks.here('feature', 'f', ...args, '--reason', 'r', '--json')).json;
    expect(await json('live', '--accounts', 'acme,initech')).not.toHaveProperty('lowered');
    expect(await json('gated', '--accounts', 'globex,initech')).toMatchObject({
      lowered: [
        { account: 'acme', was: 'live', is: 'dark' },
        { account: 'initech', was: 'live', is: 'gated' },
      ],
      replaced: null,
    });
    expect(await json('live', '--accounts', 'globex,initech,acme')).not.toHaveProperty('lowered');
    const { stdout } = await ks.here('feature', 'f', 'gated', '--accounts', 'initech', '--reason', 'r');
    expect(stdout).toContain(
      ' For the accounts globex, acme it was live, and is dark. For the account initech it was live, and is gated.',
    );
    expect(await json('live', '--percentage', '10')).toMatchObject({ lowered: [], replaced: { stage: 'dark' } });
    expect(await json('live', '--percentage', '20')).not.toHaveProperty('replaced');
    expect(await json('live', '--percentage', '5')).toMatchObject({ lowered: [], replaced: { stage: 'dark' } });
  });

  test('says what a feature has to show, what it has shown, and refuses it by name', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    expect((await ks.here('feature', 'f', '--evidence')).stdout).toBe(
      'feature f has not been in shadow since it was last dark, so there is no evidence.\nIt needs no evidence to go beyond shadow.\n',
    );
    const asked = ['--require-runs', '50', '--require-days', '7', '--require-agreement', '0.95'];
    expect((await ks.here('feature', 'f', ...asked, '--json')).json).toEqual({
      ...{ feature: 'f', requirement: { runs: 50, days: 7, agreement: 0.95 }, epoch: 2, already: false },
    });
    expect((await ks.here('feature', 'f', '--require-runs', '49', '--json')).json).toMatchObject({
      code: 'REASON_REQUIRED',
    });
    const refused = await ks.here('feature', 'f', 'live', '--reason', 'in a hurry');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('The feature "f" cannot become live yet. There are: 0 of 50 shadow runs');
    expect(refused.stderr).toContain('kill-switch feature f --evidence');
    await ks.here('feature', 'f', 'shadow', '--reason', 'try it');
    const { stdout } = await ks.here('feature', 'f', '--evidence');
    expect(stdout).toContain('  Shadow runs  0, on 0 days\n  Outcomes     0 of 0, of which 0 agreed\n');
    expect(stdout).toContain(
      'To go beyond shadow it needs at least 50 shadow runs, on at least 7 days, an agreement of at least 95 %, no unresolved intervention.\nThat is not met: there are 0 of 50 shadow runs;',
    );
    const none = ['--require-runs', '0', '--require-days', '0', '--require-agreement', '0'];
    expect((await ks.here('feature', 'f', ...none, '--reason', 'a trial')).stdout).toContain('needs no evidence');
    expect((await ks.here('feature', 'f', 'live', '--reason', 'go')).code).toBe(0);
    expect((await ks.here('log')).stdout).toContain('f dark needs {"agreement":0.95,"days":7,"runs":50}');
  });
});
