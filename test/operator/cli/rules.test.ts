import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { type Agent, type Agents, startAgents } from './agents.ts';
import { fileSwitch, type Ran, runHere } from './command.ts';

interface Place {
  ks(...args: string[]): Promise<Ran>;
  agents(agents: readonly Agent[]): Promise<Agents>;
}

const PLACES: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'the file store',
    async () => {
      const { directory } = fileSwitch();
      return {
        ks: (...args) => runHere([...args, '--store', `file:${directory}`]),
        agents: (agents) => startAgents({ directory, name: 'worker', leaseMs: 3000, agents }),
      };
    },
  ],
  ...(hasRedis
    ? [
        [
          'Redis',
          async () => {
            const { url } = await startRedis();
            return {
              ks: (...args: string[]) => runHere([...args, '--store', url]),
              agents: (agents: readonly Agent[]) => startAgents({ redis: url, name: 'worker', leaseMs: 3000, agents }),
            };
          },
        ] as const,
      ]
    : []),
];

const ENDLESS = 120_000;
const deployer: Agent = { id: 'deployer', action: 'infra.apply', ms: ENDLESS, heeds: 'signal' };
const mailer: Agent = { id: 'mailer', action: 'mail.send', ms: 20, heeds: 'signal' };

describe.each(PLACES)('on %s', { timeout: 120_000 }, (_, open) => {
  test('a rule that one process adds stops what runs in another, as a kill does, and its removal gives it back', async () => {
    const { ks, agents } = await open();
    await ks('init');
    await ks('mode', 'live', '--reason', 'test');
    const working = await agents([deployer, mailer]);
    const aborted = working.until('deployer', 'aborted');
    while (!(await ks('executors', '--json')).stdout.includes('"deployer"'));
    const added = await ks('rule', 'add', 'no-infra', 'action:infra.*', 'full_stop', '--wait', '10s');
    await aborted;
    expect([added.code, added.stderr]).toEqual([0, expect.stringMatching(/^Recorded at epoch 3\./)]);
    expect(added.stdout).toMatch(
      /^The rule no-infra leaves action:infra\.\* full_stop, at epoch 3\.\nIt hits agent deployer/,
    );
    expect(added.stdout).toMatch(/Applied by 1 of 1 executor/);
    await working.until('deployer', 'blocked');
    await working.until('mailer', 'executed');
    const seen = await ks('interventions', '--json');
    expect(seen.json.data).toContainEqual(
      expect.objectContaining({ cause: { kind: 'rule', rule: 'no-infra', until: null }, status: 'blocked' }),
    );

    const unreasoned = await ks('rule', 'remove', 'no-infra', '--json');
    expect([unreasoned.code, unreasoned.json.code]).toEqual([1, 'REASON_REQUIRED']);
    await working.until('deployer', 'blocked');
    const begun = working.until('deployer', 'starting');
    expect((await ks('rule', 'remove', 'no-infra', '--reason', 'the shift is over')).code).toBe(0);
    await begun;
    const late = await ks('rule', 'remove', 'no-infra', '--reason', 'again', '--json');
    expect([late.code, late.json.code]).toEqual([1, 'NOT_FOUND']);
  });

  test('a window that opens stops what runs in another process, and lets it begin again when it closes', async () => {
    const { ks, agents } = await open();
    await ks('init');
    await ks('mode', 'live', '--reason', 'test');
    const working = await agents([deployer]);
    const aborted = working.until('deployer', 'aborted');
    const opens = Math.ceil(Date.now() / 1000) * 1000 + 4000;
    const iso = (ms: number): string => new Date(ms).toISOString();
    const window = ['--from', iso(opens), '--until', iso(opens + 3000), '--wait', '0'];
    const added = await ks('rule', 'add', 'short', 'agent:deployer', 'full_stop', ...window, '--json');
    expect(added.json).toMatchObject({ rule: { name: 'short', state: 'rests', next_change: iso(opens) } });
    await aborted;
    const late = Date.now() - opens;
    expect(late).toBeGreaterThan(-1000);
    expect(late).toBeLessThan(2000); // a second, and the way of a line between processes
    await working.until('deployer', 'starting');
    expect((await ks('rules', '--json')).json.data).toMatchObject([{ name: 'short' }]);
  });

  test('check and explain answer by exit code and in JSON what an executor would decide', async () => {
    const { ks } = await open();
    const none = await ks('check', '--agent', 'a');
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/There is no control plane/)]);
    await ks('init');
    expect((await ks('check', '--agent', 'a')).code).toBe(1); // draft_only
    expect((await ks('check', '--agent', 'a', '--effect', 'read')).code).toBe(0);
    await ks('mode', 'live', '--reason', 'test');
    const when = '{"===":[{"var":"environment"},"production"]}';
    await ks('rule', 'add', 'prod', 'action:db.*', 'read_only', '--when', when, '--wait', '0');
    const call = ['--agent', 'a', '--run', 'r', '--mission', 'm', '--action', 'db.write', '--surface', 'queue'];
    const inProduction = ['--context', '{"environment":"production"}'];
    expect((await ks('check', ...call)).code).toBe(0);
    const blocked = await ks('check', ...call, ...inProduction, '--json');
    expect(blocked.code).toBe(1);
    expect(blocked.json).toEqual({
      ...{ verdict: 'block', mode: 'read_only', epoch: 3, cause: { kind: 'rule', rule: 'prod', until: null } },
      ...{ action: 'db.write', agentId: 'a', runId: 'r', missionId: 'm' },
      message: 'db.write is blocked (mode read_only): the rule prod.',
      modelMessage: expect.stringMatching(/^db\.write is not executed, because a standing rule restricts it/),
    });
    await ks('kill', 'run:r', '--wait', '0');
    const explained = await ks('explain', ...call, ...inProduction, '--feature', 'f', '--json');
    expect(explained.code).toBe(0);
    const { decision, restrictions } = explained.json;
    expect(decision).toMatchObject({ verdict: 'block', mode: 'full_stop', cause: { kind: 'kill', target: 'run:r' } });
    expect(restrictions).toMatchObject([
      { mode: 'full_stop', target: 'run:r', cause: { kind: 'kill', target: 'run:r' } },
      { mode: 'full_stop', target: 'feature:f', cause: { kind: 'feature', feature: 'f', stage: 'dark' } },
      { mode: 'read_only', target: 'action:db.*', cause: { kind: 'rule', rule: 'prod', until: null } },
    ]);
  });
});

describe('a command line that is wrong', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['a zone that does not exist', ['--window', 'Mon 10:00-11:00 Europe/Berln'], /"Europe\/Berln" is not a time zone/],
    ['a window that never opens', ['--window', 'Mon 10:00-10:00 UTC'], /it would never be open/],
    ['a window that is over', ['--until', '2020-01-01T00:00:00Z'], /would never be open: the store's clock says/],
    ['a condition outside the grammar', ['--when', '{"missing":["x"]}'], /has "missing" where it needs a condition/],
    ['no JSON', ['--when', '{x'], /--when takes a condition of flagd as a JSON object, not "\{x"/],
    ['a time that is none', ['--from', 'tomorrow'], /"tomorrow" is not a time: write RFC 3339/],
    ['two windows', ['--window', 'Mon 10:00-11:00 UTC', '--until', '2h'], /not both/],
    [
      'a duration from nobody knows when',
      ['--from', '2030-01-01T00:00:00Z', '--until', '2h'],
      /give --until as a time/,
    ],
    ['a drain of nothing', ['--drain', '5m'], /drainMs is the time before a window opens/],
  ])('is refused with what is wrong, and changes nothing: %s', async (_, options, message) => {
    const { directory } = fileSwitch();
    const store = ['--store', `file:${directory}`];
    await runHere(['init', ...store]);
    const log = join(directory, 'control/default/log.jsonl');
    const before = readFileSync(log, 'utf8');
    const { code, stdout, stderr } = await runHere(['rule', 'add', 'r', 'all', 'paused', ...options, ...store]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(readFileSync(log, 'utf8')).toBe(before);
  });

  test('a rule for a duration ends by the store’s clock, and a status names what each rule does now', async () => {
    const { directory } = fileSwitch();
    const ks = (...args: string[]) => runHere([...args, '--store', `file:${directory}`]);
    await ks('init');
    await ks('rule', 'add', 'today', 'all', 'read_only', '--until', '2h', '--wait', '0', '--reason', 'a look around');
    await ks('rule', 'add', 'always', 'agent:a', 'paused', '--wait', '0');
    const [, today] = (await ks('rules', '--json')).json.data;
    expect(Date.parse(today.until) - Date.parse(today.from)).toBe(7_200_000);
    expect((await ks('status')).stdout).toContain('Rules     always paused (applies), today read_only (applies)');
    expect((await ks('rules', '--actor', 'nobody', '--json')).json).toEqual({ data: [], count: 0 });
    expect((await ks('log')).stdout).toMatch(/rule_add {2}today all read_only from \S+ until \S+ {2}"a look around"/);
  });
});

describe('a rule, to whoever types', () => {
  test('is named where somebody would revive what it restricts, and removed as it says', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    await ks.here('rule', 'add', 'no infra', 'action:infra.*', 'full_stop', '--wait', '0');
    for (const target of ['action:infra.*', 'action:infra.apply']) {
      const { code, stderr } = await ks.here('revive', target, '--reason', 'r');
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(
          /but the rule "no infra" restricts it.*kill-switch .*rule remove 'no infra' --reason "…"/,
        ),
      ]);
    }
    const { stderr } = await ks.here('revive', 'action:mail.send', '--reason', 'r');
    expect(stderr).toContain('There is no active kill of action:mail.send. See what is stopped: kill-switch');
  });

  test('can be rehearsed at a time to come', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    await ks.here('mode', 'live', '--reason', 'r');
    const hours = ['--from', '2999-06-03T08:00:00Z', '--until', '2999-06-03T20:00:00Z'];
    await ks.here('rule', 'add', 'night', 'action:infra.*', 'full_stop', ...hours, '--wait', '0');
    const check = (...args: string[]) => ks.here('check', '--agent', 'a', '--action', 'infra.apply', ...args);
    expect(await check()).toMatchObject({ code: 0 });
    expect(await check('--at', '2999-06-03T09:00:00+02:00')).toMatchObject({ code: 0 });
    expect(await check('--at', '2999-06-03T09:00:00Z')).toMatchObject({
      code: 1,
      stdout: 'infra.apply is blocked (mode full_stop): the rule night until 2999-06-03T20:00:00Z.\n',
    });
    expect(await check('--at', '2020-06-03T09:00:00Z')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is a time to come') as string,
    });
    expect(await check('--at', 'tonight')).toMatchObject({ code: 2 });
  });

  test('says which calls its condition does not reach', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    const add = async (when: string): Promise<string> =>
      (await ks.here('rule', 'add', 'big', 'all', 'approval_gated', '--when', when, '--wait', '0')).stderr;
    expect(await add('{">":[{"var":["cents",0]},20000]}')).toContain(
      'A call whose context does not say "cents" is not restricted by this rule',
    );
    expect(await add('{">":[{"var":["cents",1000000000000]},20000]}')).not.toContain('is not restricted');
  });

  test('that would be over at once is refused in the words that were typed', async () => {
    const { code, stderr } = await fileSwitch().here('rule', 'add', 'r', 'all', 'paused', '--until', '0s');
    expect([code, stderr]).toEqual([2, expect.stringContaining('"0s" would be over at once')]);
  });
});
