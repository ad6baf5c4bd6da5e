import { describe, expect, test } from 'vitest';
import { hasRedis, hasTerminals, startRedis } from '../../servers/index.ts';
import { type Agent, type Agents, startAgents } from './agents.ts';
import { fileSwitch, onTerminal, type Ran, runHere } from './command.ts';

interface Place {
  ks(...args: string[]): Promise<Ran>;
  agents(name: string, agents: readonly Agent[], leaseMs?: number): Promise<Agents>;
  readonly url: string;
}

const PLACES: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'the file store',
    async () => {
      const { directory } = fileSwitch();
      const url = `file:${directory}`;
      return {
        url,
        ks: (...args) => runHere([...args, '--store', url]),
        agents: (name, agents, leaseMs = 1500) => startAgents({ directory, name, leaseMs, agents }),
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
              url,
              ks: (...args: string[]) => runHere([...args, '--store', url]),
              agents: (name: string, agents: readonly Agent[], leaseMs = 1500) =>
                startAgents({ redis: url, name, leaseMs, agents }),
            };
          },
        ] as const,
      ]
    : []),
];

const slowbot: Agent = { id: 'slowbot', mission: 'm-7', action: 'mail.send', ms: 50, heeds: 'signal' };
const other: Agent = { id: 'other', action: 'db.write', ms: 50, heeds: 'signal' };
/** An action that takes as long as a test at most. */
const ENDLESS = 120_000;

async function live({ ks }: Place): Promise<void> {
  await ks('init');
  await ks('mode', 'live', '--reason', 'test');
}

/** Resolves once an executor has reported what this agent does there. */
async function reported({ ks }: Pick<Place, 'ks'>, id: string): Promise<void> {
  while (!(await ks('executors', '--json')).stdout.includes(`run-of-${id}`));
}

describe.each(PLACES)('on %s', { timeout: 120_000 }, (_, open) => {
  test('a kill with a typo says first that nobody has seen that agent, and names the one that is there', async () => {
    const place = await open();
    await live(place);
    const agents = await place.agents('mailer', [slowbot]);
    const killed = await place.ks('kill', 'agent:slowbto');
    expect(killed.code).toBe(0);
    const [first, second, third] = killed.stdout.split('\n');
    expect(first).toBe(
      'NOBODY KNOWS agent:slowbto: no executor has reported it, now or in the last day. It is recorded all the same.',
    );
    expect(second).toMatch(/^Did you mean: kill-switch .*kill agent:slowbot$/);
    expect(third).toBe('agent:slowbto is full_stop, at epoch 3.');
    await agents.until('slowbot', 'executed'); // it goes on
    const { json } = await place.ks('kill', 'agent:slowbto', '--json');
    expect(json.matched).toMatchObject({ agents: [], in_flight: 0, seen: false, suggestions: ['agent:slowbot'] });
    expect(json.kill).toMatchObject({ is_active: true });

    const stopped = agents.until('slowbot', 'blocked');
    const right = await place.ks('kill', 'agent:slowbot');
    expect(right.stdout).toMatch(/^agent:slowbot is full_stop, at epoch 5\.$/m);
    expect(right.stdout).toMatch(
      /^It hits agent slowbot; mission m-7; run run-of-slowbot; action mail\.send; surface tool\. In flight there, when last heard of: [01] actions?\.$/m,
    );
    expect(right.stdout).not.toContain('NOBODY');
    await stopped;
  });

  test('what an agent was is known after its executor has closed, and that nobody hears a stop then is said first', async () => {
    const place = await open();
    await live(place);
    const empty = await place.ks('kill', 'agent:slowbot');
    expect(empty.stdout).toMatch(/^NOBODY HAS HEARD THIS: no executor reports to .*, organization default\. If agents/);
    await place.ks('revive', 'agent:slowbot', '--reason', 'nobody was there');
    const agents = await place.agents('mailer', [slowbot]);
    await agents.end('SIGTERM');
    const killed = await place.ks('kill', 'agent:slowbot');
    expect(killed.stdout).toMatch(
      /^NOBODY HAS HEARD THIS: .*The last report of who did what there was by mailer, \d+ \w+ ago\.$/m,
    );
    expect(killed.stdout).toMatch(/^It hits agent slowbot; .*action mail\.send/m);
    expect((await place.ks('kill', 'agent:slowbto', '--json')).json.matched).toMatchObject({
      executors: 0,
      last_executor: { name: 'mailer' },
      suggestions: ['agent:slowbot'],
    });
  });

  test('what was only refused, or never called, is known after its executor has closed', async () => {
    const place = await open();
    await live(place);
    await place.ks('kill', 'agent:slowbot');
    const agents = await place.agents('mailer', [
      { ...slowbot, feature: 'mails' },
      { id: 'idle', action: 'mail.never', feature: 'letters', ms: 0, heeds: 'idle' },
    ]);
    await agents.until('slowbot', 'blocked');
    await agents.end('SIGTERM');
    const targets = ['agent:slowbot', 'agent:idle', 'mission:m-7', 'run:run-of-slowbot', 'action:mail.send'];
    const kills = [...targets, 'action:mail.never', 'surface:tool', 'feature:letters'].map((each) => ['kill', each]);
    for (const args of [['feature', 'mails', 'dark'], ['feature', 'letters', 'dark'], ...kills]) {
      const { stdout } = await place.ks(...args, '--wait', '0');
      expect(stdout, args.join(' ')).toContain('The last report of who did what there was by mailer');
      expect(stdout, args.join(' ')).not.toContain('NOBODY KNOWS');
      expect(stdout, args.join(' ')).toMatch(/^It hits /m);
    }
    expect((await place.ks('kill', 'feature:other', '--wait', '0')).stdout).toContain('NOBODY KNOWS feature:other');
  });

  test('what still runs is named, with how long and whether it heeds its signal; a stop of others does not wait for it', async () => {
    const place = await open();
    await live(place);
    await place.agents('mailer', [
      { ...slowbot, ms: ENDLESS, heeds: 'blind' },
      { ...slowbot, id: 'deafbot', action: 'mail.draft', ms: ENDLESS, heeds: 'nothing' },
      other,
    ]);
    for (const id of ['slowbot', 'deafbot']) await reported(place, id);
    const killed = await place.ks('kill', 'mission:m-7', '--wait', '2s');
    expect(killed.code).toBe(3);
    expect(killed.stdout).toMatch(/^Applied by 1 of 1 executor after \d+ ms\. 2 actions that it hits still run\.$/m);
    expect(killed.stdout).toMatch(
      /^mailer +mail\.send +slowbot +run-of-slowbot +\d+ s +fired \d+ m?s ago, never read by its code$/m,
    );
    expect(killed.stdout).toMatch(
      /^mailer +mail\.draft +deafbot +run-of-deafbot +\d+ s +fired \d+ m?s ago, not heeded$/m,
    );
    expect(killed.stdout).toMatch(/^After 2 s, 2 actions have not ended\. The stop stands\.$/m);
    expect(killed.stdout).toContain('what does not heed it runs to its end');

    const beside = await place.ks('kill', 'agent:other', '--wait', '1m');
    expect(beside.code).toBe(0);
    expect(beside.stdout).toMatch(/^Applied by 1 of 1 executor after \d+ ms\. Nothing that it hits runs there\.$/m);
    expect(beside.stdout).toMatch(/^mailer +applied /m);
    const all = (await place.ks('kill', 'all', '--wait', '0', '--json')).json.acknowledgements.executors[0];
    expect(all).toMatchObject({ name: 'mailer', state: 'draining', draining: 2 });
    expect(all.work.map(({ agent_id }: { agent_id: string }) => agent_id).sort()).toEqual(['deafbot', 'slowbot']);
  });

  test('an executor that died with work in flight is waited for as long as its lease, then shown apart', async () => {
    const place = await open();
    await live(place);
    const gone = await place.agents('gone', [{ ...slowbot, ms: ENDLESS }]);
    const working = async () =>
      (await place.ks('executors', '--json')).json.data.map(({ in_flight: n }: { in_flight: number }) => n);
    await expect.poll(working, { timeout: 20_000 }).toContain(1); // it has reported its work
    await gone.end('SIGKILL');
    await place.agents('mailer', [other]);
    const killed = await place.ks('kill', 'all', '--wait', '2m');
    expect(killed.code).toBe(0);
    expect(killed.stdout).toMatch(/^Applied by 1 of 1 executor after \d+ ms\. Nothing that it hits runs there\.$/m);
    expect(killed.stdout).toMatch(/^Silent, and not waited for: gone \(heard \d+ m?s ago\)\. Its lease is over/m);
    expect(killed.stdout).toMatch(/^1 action that it hits was in flight there when last heard of/m);
    expect((await place.ks('executors', 'forget', '--silent', '--json')).json.forgotten).toHaveLength(1);
    expect((await place.ks('kill', 'all')).stdout).not.toContain('Silent');
  });

  test('mode, feature, limit and autonomy that tighten are stops too: what they hit, and who has obeyed', async () => {
    const place = await open();
    await live(place);
    await place.agents('mailer', [{ ...slowbot, ms: ENDLESS, heeds: 'blind' }]);
    for (const args of [
      ['limit', 'refund.max', '5'],
      ['feature', 'refunds', 'dark'],
      ['autonomy', 'mail.send', 'human_in_the_loop'],
      ['mode', 'full_stop'],
    ]) {
      const { code, json } = await place.ks(...args, '--wait', '1s', '--json');
      const isHit = args[0] === 'mode' || args[0] === 'autonomy';
      expect(code, args[0]).toBe(isHit ? 3 : 0);
      expect(json.matched, args[0]).toMatchObject({ seen: isHit, executors: 1, in_flight: isHit ? 1 : 0 });
      expect(json.acknowledgements, args[0]).toMatchObject({ total: 1, applied: 1, drained: isHit ? 0 : 1 });
    }
    const people = await place.ks('mode', 'full_stop', '--wait', '1s');
    expect(people.code).toBe(3);
    expect(people.stdout).toMatch(/^The base mode is full_stop already\./);
    expect(people.stdout).toMatch(/^Still running:$/m);
    const loosened = await place.ks('mode', 'live', '--reason', 'over', '--wait', '1m', '--json');
    expect(loosened.json).toEqual({ mode: 'live', targeting: null, epoch: 8, already: false });
  });

  test('several targets are stopped at once and waited for together', async () => {
    const place = await open();
    await live(place);
    await place.agents('mailer', [slowbot, other]);
    const targets = ['agent:slowbot', 'agent:other', 'agent:slowbot', 'run:nobody'];
    const { json } = await place.ks('kill', ...targets, '--json');
    expect(json.kills.map(({ kill }: { kill: { target: string } }) => kill.target)).toEqual(targets.toSpliced(2, 1));
    for (const { acknowledgements } of json.kills) expect(acknowledgements).toMatchObject({ total: 1, drained: 1 });
    const shown = await place.ks('restrict', 'agent:slowbot', 'agent:nobdy', 'read_only');
    expect(shown.stdout).toMatch(/^agent:slowbot was already full_stop .* the stricter full_stop stands/m);
    expect(shown.stdout).toMatch(/^NOBODY KNOWS agent:nobdy: .*\nagent:nobdy is read_only, at epoch \d+\.$/m);
    expect(shown.stdout.match(/^Applied by/gm)).toHaveLength(1);

    const bad = await place.ks('kill', 'agent:new', 'agnet:x');
    expect(bad.code).toBe(2);
    expect((await place.ks('kills', '--json')).json.count).toBe(4);

    const many = Array.from({ length: 200 }, (__, at) => `run:r${at}`);
    const all = await place.ks('kill', ...many, '--json');
    expect(all).toMatchObject({ code: 0 });
    expect(all.json.kills).toHaveLength(200);
    expect(all.ms).toBeLessThan(20_000); // one by one each would wait by itself
  });
});

describe.skipIf(!hasTerminals)('on a terminal', { timeout: 120_000 }, () => {
  test('Ctrl-C during the waiting: the headline stands on the screen already, then that the stop stands', async () => {
    const place = await (PLACES[0] as (typeof PLACES)[number])[1]();
    await live(place);
    await place.agents('mailer', [{ ...slowbot, ms: ENDLESS, heeds: 'blind' }]);
    const terminal = onTerminal(['kill', 'agent:slowbot', '--wait', '2m', '--store', place.url], { columns: 200 });
    await terminal.until((screen) => screen.includes('agent:slowbot is full_stop, at epoch 3.'));
    await terminal.until((screen) => screen.includes('1 action that it hits still runs.'));
    terminal.type('\u0003');
    expect(await terminal.exited).toBe(130);
    expect(terminal.screen).toMatch(/Interrupted after .*: 1 action has not ended\. The stop stands\./);
    expect(terminal.screen).toMatch(/The stop stands\. See who obeys: kill-switch --store \S+ executors/);
  });
});
