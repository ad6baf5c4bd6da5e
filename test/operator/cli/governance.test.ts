import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { type Ran, runHere } from './command.ts';

const STORES: Array<[string, () => Promise<string>]> = [
  ['files', async () => `file:${join(temporaryFolder('governed').path, 'switch')}`],
];
if (hasRedis) STORES.push(['Redis', async () => (await startRedis()).url]);

vi.setConfig({ testTimeout: 120_000 }); // many processes, one after the other

/** Runs a line as somebody, in a process of its own. */
const peopleAt =
  (store: string) =>
  (who: string, ...line: string[]): Promise<Ran> =>
    runHere([...line, '--store', store, '--operator', who]);

describe.each(STORES)('giving authority back from the command line, over %s', (_name, open) => {
  test('is pending with exit code 5 until another person repeats it', async () => {
    const as = peopleAt(await open());
    await as('ann', 'init');
    const set = await as('ann', 'governance', 'set', '--second-person', 'killer', '--reason', 'two', '--json');
    expect(set).toMatchObject({ code: 0, json: { second_person: 'killer', ladder: false, already: false, epoch: 2 } });
    expect(await as('kim', 'kill', 'agent:x', '--wait', '0')).toMatchObject({ code: 0 });
    const first = await as('ann', 'revive', 'agent:x', '--reason', 'fixed', '--json');
    expect(first).toMatchObject({ code: 5, json: { pending: { id: expect.any(String) } } });
    const again = await as('ann', 'revive', 'agent:x', '--reason', 'fixed', '--json');
    expect([again.code, again.json]).toEqual([5, first.json]);
    const { stderr } = await as('ann', 'revive', 'agent:x', '--reason', 'fixed');
    expect(stderr).toContain(` approve ${first.json.pending.id}`);
    expect(await as('kim', 'revive', 'agent:x', '--reason', 'me')).toMatchObject({ code: 1 });
    const requests = await as('kim', 'requests', '--json');
    expect(requests.json).toMatchObject({ count: 1, data: [{ id: first.json.pending.id, state: 'open' }] });
    expect(await as('ben', 'approve', first.json.pending.id)).toMatchObject({ code: 0 });
    expect((await as('ann', 'kills', '--json')).json.count).toBe(0);
    expect((await as('ann', 'log', 'verify')).code).toBe(0);
  });

  test('goes one step at a time, each for its dwell, and alone in an emergency', async () => {
    const as = peopleAt(await open());
    await as('ann', 'init');
    const lines = ['--ladder', 'on', '--dwell', '10m', '--break-glass', 'on', '--reason', 'slowly'];
    expect((await as('ann', 'governance', 'set', ...lines)).stdout).toContain(
      'one step at a time, each for at least 10 min',
    );
    await as('kim', 'kill', 'agent:x', '--wait', '0');
    const step = await as('ann', 'revive', 'agent:x', '--reason', 'looked at it');
    expect(step.stdout).toContain('agent:x is read_only now, at epoch 4: one step looser.');
    const soon = await as('ann', 'revive', 'agent:x', '--reason', 'x', '--json');
    expect(soon).toMatchObject({ code: 1, json: { code: 'DWELL_REQUIRED' } });
    const alone = await as('ann', 'revive', 'agent:x', '--reason', 'nobody else is up', '--break-glass');
    expect(alone.stdout).toContain('agent:x is revived');
    expect((await as('ann', 'log')).stdout).toContain('revive  agent:x BREAK GLASS  "nobody else is up"');
    const off = await as('ann', 'mode', 'live', '--reason', 'x');
    expect(off).toMatchObject({ code: 1 });
    expect(off.stderr).toContain(
      'The base mode goes back one step at a time, and from draft_only to live are several.',
    );
  });

  test('that is withdrawn is asked for anew', async () => {
    const as = peopleAt(await open());
    await as('ann', 'init');
    await as('ann', 'governance', 'set', '--second-person', 'asker', '--reason', 'two');
    const { json } = await as('ann', 'mode', 'live', '--reason', 'go', '--json');
    expect(await as('kim', 'requests', 'withdraw', json.pending.id)).toMatchObject({ code: 0 });
    expect(await as('ben', 'approve', json.pending.id)).toMatchObject({ code: 1 });
    expect(await as('ben', 'mode', 'live', '--reason', 'go')).toMatchObject({ code: 5 });
    expect((await as('ann', 'mode', '--json')).json.mode).toBe('draft_only');
  });

  test('that is refused, and what is no target, is in the log, and repeats are counted', async () => {
    const as = peopleAt(await open());
    await as('ann', 'init');
    for (const line of [
      ['kill', 'bogus'],
      ['kill', 'bogus'],
      ['kill', 'bogus'],
      ['restrict', 'agnt:x', 'read_only'],
    ])
      expect(await as('ann', ...line)).toMatchObject({ code: 2 });
    await as('ann', 'kill', 'agent:x', '--wait', '0');
    expect((await as('ann', 'revive', 'agent:x')).code).toBe(1);
    const { stdout } = await as('ann', 'log');
    const refused = stdout.split('\n').flatMap((line) => line.split('refused  ')[1] ?? []);
    expect(refused).toEqual(['kill bogus INVALID_ARGUMENT', 'kill agnt:x INVALID_ARGUMENT']);
  });
});

test('what governance set does not take is a usage error, and changes nothing', async () => {
  const as = peopleAt(`file:${join(temporaryFolder('governed').path, 'switch')}`);
  await as('ann', 'init');
  for (const [flag, value] of [
    ['--second-person', 'two'],
    ['--ladder', 'yes'],
    ['--dwell', '10'],
    ['--dwell', '31d'],
    ['--drill', '1s'],
    ['--pending-expires', '0'],
    ['--restore-roles', 'live'],
    ['--restore-roles', 'lively=admin'],
    ['--restore-roles', 'live=root'],
  ] as const)
    expect([flag, value, (await as('ann', 'governance', 'set', flag, value, '--reason', 'x')).code]).toEqual([
      flag,
      value,
      2,
    ]);
  expect((await as('ann', 'governance', 'set', '--reason', 'x')).code).toBe(2);
  expect((await as('ann', 'governance', 'set', '--ladder', 'on')).code).toBe(1);
  expect((await as('ann', 'governance', '--json')).json).toMatchObject({ ladder: false, changed: null });
});
