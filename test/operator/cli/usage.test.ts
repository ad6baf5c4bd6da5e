import { describe, expect, test } from 'vitest';
import { EXAMPLES } from '../../../operator/cli/examples.ts';
import { VERBS } from '../../../operator/cli/verbs.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { each, fileSwitch, run, runHere } from './command.ts';

/** What is mistyped, and what the answer must say. */
const MISTYPED: readonly (readonly [readonly string[], string | RegExp])[] = [
  [[], 'Say what to do'],
  [['kil', 'agent:x'], 'Did you mean kill?'],
  // What would give back is not taken for what stops, whatever it looks like.
  ...['unkill', 'unpause', 'resume', 'unrestrict', 'Restore', 'unkil', 'enable'].map(
    (word) => [[word, 'agent:x'], 'Did you mean revive? See: kill-switch revive --help'] as const,
  ),
  ...['stop', 'halt', 'disable'].map((word) => [[word, 'agent:x'], 'Did you mean kill?'] as const),
  [['freeze', 'agent:x'], 'Did you mean pause?'],
  [['verify'], 'Did you mean log verify? See: kill-switch log verify --help'],
  [['frobnicate'], /^Unknown command "frobnicate"\. See: kill-switch --help$/m],
  ...['*', 'everything', 'ALL'].map((word) => [['kill', word], 'is not a target. Did you mean all?'] as const),
  [['kill', 'agent=x'], 'Did you mean agent:x?'],
  [['kill', 'agnet=my bot'], "Did you mean 'agent:my bot'?"],
  [['kill', 'all=x'], 'say what it is'],
  [['flagd', 'validte'], 'Did you mean validate?'],
  [['flagd'], 'Say what to do: kill-switch flagd'],
  [['log', 'verfy'], 'Did you mean kill-switch log verify?'],
  [['kill'], 'kill-switch kill --help'],
  [['kill', 'returns-bot'], 'kill-switch kill agent:returns-bot'],
  [['pause', 'my agent'], "kill-switch pause 'agent:my agent'"],
  [['kill', 'agnet:x'], 'Did you mean agent:x?'],
  [['kill', 'al'], 'Did you mean all?'],
  [['kill', 'all:x'], '"all" stands alone'],
  [['kill', 'agent:'], 'must not be empty'],
  [['kill', ''], 'must not be empty'],
  [['kill', 'agent:a\u0007b'], 'must not contain control characters'],
  [['kill', 'agent:a\u009bb'], 'must not contain control characters'],
  [['kill', `agent:${'x'.repeat(513)}`], 'must have at most 512 characters, not 513'],
  [['revive', `run:${'x'.repeat(513)}`, '--reason', 'x'], 'not 513'],
  [['feature', ''], 'must not be empty'],
  [['feature', 'a\nb', 'live', '--reason', 'x'], 'control characters'],
  [['feature', 'refunds', 'lvie'], 'Did you mean live?'],
  [['feature', 'f', 'live', '--targeting', '[1]', '--reason', 'x'], '--targeting takes a flagd rule'],
  [['feature', 'f', 'live', '--targeting', '{"if":[true,"lvie"]}', '--reason', 'x'], 'which is no stage'],
  [
    ['feature', 'f', 'live', '--accounts', 'a,,b', '--reason', 'x'],
    'is not the id of an account: it must not be empty',
  ],
  [['feature', 'f', 'live', '--percentage', '0', '--reason', 'x'], 'from 1 to 99'],
  [['feature', 'f', 'live', '--percentage', '100', '--reason', 'x'], 'For everyone: leave it out.'],
  [['feature', 'f', 'live', '--percentage', '2.5', '--reason', 'x'], 'from 1 to 99'],
  [['feature', 'f', 'live', '--percentage', '5', '--accounts', 'a'], 'cannot be used with'],
  [['feature', 'f', 'live', '--evidence'], 'three commands'],
  [['feature', 'f', 'live', '--require-runs', '5'], 'three commands'],
  [['feature', 'f', '--accounts', 'a'], 'For whom a stage counts is said with the stage'],
  [['feature', 'f', '--evidence', '--reason', 'x'], 'leave out --reason'],
  [['feature', 'f', '--require-runs', '-1'], 'whole number'],
  [['feature', 'f', '--require-runs', '10001'], 'from 0 to 10000'],
  [['feature', 'f', '--require-agreement', '101%'], 'a share up to 100%'],
  [['feature', 'f', '--require-agreement', '95'], 'a share up to 100%'],
  [['limit', 'x'.repeat(513)], 'not 513'],
  [['limit', 'refund.max', 'NaN'], 'A limit is a number'],
  [['limit', 'refund.max', '-5'], 'A limit is a number'],
  [['limit', 'refund.max', '0x10'], 'A limit is a number'],
  [['limit', 'refund.max', ''], 'A limit is a number'],
  [['limit', 'refund.max', '9007199254740993'], 'would become 9007199254740992'],
  [['limit', 'refund.max', '0.30000000000000000001'], 'would become 0.3'],
  [['autonomy', '', 'trusted'], 'must not be empty'],
  [['autonomy', 'email.send', 'trustd'], 'Did you mean trusted?'],
  [['restrict', 'agent:x', 'draft_olny'], 'Did you mean draft_only?'],
  [['restrict', 'agent:x', 'live'], 'kill-switch revive'],
  [['mode', 'liv'], 'Did you mean live?'],
  [['mode', 'live', '--targeting', '[1]', '--reason', 'x'], '--targeting takes a flagd rule'],
  [['mode', 'live', '--targeting', '{', '--reason', 'x'], '--targeting takes a flagd rule'],
  [['kill', 'agent:x', '--wiat', '5s'], 'Did you mean --wait?'],
  [['kill', 'email.send'], 'For the action: kill-switch kill action:email.send'],
  [['kill', 'agent:x', 'now', 'please'], 'Put what contains spaces in quotes'],
  [['kill', 'agent:x', '--wait', '5'], 'For seconds: 5s.'],
  [['kill', 'agent:x', '--wait', '5 parsecs'], 'is not a duration'],
  [['kill', 'agent:x', '--wait', '-5s'], 'is not a duration'],
  [['kill', 'agent:x', '--until', 'tomorrow'], 'RFC 3339'],
  [['kill', 'agent:x', '--until', '2026-02-30T00:00:00Z'], 'RFC 3339'],
  [['kill', 'agent:x', '--until', '2099-01-01T00:00:00'], 'RFC 3339'],
  [['kill', 'agent:x', '--until', '2020-01-01T00:00:00Z'], 'already passed'],
  [['mode', 'live', '--reason', 'x'.repeat(2001)], 'at most 2000 characters'],
  [['mode', 'live', '--reason', 'a\u001b[31mb'], 'control characters'],
  [['mode', 'live', '--reason', 'a\u2028b'], 'control characters'],
  [['revive', 'agent:x', '--reason', 'x', '--epoch', 'two'], '--epoch is a whole number'],
  [['kills', '--limit', '0'], '--limit is a whole number from 1'],
  [['status', '--organization', ''], '--organization (or KILL_SWITCH_ORGANIZATION) is empty'],
  [['status', '--organization', 'a\u0001b'], 'control characters'],
  [['kill', 'agent:x', '--operator', 'x'.repeat(513)], 'not 513'],
  [['status', '--store', 'https://switch.example'], 'not available in this version'],
  [['status', '--store', '.kill-switch'], '--store "file:.kill-switch"'],
  [['status', '--store', 'file:'], 'names no folder'],
  [['status', '--store', 'postgres://u:secret@h/db'], 'is not the URL of a store'],
];

describe('what is mistyped', () => {
  test('ends with 2, says how to mend it, and changes nothing', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    for (const [args, says] of MISTYPED) {
      const ran = await ks.here(...args);
      expect(ran.code, `${args.join(' ')}\n${ran.stderr}`).toBe(2);
      expect(ran.stdout).toBe('');
      expect(ran.stderr).toMatch(says);
      expect(ran.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      expect(ran.stderr).not.toContain('secret');
    }
    // What was tried is in the log, at most twenty in a minute.
    const types: string[] = (await ks.json('log')).json.data.map(({ type }: { type: string }) => type);
    expect(new Set(types)).toEqual(new Set(['init', 'refused']));
    expect(types.length).toBeLessThanOrEqual(21);
  });

  test('with --json, before or after the verb, is { detail, code } on stdout', async () => {
    const ks = fileSwitch();
    await each(
      [
        ['--json', 'kill', 'x'],
        ['kill', 'x', '--json'],
        ['kil', '--json'],
        ['--json'],
        ['kill', 'agent:x', '--wiat', '--json'],
      ],
      async (args) => {
        const ran = await ks.run(...args);
        expect(ran.code).toBe(2);
        expect(ran.json).toEqual({ code: 'INVALID_ARGUMENT', detail: expect.stringMatching(/\w/) });
      },
    );
  });

  test('an empty variable is refused: it must not become the default store', async () => {
    for (const name of ['KILL_SWITCH_STORE', 'KILL_SWITCH_ORGANIZATION', 'KILL_SWITCH_OPERATOR']) {
      const ran = await run(['status'], { env: { [name]: '' } });
      expect(ran).toMatchObject({ code: 2 });
      expect(ran.stderr).toContain(`${name}) is empty`);
    }
  });

  test('no password in a mistyped command line comes back', async () => {
    const url = 'redis://user:se/cret@127.0.0.1:1/0';
    await each(
      [
        [`--stroe=${url}`, 'status'],
        [url, 'status'],
        ['kill', url],
        ['kill', 'agent:x', url],
        ['status', '--store', `${url}?x=y`],
        ['status', '--store', 'redis:user:se/cret@127.0.0.1'],
        ['status', '--store', 'user:se/cret@127.0.0.1'],
        ['status', '--store', `file://user:se/cret@host/x`],
      ],
      async (args) => {
        const ran = await runHere([...args, '--json']);
        expect(ran.code, args.join(' ')).toBe(2);
        expect(ran.stdout + ran.stderr).not.toContain('cret');
      },
    );
  });

  test('nor a secret that was typed or exported elsewhere, while our own words about secrets stay', async () => {
    for (const args of [
      ['kill', 'password=hunter2'],
      ['kill', '--password=hunter2'],
      ['kill', 'agent:x', '--wait', 'token: hunter2'],
      ['status', '--store', 'password=hunter2'],
      ['mode', 'live', '--targeting', '{"password":"hunter2"'],
    ]) {
      const ran = await runHere([...args, '--json']);
      expect(ran.code, args.join(' ')).toBe(2);
      expect(ran.stdout + ran.stderr).not.toContain('hunter2');
      expect(ran.json.detail).toContain('[redacted]');
    }
    const exported = await runHere(['status'], { KILL_SWITCH_STORE: 'secret: hunter2' });
    expect(exported.stderr).toContain('"secret: [redacted]" is not the URL of a store. It begins with file:');
    for (const [store, says] of [
      ['redis://us%zer:hunter2@h', 'is not percent-encoded. Write redis://host:port/db, rediss:// for TLS, or'],
      ['redis://us%zer:hunter2@h', 'with user:password@ before the host or the path, both percent-encoded.'],
      [
        'redis://m?sentinels=h:1&sentinelPasswordFile=/none',
        'The file "/none" (sentinelPasswordFile of the Redis URL)',
      ],
    ] as const) {
      const { stderr } = await runHere(['status', '--store', store]);
      expect(stderr).toContain(says);
      expect(stderr).not.toMatch(/hunter2|\[redacted\]/);
    }
  });

  test('help says what there is, also for one verb', async () => {
    const all = await run(['--help']);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    for (const verb of ['init', 'kill', 'revive', 'flagd', 'log', 'status']) expect(all.stdout).toContain(`  ${verb} `);
    for (const args of [
      ['kill', '--help'],
      ['help', 'kill'],
    ]) {
      const { stdout, code } = await run(args);
      expect(code).toBe(0);
      expect(stdout).toContain('--wait <duration>');
      expect(stdout).toContain('\n  kill-switch kill all\n');
      expect(stdout.match(/kill-switch --help|--store/g)).toHaveLength(2); // what every verb takes is one line
    }
    expect(all.stdout).toContain('--store <url>');
    for (const args of [['--version'], ['-v'], ['version'], ['-V']])
      expect(await run(args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test.each(['', 'flagd', 'redis', ...VERBS.map(({ name }) => name)])('help has an example: %s', async (name) => {
    const { stdout, code } = await runHere([...name.split(' ').filter((word) => word !== ''), '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\\nExamples:\n {2}kill-switch ${name}`));
  });

  test('each example is a command line that is read', async () => {
    const examples = Object.values(EXAMPLES).flat();
    expect(Object.keys(EXAMPLES).sort()).toEqual(VERBS.map(({ name }) => name).sort());
    for (const example of examples) {
      const [line = ''] = example.split('    #');
      const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
        ([, one, two, three]) => one ?? two ?? three ?? '',
      );
      // An option that is not known is found first; `-h` behind it would hide nothing of the rest.
      const ran = await runHere([...words, '--no-such-option']);
      expect(ran.stderr, example).toContain("Unknown option '--no-such-option'");
      const goesOn = words.includes('--watch') || words.includes('--follow');
      if (words.includes('--store') || goesOn) continue; // for another machine
      const { path } = temporaryFolder('examples');
      const { code } = await runHere(words, {}, { cwd: path });
      expect(code, example).not.toBe(2);
    }
  });
});

const ODD = [
  '__proto__',
  'constructor',
  '*a',
  'a:b',
  '{x}',
  '🛑 stop',
  '--x',
  "it's $HOME",
  'x'.repeat(512),
  '🛑'.repeat(512),
];

describe('odd ids', () => {
  test('work as ids of agents and as names of features and limits', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await each(ODD, async (id) => {
      const killed = await ks.json('kill', `agent:${id}`, '--wait', '0');
      expect(killed.json).toMatchObject({ kill: { target: `agent:${id}`, target_id: id }, already: false });
      expect((await ks.here('feature', '--json', '--reason', 'x', '--', id, 'gated')).json).toMatchObject({
        stage: 'gated',
      });
      expect((await ks.here('limit', '--json', '--', id, '7')).json).toMatchObject({ limit: id, value: 7 });
    });
    const status = (await ks.json('status')).json;
    expect(status.kills.map(({ target_id }: { target_id: string }) => target_id).sort()).toEqual([...ODD].sort());
    for (const id of ODD) {
      expect(Object.getOwnPropertyDescriptor(status.features, id)?.value).toBe('gated');
      expect(Object.getOwnPropertyDescriptor(status.limits, id)?.value).toBe(7);
    }
    expect((await ks.here('status')).stdout).toContain('__proto__ gated');
    expect((await ks.here('--json', 'feature', '__proto__')).json).toMatchObject({ stage: 'gated', set: true });
    expect((await ks.here('--json', 'feature', 'toString')).json).toMatchObject({ stage: 'dark', set: false });
    await each(ODD, async (id) => {
      const revived = await ks.here('--json', 'revive', `agent:${id}`, '--reason', 'x');
      expect(revived.code, revived.stdout).toBe(0);
    });
    expect((await ks.here('--json', 'kills')).json.count).toBe(0);
    expect((await ks.here('--json', 'log', 'verify')).json).toMatchObject({ ok: true });
  }, 60_000);
});
