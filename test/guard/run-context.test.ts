import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { accountsRule } from '../../flags/index.ts';
import { openMemorySwitch } from './open-switch.ts';

const WHEN = { '===': [{ var: 'account_id' }, 'acme'] };

async function open() {
  const opened = await openMemorySwitch({ agentId: 'bot' });
  const { control, killSwitch } = opened;
  await control.addRule({ name: 'acme', target: 'all', mode: 'full_stop', when: WHEN });
  await expect.poll(() => killSwitch.check().epoch).toBe(3);
  const action = killSwitch.action({ name: 'mail.send', execute: () => 'sent' });
  return { ...opened, action };
}

describe('the attributes of a run', () => {
  test('are what the conditions of rules see, in actions, in check, and in the client’s evaluations', async () => {
    const { killSwitch, action, domain } = await open();
    expect((await action.attempt(undefined)).status).toBe('executed');
    const seen: unknown[] = [];
    OpenFeature.addHooks({ before: ({ context }) => void seen.push(context['account_id']) });
    await killSwitch.run({ context: { account_id: 'acme', amount: 5 } }, async () => {
      const outcome = await action.attempt(undefined);
      expect(outcome).toMatchObject({
        status: 'blocked',
        decision: { cause: { kind: 'rule', rule: 'acme', until: null } },
      });
      expect(outcome.decision.message).toBe('mail.send is blocked (mode full_stop): the rule acme.');
      expect(outcome.decision.modelMessage).toMatch(/because a standing rule restricts it/);
      expect(killSwitch.check().verdict).toBe('block');
    });
    expect(seen).toEqual(['acme']);
    await killSwitch.run({ context: { account_id: 'other' } }, async () => {
      expect(await action(undefined)).toBe('sent');
      expect(killSwitch.check().verdict).toBe('allow');
    });
    const client = OpenFeature.getClient(domain);
    expect(await client.getStringValue('kill-switch.mode', 'live', { agent_id: 'x', account_id: 'acme' })).toBe(
      'full_stop',
    );
  });

  test('say which stage its features have, in actions, in check, in the client’s evaluations, and in explain', async () => {
    const { control, killSwitch, domain } = await openMemorySwitch({ agentId: 'bot' });
    const action = killSwitch.action({
      name: 'mail.send',
      feature: 'mail.auto',
      execute: () => 'sent',
      draft: () => 'would send',
    });
    const attempt = (context: { readonly account_id: string } | { readonly plan: string }) =>
      killSwitch.run({ context }, async () => {
        const { status, decision } = await action.attempt(undefined);
        const checked = killSwitch.check({ action: 'mail.send', feature: 'mail.auto' });
        expect([checked.verdict, checked.cause]).toEqual([decision.verdict, decision.cause]);
        return [status, decision.cause];
      });
    const inStage = (stage: string) => ({ kind: 'feature', feature: 'mail.auto', stage });
    const hear = async ({ epoch }: { readonly epoch: number }) =>
      expect.poll(() => killSwitch.check().epoch).toBe(epoch);

    const targeting = accountsRule(['acme'], 'live');
    const reason = 'test';
    await hear(await control.setFeature({ name: 'mail.auto', stage: 'shadow', targeting, reason }));
    expect(await attempt({ account_id: 'acme' })).toEqual(['executed', { kind: 'mode' }]);
    expect(await attempt({ account_id: 'other' })).toEqual(['drafted', inStage('shadow')]);
    expect(await attempt({ plan: 'free' })).toEqual(['drafted', inStage('shadow')]);
    const client = OpenFeature.getClient(domain);
    const asked = (account_id: string) =>
      client.getStringValue('kill-switch.feature.mail.auto', 'dark', { account_id });
    expect([await asked('acme'), await asked('other')]).toEqual(['live', 'shadow']);
    const call = { agentId: 'bot', action: 'mail.send', feature: 'mail.auto' };
    expect((await control.explain({ ...call, context: { account_id: 'acme' } })).restrictions).toEqual([]);
    expect((await control.explain({ ...call, context: { account_id: 'other' } })).restrictions).toMatchObject([
      { mode: 'draft_only', cause: inStage('shadow'), target: 'feature:mail.auto' },
    ]);

    await hear(
      await control.setFeature({
        name: 'mail.auto',
        stage: 'dark',
        targeting: accountsRule(['other'], 'gated'),
        reason,
      }),
    );
    expect(await attempt({ account_id: 'acme' })).toEqual(['blocked', inStage('dark')]);

    // A base mode's rule sees them as well.
    const byPlan = { if: [{ '===': [{ var: 'plan' }, 'free'] }, 'read_only'] };
    await control.setFeature({ name: 'mail.auto', stage: 'live', reason });
    await hear(await control.setMode({ mode: 'live', targeting: byPlan, reason }));
    expect(await attempt({ plan: 'free' })).toEqual(['blocked', { kind: 'mode' }]);
    expect(await attempt({ account_id: 'acme' })).toEqual(['executed', { kind: 'mode' }]);
  });

  test('are inherited by the runs inside it, which may add others and cannot change them', async () => {
    const { killSwitch, action } = await open();
    await killSwitch.run({ context: { region: 'eu', plan: { tier: 'gold' } } }, async () => {
      await killSwitch.run({ context: { account_id: 'acme' } }, async () => {
        expect((await action.attempt(undefined)).status).toBe('blocked');
        await killSwitch.run({}, async () => expect((await action.attempt(undefined)).status).toBe('blocked'));
        await killSwitch.run({ context: { account_id: 'acme', plan: { tier: 'gold' } } }, async () => {}); // the same
        await expect(killSwitch.run({ context: { account_id: 'other' } }, async () => {})).rejects.toThrow(
          'context.account_id is "acme" in the run around this one, and cannot be "other" inside it: open the run beside that one, or leave it out.',
        );
      });
      expect((await action.attempt(undefined)).status).toBe('executed');
    });
  });

  test('are kept as they were given, whatever becomes of that object', async () => {
    const { killSwitch, action } = await open();
    const context = { account_id: 'acme' };
    await killSwitch.run({ context }, async () => {
      context.account_id = 'other';
      expect((await action.attempt(undefined)).status).toBe('blocked');
    });
  });

  test('go with a job, and with what a run has bound', async () => {
    const { killSwitch, action } = await open();
    const job = killSwitch.job({ context: { account_id: 'acme' } }, async () => 'done');
    expect(await job()).toMatchObject({ status: 'skipped', decision: { cause: { kind: 'rule' } } });
    const bound = await killSwitch.run({ context: { account_id: 'acme' } }, async (run) =>
      run.bind(() => action.attempt(undefined)),
    );
    expect((await bound()).status).toBe('blocked');
  });

  test('stop what runs and wake what waits when a rule about them comes or goes', async () => {
    const { control, killSwitch } = await openMemorySwitch({ agentId: 'bot' });
    let begun = 0;
    const long = killSwitch.action({
      name: 'a.long',
      execute: (_: null, { signal }) => {
        begun += 1;
        return new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('told')));
      },
    });
    const inAcme = killSwitch.run({ context: { account_id: 'acme' } }, () => long.attempt(null));
    const elsewhere = killSwitch.run({ context: { account_id: 'other' } }, () => long.attempt(null));
    await expect.poll(() => begun).toBe(2);
    await control.addRule({ name: 'acme', target: 'all', mode: 'full_stop', when: WHEN });
    expect(await inAcme).toMatchObject({
      status: 'aborted',
      decision: { cause: { kind: 'rule', rule: 'acme', until: null } },
    });
    await control.addRule({ name: 'all', target: 'all', mode: 'full_stop' });
    expect(await elsewhere).toMatchObject({
      status: 'aborted',
      decision: { cause: { kind: 'rule', rule: 'all', until: null } },
    });

    await control.removeRule({ name: 'all', reason: 'test' });
    await control.addRule({ name: 'acme', target: 'all', mode: 'paused', when: WHEN, reason: 'test' });
    const quick = killSwitch.action({ name: 'a.quick', execute: () => 'done' });
    const waiting = killSwitch.run({ context: { account_id: 'acme' } }, () => quick(undefined));
    expect(await killSwitch.run({ context: { account_id: 'other' } }, () => quick(undefined))).toBe('done');
    await control.removeRule({ name: 'acme', reason: 'test' });
    expect(await waiting).toBe('done');
  });

  const getter = Object.defineProperty({}, 'account_id', { get: () => 'acme', enumerable: true });
  test.each<[string, unknown, RegExp]>([
    [
      'who asks',
      { agent_id: 'other' },
      /^context has "agent_id", which says who asks: only the switch itself sets that\./,
    ],
    ['a lineage', { lineage_agents: [] }, /^context has "lineage_agents"/],
    ['a clock', { $flagd: { timestamp: 0 } }, /^context has "\$flagd"/],
    ['a text', 'acme', /^context is an object with the application's own attributes/],
    ['a list', ['acme'], /^context is an object/],
    ['null', null, /^context is an object/],
    ['a proxy', new Proxy({}, {}), /^context is an object/],
    ['a getter', getter, /^context\.account_id is a getter: it takes plain data/],
    ['a date', { at: new Date(0) }, /^context\.at is a Date/],
    ['NaN', { amount: Number.NaN }, /^context\.amount is NaN/],
    ['a BigInt', { nested: { amount: 5n } }, /^context\.nested\.amount is the BigInt/],
    ['an instance', new (class Account {})(), /^context is an instance of a class/],
    ['too much', { text: 'x'.repeat(20_000) }, /^context has 20011 characters of JSON, more than 16384/],
  ])('cannot be %s', async (_, context, message) => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'bot' });
    const wrong = { context } as never;
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
    await expect(killSwitch.run(wrong, async () => {})).rejects.toThrow(refused);
    expect(() => killSwitch.job(wrong, async () => {})).toThrow(refused);
  });

  test('are bounded together with those of the runs around it', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'bot' });
    const half = (name: string) => ({ context: { [name]: 'x'.repeat(10_000) } });
    await expect(killSwitch.run(half('a'), () => killSwitch.run(half('b'), async () => {}))).rejects.toThrow(
      /^context has 20015 characters of JSON, more than 16384: it goes with every evaluation, with those of the run around it\.$/,
    );
  });
});
