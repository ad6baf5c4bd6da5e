import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileSwitch, start } from './command.ts';

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

describe('every verb, on a file store', () => {
  test('init creates the control plane once, in draft_only, and says what to do next', async () => {
    const ks = fileSwitch('built');
    const first = await ks.run('init');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('draft_only');
    expect(first.stdout).toContain(`fileStore({ directory: '${ks.directory}' })`);
    expect(first.stdout).toContain('  kill-switch mode live --reason "launch"');
    const second = await ks.json('init');
    expect(second.code).toBe(1);
    expect(second.json).toEqual({ code: 'ALREADY_INITIALISED', detail: expect.stringContaining('already') });
    expect((await ks.json('status')).json).toMatchObject({ mode: 'draft_only', epoch: 1 });
  });

  test('before init every verb says how to begin, and ends with 1', async () => {
    const ks = fileSwitch('built');
    for (const args of [['status'], ['kill', 'all'], ['kills'], ['log'], ['mode', 'full_stop']]) {
      const ran = await ks.json(...args);
      expect(ran.code, args.join(' ')).toBe(1);
      expect(ran.json).toEqual({ code: 'NOT_INITIALISED', detail: expect.stringContaining('kill-switch init') });
    }
  });

  test('kill, kill again, kills and revive answer in the shapes of the contract', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    const killed = await ks.json('kill', 'agent:returns-bot', '--reason', 'wrong refunds');
    expect(killed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Recorded at epoch 2\. Waiting .*\n$/) });
    const record = {
      id: expect.any(String),
      organization_id: 'default',
      target: 'agent:returns-bot',
      target_type: 'agent',
      target_id: 'returns-bot',
      mode: 'full_stop',
      reason: 'wrong refunds',
      is_active: true,
      killed_by: 'unverified:dana',
      killed_at: ISO,
      expires_at: null,
      revived_by: null,
      revived_at: null,
      revive_reason: null,
    };
    expect(killed.json).toEqual({
      kill: record,
      epoch: 2,
      already: false,
      matched: {
        ...{ agents: [], runs: [], missions: [], actions: [], features: [], surfaces: [] },
        ...{
          executors: 0,
          exports: 0,
          last_executor: null,
          complete: true,
          in_flight: 0,
          seen: false,
          suggestions: [],
        },
      },
      replicas: 0,
      replicated: 0,
      acknowledgements: {
        total: 0,
        applied: 0,
        drained: 0,
        silent: 0,
        unacknowledging_clients: [],
        elapsed_ms: expect.any(Number),
        executors: [],
        shared_writers: [],
      },
    });

    const again = await ks.run('kill', 'agent:returns-bot');
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('agent:returns-bot was already full_stop (by unverified:dana at ');
    expect(again.stdout).toContain('"wrong refunds"');
    expect((await ks.json('kill', 'agent:returns-bot')).json).toMatchObject({ already: true, epoch: 4 });

    expect((await ks.json('kills')).json).toEqual({ data: [record], count: 1 });
    expect((await ks.run('kills')).stdout).toMatch(/full_stop +agent:returns-bot/);

    const refused = await ks.json('revive', 'agent:returns-bot');
    expect(refused.code).toBe(1);
    expect(refused.json).toEqual({ code: 'REASON_REQUIRED', detail: expect.stringContaining('--reason') });

    const late = await ks.json('revive', 'agent:returns-bot', '--reason', 'fixed', '--epoch', '2');
    expect(late.code).toBe(1);
    expect(late.json).toEqual({ code: 'CONFLICT', detail: expect.stringContaining('epoch 2') });

    const log = await ks.here('kill', 'agent:returns-bot', '--wait', '0', '--reason', 'and wrong mails');
    expect(log.code).toBe(0);
    expect((await ks.here('log', '--after', '4')).stdout).toMatch(
      / second {2}kill agent:returns-bot {2}"and wrong mails"\n$/,
    );
    const revived = await ks.json('revive', 'agent:returns-bot', '--reason', 'rule fixed', '--epoch', '5');
    expect(revived.code).toBe(0);
    expect(revived.json).toEqual({
      kill: {
        ...record,
        is_active: false,
        revived_by: 'unverified:dana',
        revived_at: ISO,
        revive_reason: 'rule fixed',
      },
      epoch: 6,
    });
    expect((await ks.json('revive', 'agent:returns-bot', '--reason', 'again')).json).toMatchObject({
      code: 'NOT_KILLED',
    });
    expect((await ks.json('kills')).json).toEqual({ data: [], count: 0 });
  });

  test('revive says what it has lifted: the mode, since when, by whom, and why', async () => {
    const ks = fileSwitch('built');
    await ks.here('init');
    await ks.here('kill', 'agent:x', '--wait', '0', '--reason', 'wrong refunds');
    await ks.here('pause', 'agent:y', '--wait', '0', '--operator', 'kim');
    expect((await ks.here('revive', 'agent:x', '--reason', 'fixed')).stdout).toMatch(
      /^agent:x is revived, at epoch 4\. It was full_stop, and stopped since \d{4}-\S+Z, last by unverified:dana: "wrong refunds"\. What else/,
    );
    expect((await ks.here('revive', 'agent:y', '--reason', 'fixed')).stdout).toMatch(
      /It was paused, and stopped since \d{4}-\S+Z, last by unverified:kim, without a reason\. What else/,
    );
  });

  test('pause and restrict leave what they say; a stricter kill stands and the answer says so', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    const [paused, restricted] = [
      await ks.json('pause', 'mission:m-7', '--wait', '0'),
      await ks.json('restrict', 'action:email.*', 'draft_only', '--wait', '0', '--until', '30m'),
    ];
    expect(paused.json).toMatchObject({ kill: { target: 'mission:m-7', mode: 'paused', expires_at: null } });
    expect(restricted.json).toMatchObject({ kill: { target: 'action:email.*', mode: 'draft_only', expires_at: ISO } });
    const minutes = (Date.parse(restricted.json.kill.expires_at) - Date.parse(restricted.json.kill.killed_at)) / 60_000;
    expect(minutes).toBeGreaterThan(29);
    expect(minutes).toBeLessThan(31);

    await ks.run('kill', 'mission:m-7', '--wait', '0');
    const looser = await ks.run('pause', 'mission:m-7', '--wait', '0');
    expect(looser).toMatchObject({ code: 0 });
    expect(looser.stdout).toContain('You asked for paused: the stricter full_stop stands.');
  });

  test('what is live already takes nothing away when it is set again, so it shows no stop', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    for (const [args, says] of [
      [['mode', 'live'], 'The base mode is live'],
      [['feature', 'refunds', 'live'], 'feature refunds is live'],
      [['autonomy', 'email.send', 'trusted'], 'action email.send is trusted'],
    ] as const) {
      await ks.here(...args, '--reason', 'launch');
      const again = await ks.here(...args);
      expect(again.stdout).toMatch(new RegExp(`^${says} already\\. Your request is recorded, at epoch \\d+\\.\n$`));
      expect(again.stderr).toBe('');
    }
    await ks.here('mode', 'full_stop');
    expect((await ks.here('mode', 'full_stop')).stdout).toMatch(/^NOBODY HAS HEARD THIS/);
  });

  test('what is set before any agent was there says so calmly; a stop of everything, or of somebody, does not', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    for (const args of [
      ['rule', 'add', 'no-infra', 'action:infra.*', 'full_stop'],
      ['limit', 'refund.max', '5'],
      ['autonomy', 'email.send', 'human_in_the_loop'],
    ]) {
      const { stdout } = await ks.here(...args, '--reason', 'r');
      expect(stdout, args.join(' ')).toMatch(
        /\nNo executor reports to file:\S+, organization default yet: it holds for those that will\. If agents run, check --store and --organization\.\n/,
      );
      expect(stdout, args.join(' ')).not.toContain('NOBODY');
    }
    for (const args of [
      ['kill', 'agent:bot'],
      ['mode', 'full_stop'],
    ])
      expect((await ks.here(...args)).stdout, args.join(' ')).toMatch(/^NOBODY HAS HEARD THIS/);
  });

  test('a kill with an end stays, and says so, until a process that watches ends it by an event', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    await ks.run('kill', 'run:r-1', '--until', '600ms', '--wait', '0');
    const until = Date.now() + 600;
    while (Date.now() <= until) await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 1));
    expect((await ks.json('kills')).json).toMatchObject({ count: 1, data: [{ target: 'run:r-1', overdue: true }] });
    expect((await ks.run('status')).stdout).toMatch(
      /past its end: holds until kill-switch (?:--store \S+ )?watch runs/,
    );
    expect((await ks.json('log', '--after', '2')).json.count).toBe(0);
    const watching = start(['watch', '--json', '--store', `file:${ks.directory}`]);
    const line = JSON.parse(await watching.line((text) => text.includes('"expire"')));
    expect(line).toMatchObject({
      type: 'event',
      event: { seq: 3, actor: 'system', data: { target: 'run:r-1' } },
    });
    expect(await watching.end('SIGINT')).toBe(0);
    expect((await ks.json('kills')).json.count).toBe(0);
  });

  test('mode, feature, limit and autonomy show and set; loosening takes a reason, tightening none', async () => {
    const ks = fileSwitch('built');
    await ks.here('init');
    expect((await ks.here('mode', '--json')).json).toEqual({ mode: 'draft_only', targeting: null, epoch: 1 });
    expect((await ks.here('mode', 'live', '--json')).json).toMatchObject({ code: 'REASON_REQUIRED' });
    const rule = '{"if":[{"==":[{"var":"agent_id"},"x"]},"live","read_only"]}';
    const set = await ks.here('mode', 'read_only', '--targeting', rule, '--reason', 'canary', '--json');
    expect(set.json).toEqual({ mode: 'read_only', targeting: JSON.parse(rule), epoch: 2, already: false });
    expect((await ks.here('mode')).stdout).toBe(`The base mode is read_only, by the rule ${rule}.\n`);
    expect((await ks.here('mode', 'full_stop', '--json')).json).toMatchObject({
      mode: 'full_stop',
      targeting: null,
      epoch: 3,
    });
    expect((await ks.here('mode', 'full_stop')).stdout).toContain('already');

    expect((await ks.here('feature', 'refunds', '--json')).json).toEqual({
      feature: 'refunds',
      stage: 'dark',
      set: false,
      epoch: 4,
    });
    expect((await ks.here('feature', 'refunds', 'gated', '--json')).code).toBe(1);
    expect((await ks.here('feature', 'refunds', 'gated', '--reason', 'pilot', '--json')).json).toEqual({
      feature: 'refunds',
      stage: 'gated',
      epoch: 5,
      already: false,
    });
    expect((await ks.here('feature', 'refunds', 'dark')).stdout).toMatch(/^feature refunds is dark, at epoch 6\.$/m);

    expect((await ks.here('limit', 'refund.max', '--json')).json).toMatchObject({ value: null, set: false });
    expect((await ks.here('limit', 'refund.max', '200', '--json')).json).toMatchObject({
      limit: 'refund.max',
      value: 200,
    });
    expect((await ks.here('limit', 'refund.max', '0.5', '--json')).json).toMatchObject({ value: 0.5 });
    expect((await ks.here('limit', 'refund.max', '300', '--json')).json).toMatchObject({ code: 'REASON_REQUIRED' });

    expect((await ks.here('autonomy', 'email.send', '--json')).json).toMatchObject({
      action: 'email.send',
      stage: null,
    });
    expect((await ks.here('autonomy', 'email.send', 'human_in_the_loop', '--json')).json).toMatchObject({ epoch: 9 });
    expect((await ks.here('autonomy', 'email.send')).stdout).toBe('action email.send is human_in_the_loop.\n');

    expect((await ks.here('features', '--json')).json).toEqual({
      data: [
        {
          ...{ name: 'refunds', stage: 'dark', targeting: null, requirement: null },
          ...{ shadow_runs: 0, agreement: null, missing: [] },
        },
      ],
      count: 1,
    });
    expect((await ks.here('limits', '--json')).json).toEqual({ data: [{ name: 'refund.max', value: 0.5 }], count: 1 });
    const status = await ks.here('status');
    expect(status.stdout).toContain('Mode      full_stop\n');
    expect(status.stdout).toContain('Features  refunds dark\n');
    expect(status.stdout).toContain('Limits    refund.max 0.5\n');
    expect(status.stdout).toContain('Autonomy  email.send human_in_the_loop\n');
  });

  test('status is one screen: the first twenty kills, and how many more there are; in a pipe it is whole', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    const control = await import('../../../operator/index.ts').then(async ({ openControlPlane }) => {
      const { fileControlStore } = await import('../../../store/file/control.ts');
      return openControlPlane({ store: fileControlStore({ directory: ks.directory }), operator: { id: 'dana' } });
    });
    await Promise.all(Array.from({ length: 23 }, (_, index) => control.kill({ target: `agent:bot-${index}` })));
    await control.close();
    const terminal = ks.terminal(['status']);
    expect(await terminal.exited).toBe(0);
    expect(terminal.screen).toContain('23 active kills, newest first:');
    expect(terminal.screen.match(/agent:bot-/g)).toHaveLength(20);
    expect(terminal.screen).toContain('… and 3 more: kill-switch kills');
    expect((await ks.run('status')).stdout.match(/agent:bot-/g)).toHaveLength(23);
    const page = await ks.json('kills', '--skip', '20', '--limit', '2');
    expect(page.json).toMatchObject({ count: 23, data: [{ is_active: true }, { is_active: true }] });
    expect(page.json.data).toHaveLength(2);
    expect((await ks.json('status')).json.kills).toHaveLength(23);
  });

  test('the status as JSON names everything of the contract that exists', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    expect((await ks.json('status')).json).toEqual({
      organization_id: 'default',
      mode: 'draft_only',
      targeting: null,
      epoch: 1,
      head: { generation: expect.any(String), epoch: 1, hash: expect.any(String), recovered: false },
      active_kills: 0,
      kills: [],
      features: {},
      feature_details: {},
      limits: {},
      governance: {
        ...{ second_person: 'off', ladder: false, dwell_ms: 0, drill_ms: null, break_glass: false },
        ...{ pending_expires_ms: 3_600_000, restore_roles: {}, changed: null },
      },
      drill: { last_at: null, overdue: false },
      ...{ drills: [], drill_schedules: [] },
      requests: [],
      alerts: { targets: 0, waiting: 0, failing: [], sending: null },
      rules: [],
      autonomy: {},
      budgets: [],
      tripwires: [
        {
          ...{ name: 'repeats', on: 'repeats', limit: 50, window_ms: 600_000, scope: 'run', do: 'paused' },
          is_default: true,
        },
      ],
      stops: [],
      killed_since: null,
      operating: { last_at: null, runs: false },
      held_approvals: 0,
      executors: [],
      forks: [],
      ignored_forks: [],
      shared_writers: [],
      excluded: [],
      store_problem: null,
    });
  });

  test('organizations are apart, by option and by variable', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    await ks.run('--organization', 'acme', 'init');
    await ks.run('kill', 'all', '--organization', 'acme', '--wait', '0');
    expect((await ks.json('kills')).json.count).toBe(0);
    const { run } = await import('./command.ts');
    const there = await run(['kills', '--json', '--store', `file:${ks.directory}`], {
      env: { KILL_SWITCH_ORGANIZATION: 'acme' },
    });
    expect(there.json).toMatchObject({ count: 1, data: [{ organization_id: 'acme', target: 'all' }] });
  });

  test('flagd import replaces the ordinary flags, and refuses what flagd could not read', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    const file = join(ks.folder, 'flags.json');
    const flag = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' };
    writeFileSync(file, JSON.stringify({ flags: { banner: flag } }));
    expect((await ks.json('flagd', 'import', file)).json).toMatchObject({ code: 'REASON_REQUIRED' });
    const answer = await ks.json('flagd', 'import', file, '--reason', 'banner on');
    expect(answer.json).toEqual({ flags: ['banner'], epoch: 2, already: false });

    for (const [content, code] of [
      ['{', 'INVALID_DEFINITION'],
      ['[]', 'INVALID_DEFINITION'],
      [JSON.stringify({ flags: { 'kill-switch.mode': flag } }), 'INVALID_DEFINITION'],
      [Buffer.from([0xff, 0xfe, 0x7b]), 'FILE_UNREADABLE'],
    ] as const) {
      writeFileSync(file, content);
      const refused = await ks.here('flagd', 'import', file, '--reason', 'x', '--json');
      expect(refused.code).toBe(1);
      expect(refused.json.code).toBe(code);
    }
    const targeting = { if: [true, { if: [{ foo: [1] }, 'on', 'off'] }, 'off'] };
    writeFileSync(file, JSON.stringify({ flags: { banner: { ...flag, targeting } } }));
    const broken = await ks.here('flagd', 'import', file, '--reason', 'x');
    expect(broken.stderr).toContain('schema: /flags/banner/targeting/if/1/if/0 "foo" is not an operation');
    expect(broken.stderr).not.toContain('"if"');
    expect((await ks.json('flagd', 'import', `${file}.none`, '--reason', 'x')).json).toEqual({
      code: 'FILE_UNREADABLE',
      detail: `The file ${file}.none does not exist.`,
    });
    expect((await ks.json('log')).json.count).toBe(2);
  });

  test('flagd validate: 0 for the shipped definition, 1 for one that must not be served', async () => {
    const ks = fileSwitch('built');
    const shipped = join(import.meta.dirname, '../../../flags/kill-switch.flagd.json');
    expect((await ks.json('flagd', 'validate', shipped)).json).toMatchObject({ ok: true, missing: [], unsafe: [] });
    const file = join(ks.folder, 'flags.json');
    const definition = JSON.parse(readFileSync(shipped, 'utf8'));
    definition.flags['kill-switch.mode'].defaultVariant = 'live';
    writeFileSync(file, JSON.stringify(definition));
    const unsafe = await ks.run('flagd', 'validate', file);
    expect(unsafe.stdout).toContain('Kill-switch flags with an unsafe default: kill-switch.mode');
    expect(unsafe.code).toBe(0);
    const strict = await ks.here('flagd', 'validate', '--strict', file);
    expect(strict.code).toBe(1);
    expect(strict.stdout).toMatch(/an unsafe default: kill-switch\.mode\nThat is refused because of --strict\.\n$/);
    expect((await ks.here('flagd', 'validate', '--strict', file, '--json')).json).toMatchObject({ ok: true });
    const app = join(ks.folder, 'app.json');
    const banner = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' };
    writeFileSync(app, JSON.stringify({ flags: { banner } }));
    expect((await ks.here('flagd', 'validate', '--strict', shipped)).code).toBe(0);
    expect((await ks.here('flagd', 'validate', '--strict', shipped, app)).code).toBe(0);
    expect((await ks.here('flagd', 'validate', '--strict', file, app)).code).toBe(1);

    writeFileSync(file, '{"flags":{}}');
    const missing = await ks.run('flagd', 'validate', file);
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain('Missing kill-switch flags: kill-switch.mode');
    expect((await ks.json('flagd', 'validate', file)).json).toMatchObject({ ok: false, missing: ['kill-switch.mode'] });

    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x7b]));
    expect((await ks.json('flagd', 'validate', file)).json).toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  test('no verb waits for a pipe or reads a device to its end, where a person names a file', async () => {
    const ks = fileSwitch('built');
    await ks.run('init');
    const pipe = join(ks.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const file of [pipe, '/dev/zero']) {
      for (const args of [
        ['validate', file],
        ['import', file, '--reason', 'x'],
      ]) {
        const ran = await ks.json('flagd', ...args);
        expect(ran.json).toEqual({
          code: 'FILE_UNREADABLE',
          detail: `The file ${file} cannot be read: it is no regular file.`,
        });
      }
    }
    expect((await ks.json('flagd', 'validate', ks.folder)).json.detail).toBe(`The file ${ks.folder} is a folder.`);
  });

  test('flagd validate of several files: 1 where two have a flag of the switch, with who is served', async () => {
    const ks = fileSwitch('built');
    const shipped = join(import.meta.dirname, '../../../flags/kill-switch.flagd.json');
    const app = join(ks.folder, 'app.json');
    const checkout = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' };
    writeFileSync(app, JSON.stringify({ flags: { checkout } }));
    const apart = await ks.json('flagd', 'validate', shipped, app);
    expect(apart).toMatchObject({ code: 0, json: { ok: true, shared: [], files: [{ file: shipped }, { file: app }] } });

    writeFileSync(app, JSON.stringify({ ...JSON.parse(readFileSync(shipped, 'utf8')), metadata: {} }));
    const both = await ks.json('flagd', 'validate', shipped, app);
    expect(both).toMatchObject({
      code: 1,
      json: { ok: false, shared: [{ key: 'kill-switch.mode', severity: 'error', files: [shipped, app], wins: app }] },
    });
    expect((await ks.run('flagd', 'validate', app, shipped)).stdout).toContain(`${shipped}  (is served)`);
  });
});
