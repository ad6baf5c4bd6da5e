import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasRedis, type RedisServer, startRedis, temporaryFolder } from '../servers/index.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TOUR = join(root, 'dist/examples/tour/main.js');

interface Ended {
  readonly code: number | null;
  readonly output: string;
  /** The folder in which it may make its own. */
  readonly folder: string;
  /** The agents that it started. */
  readonly agents: readonly number[];
}

interface Running {
  readonly process: ChildProcess;
  /** Resolves when it has printed this; rejects when it ends before. */
  until(text: string): Promise<void>;
  readonly agents: readonly number[];
  readonly ended: Promise<Ended>;
}

/** Runs a script of Node in an empty folder, which is its temporary one too. */
function run(script: string, ...args: readonly string[]): Running {
  const folder = temporaryFolder('tour-test').path;
  const child = spawn(process.execPath, [script, ...args], { cwd: folder, env: { ...process.env, TMPDIR: folder } });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const listener of listeners) listener();
    });
  }
  const agents = (): number[] => [...output.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, folder, agents: agents() }));
  });
  return {
    process: child,
    ended,
    get agents() {
      return agents();
    },
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => void (output.includes(text) && resolve());
        listeners.add(look);
        look();
        ended.then(() => reject(new Error(`It ended before it printed ${text}:\n${output}`)), reject);
      }),
  };
}

/** A process that has ended counts as ended also where nobody has collected it yet. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return process.platform !== 'linux';
  }
};

/** No process and no file of the tour's is left. */
function expectNothingLeft({ agents, folder }: Ended): void {
  expect(agents).toHaveLength(2);
  expect(agents.filter(isRunning)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
}

/** Each step came to its end, in order. */
function expectWholeStory(output: string): void {
  const steps = [
    '1. A fresh switch starts in draft_only',
    'On disk: 0 mails, 0 price changes.',
    '2. The operator lets them work',
    'Both work: ',
    '3. A pause keeps the work',
    'pause agent:order-mailer',
    'is the last one confirmed, and 1 s later still',
    'revive agent:order-mailer --reason',
    'It goes on with order ',
    'each once.',
    '4. test_mode: real mails, to a safe address',
    'mails on disk since, all to owner@shop.example',
    'To: owner@shop.example',
    'Dear ',
    'price-bot has no safe destination, so it is blocked: 0 changes on disk since',
    'prices.update declares no safe destination (redirect)',
    'mode live --reason',
    'Both work: ',
    '5. Kill one agent, in the middle of its work',
    'draining   stopped (epoch 7)',
    'order-mailer        goes on',
    'Its signal fired +',
    'of 40 rows, stopped by a kill of agent:price-bot by unverified:you (wrong prices). That is on the disk, and 0 changes since.',
    'prices.import was stopped (aborted, mode full_stop): a kill of agent:price-bot',
    'supplier.read was stopped (blocked, mode full_stop): a kill of agent:price-bot',
    'order-mailer goes on: ',
    '6. Kill everything',
    'when all had stopped',
    '1 s later',
    '7. Giving authority back takes a reason',
    'Refused: Giving authority back takes a reason',
    'lifting one leaves the others',
    'all 40 rows are in its books, each once',
    '8. The switch falls silent: everything stops within the lease (1000 ms)',
    'Both work: ',
    '9. The switch is lost',
    'GENERATION_CHANGED',
    'recover --reason',
    'Both work: ',
    '10. A person signs off what matters',
    'price-bot is to make 12 discounts in the run spring-sale. The first one waits:',
    'and tell everybody", for 4 usd',
    'kill-switch approve ',
    'On disk: that one price has changed, and no other. The second discount waits.',
    '11. A budget stops what no single call would',
    'kill-switch budget run:spring-sale --usd 20',
    '5 more were made, and then the run was paused by budget:run:spring-sale:',
    '20 of 20 usd of the budget run:spring-sale are spent or set aside, and the next call did not fit',
    '12. One command undoes what a run has done',
    'prices.discount          reversed',
    'On disk: every price is as it was before the sale.',
    '13. A drill: the stop is pressed on purpose, and measured',
    'started after that',
    'What the drill did itself: ',
    'Given back after ',
    '14. What was not allowed, and every change, is on record',
    '@customers.example → owner@shop.example',
    'ok: 29 events',
    'each once, through all stops',
    'nothing was written after a stop',
  ];
  let from = 0;
  for (const step of steps) {
    const found = output.indexOf(step, from);
    expect(found, `${step}\nis missing after character ${from} of:\n${output}`).toBeGreaterThanOrEqual(from);
    from = found + step.length;
  }
}

/** What the summary of interventions counts, by agent and what became of its calls. */
function counted(output: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, times, agent, status] of output.matchAll(/^ {3}(\d+) +(order-mailer|price-bot) +(\w+) /gm)) {
    counts.set(`${agent} ${status}`, (counts.get(`${agent} ${status}`) ?? 0) + Number(times));
  }
  return counts;
}

/** A copy of the tour as it is built, with one change in it. */
function changed(file: string, from: string, to: string): string {
  mkdirSync(join(root, '.gate'), { recursive: true });
  const copy = mkdtempSync(join(root, '.gate', 'tour-')); // below the root, so that packages are found
  onTestFinished(() => rmSync(copy, { recursive: true }));
  cpSync(join(root, 'dist'), copy, { recursive: true });
  const path = join(copy, 'examples/tour', file);
  const text = readFileSync(path, 'utf8');
  expect(text.split(from), `${from}\nis once in ${file}`).toHaveLength(2);
  writeFileSync(path, text.replace(from, to));
  return join(copy, 'examples/tour/main.js');
}

const runTo = (script: string, ...args: readonly string[]): Promise<Ended> => run(script, ...args).ended;

describe.concurrent('the tour', { timeout: 120_000 }, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    if (hasRedis) redis = await startRedis({ password: 'p@ss/word' });
  });

  test('on a folder tells the whole story, leaves nothing behind, and names three commands that work', async () => {
    const ended = await runTo(TOUR);
    expectWholeStory(ended.output);
    const counts = counted(ended.output);
    expect(counts.get('price-bot aborted')).toBeGreaterThanOrEqual(1);
    expect(counts.get('order-mailer paused')).toBeGreaterThanOrEqual(1);
    const toOwner = Number(/(\d+) to the owner/.exec(ended.output)?.[1]);
    expect(toOwner).toBeGreaterThanOrEqual(8);
    expect(counts.get('order-mailer redirected')).toBe(toOwner);
    expect(ended.code).toBe(0);
    expectNothingLeft(ended);

    const commands = ended.output
      .slice(ended.output.indexOf('Try next:'))
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    expect(commands[0]).toBe('npx kill-switch init');
    expect(commands).toHaveLength(3);
    const store = `file:${join(temporaryFolder('tour-next').path, 'switch')}`;
    for (const command of commands) {
      const shell = spawn('sh', ['-c', command], { cwd: root, env: { ...process.env, KILL_SWITCH_STORE: store } });
      let printed = '';
      for (const stream of [shell.stdout, shell.stderr])
        stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
      const code = await new Promise((resolve) => shell.once('close', resolve));
      expect(code, `${command}\n${printed}`).toBe(0);
    }
  });

  test.skipIf(!hasRedis)('on Redis tells the same story, and leaves no key behind', async () => {
    await redis.cli('SET', 'somebody:else', 'stays');
    const ended = await runTo(TOUR, '--store', redis.url);
    expectWholeStory(ended.output);
    expect(ended.code).toBe(0);
    expectNothingLeft(ended);
    expect(await redis.cli('KEYS', '*')).toEqual(['somebody:else']);
    expect(ended.output).not.toMatch(/p@ss|p%40ss/);
  });

  test('fails loudly when an agent writes around its guard', async () => {
    const ended = await runTo(TOUR, '--rogue');
    expect(ended.output).toMatch(/FAILED: .*price-bot writes nothing after it has acknowledged its kill/);
    expect(ended.output).not.toContain('Try next');
    expect(ended.code).toBe(1);
    expectNothingLeft(ended);
  });

  test.each<readonly [name: string, change: readonly [file: string, from: string, to: string], promise: string]>([
    [
      'nobody asks before writing',
      [
        'order-mailer.js',
        'sendMail(confirmation(await readOrder(turn)))',
        'shop.deliver(confirmation(shop.order(turn)))',
      ],
      'nothing lands in draft_only',
    ],
    [
      'a paused call is refused, and does not wait',
      [
        'order-mailer.js',
        'sendMail(confirmation(await readOrder(turn)))',
        'sendMail(confirmation(await readOrder(turn, { waitMs: 0 })), { waitMs: 0 })',
      ],
      'a paused call waits, and is not refused',
    ],
    [
      'an agent does once more what a pause had held up',
      [
        'order-mailer.js',
        'sendMail(confirmation(await readOrder(turn)))',
        `{
          const since = performance.now();
          await sendMail(confirmation(await readOrder(turn)));
          if (performance.now() - since > 950) await shop.deliver(confirmation(shop.order(turn)));
        }`,
      ],
      'a paused agent goes on exactly where it was',
    ],
    [
      'a redirect leads to the customer',
      ['order-mailer.js', '({ ...mail, to: OWNER })', 'mail'],
      'every mail of test_mode goes to owner@shop.example, none to a customer',
    ],
    [
      'an action under way does not heed its signal',
      ['price-bot.js', 'signal.aborted', 'false'],
      'it begins no row after its signal',
    ],
  ])('fails loudly when %s', async (_name, change, promise) => {
    const ended = await runTo(changed(...change));
    expect(ended.output).toContain(`FAILED: this must hold, and did not: ${promise}`);
    expect(ended.code).toBe(1);
    expectNothingLeft(ended);
  });

  test('fails when one of its agents dies', async () => {
    const tour = run(TOUR);
    await tour.until('1. A fresh switch');
    process.kill(tour.agents[0] as number, 'SIGKILL');
    const ended = await tour.ended;
    expect(ended.output).toContain('FAILED: this must hold, and did not: order-mailer ended by itself (SIGKILL)');
    expect(ended.code).toBe(1);
    expectNothingLeft(ended);
  });

  test('ends its agents and removes its folder when it is interrupted', async () => {
    const tour = run(TOUR);
    await tour.until('1. A fresh switch');
    tour.process.kill('SIGINT');
    const ended = await tour.ended;
    expect(ended.code).toBe(130);
    expectNothingLeft(ended);
  });

  test('lets no agent outlive it, also when it is killed', async ({ expect }) => {
    const tour = run(TOUR);
    await tour.until('2. The operator');
    tour.process.kill('SIGKILL');
    await tour.ended; // not before the last process that holds its output is gone: the agents
    await expect.poll(() => tour.agents.filter(isRunning)).toEqual([]);
  });

  test('keeps its folder when it is asked to', async () => {
    const tour = run(TOUR, '--keep');
    await tour.until('1. A fresh switch');
    tour.process.kill('SIGTERM');
    const { code, output } = await tour.ended;
    expect(code).toBe(143);
    const kept = /Kept: (.+)/.exec(output)?.[1] as string;
    expect(existsSync(join(kept, 'switch/control/default/log.jsonl'))).toBe(true);
  });

  test('says in a sentence what it cannot use, and starts nothing', async () => {
    const wrong = await runTo(TOUR, '--stroe', 'redis://localhost');
    expect(wrong.output).toContain("'--stroe'");
    expect(wrong.code).toBe(2);
    const folder = await runTo(TOUR, '--store', 'file:.kill-switch');
    expect(folder.output).toContain('--store takes a redis:// or rediss:// URL');
    expect(folder.code).toBe(2);
    const unreachable = await runTo(TOUR, '--store', 'redis://:secret@127.0.0.1:1');
    expect(unreachable.output).toMatch(/FAILED: .*127\.0\.0\.1:1/);
    expect(unreachable.output).not.toContain('secret');
    expect(unreachable.code).toBe(1);
    expect(readdirSync(unreachable.folder)).toEqual([]);
  });

  test('is what npm start runs', async () => {
    const { code, output } = await runTo(join(root, 'scripts/start.mjs'), '--help');
    expect(code).toBe(0);
    expect(output).toContain('--store redis://');
  });
});
