// `npm start`: two agents that really write, one switch, and a check on the disk after every stop.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { AgentProcess } from './agent-process.ts';
import { createScreen } from './screen.ts';
import { Shop } from './shop.ts';
import { TourFailed } from './stage.ts';
import { tellStory } from './story.ts';
import { fileTourStore } from './tour-store.ts';

const USAGE = `npm start [-- options]

  --store redis://…   the switch in Redis (rediss:// for TLS), under an organization of its own; default: a folder
  --keep              leave the tour's folder where it is
  --rogue             price-bot writes even when it is killed: the tour must notice, and fail
  --help`;

const LEASE_MS = 1000;

const screen = createScreen(process.stdout);
/** What must be ended, whatever happens; the latest first. */
const endings: (() => Promise<void>)[] = [];

async function end(): Promise<void> {
  for (let ending = endings.pop(); ending; ending = endings.pop()) {
    try {
      await ending();
    } catch (error) {
      process.stderr.write(`The tour could not clean up: ${messageOf(error)}\n`);
    }
  }
}

function options(): { readonly store?: string; readonly keep?: boolean; readonly rogue?: boolean } | number {
  try {
    const { values } = parseArgs({
      options: {
        store: { type: 'string' },
        keep: { type: 'boolean' },
        rogue: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    if (values.store !== undefined && !/^rediss?:[^?]*$/.test(values.store))
      throw new Error(
        '--store takes a redis:// or rediss:// URL without parameters; without it the tour makes a folder of its own.',
      );
    return values;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}\n`);
    return 2;
  }
}

async function tour({ store: url, keep, rogue = false }: Exclude<ReturnType<typeof options>, number>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kill-switch-tour-'));
  // the agents keep there what they last saw, and it goes with the tour
  process.env['XDG_STATE_HOME'] = join(folder, 'state');
  endings.push(async () => {
    if (keep) screen.say(`Kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  });
  const store =
    url === undefined ? fileTourStore(folder) : await (await import('./redis-tour-store.ts')).redisTourStore(url);
  endings.push(() => store.remove());
  const { organizationId } = store;
  const control = await openControlPlane({ store: store.control, organizationId, operator: { id: 'you' } });
  endings.push(() => control.close());
  await control.init();
  const shop = new Shop(folder);
  await shop.create();

  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // it may come when nobody waits any more
  const orders = { folder, store: store.forAgents, organizationId, leaseMs: LEASE_MS };
  const start = (name: string, isRogue: boolean): AgentProcess => {
    const script = new URL(`./${name}.js`, import.meta.url);
    const agent = new AgentProcess(script, name, { ...orders, rogue: isRogue }, (message) =>
      fail(new TourFailed(message)),
    );
    endings.push(() => agent.end());
    return agent;
  };
  const [mailer, bot] = [start('order-mailer', false), start('price-bot', rogue)];
  await Promise.race([failed, Promise.all([mailer.ready(), bot.ready()])]);
  screen.say(`The switch: ${store.description}`);
  screen.say(`order-mailer (process ${mailer.pid}) confirms orders by mail: ${shop.maildir}`);
  screen.say(`price-bot (process ${bot.pid}) changes prices: ${shop.pricesFile}`);
  screen.say('This process is the operator. What it counts it reads from the disk.');
  await Promise.race([failed, tellStory({ screen, control, store, shop, mailer, bot, leaseMs: LEASE_MS })]);
}

const NEXT = [
  existsSync('.kill-switch/control') ? 'npx kill-switch log verify' : 'npx kill-switch init',
  'npx kill-switch kill agent:returns-bot --reason "wrong refunds"',
  'npx kill-switch status',
];

class Interrupted extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** Rejects when somebody ends the tour, so that it still ends what it has started. */
function interrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    process.once('SIGINT', () => reject(new Interrupted(130)));
    process.once('SIGTERM', () => reject(new Interrupted(143)));
    process.stdout.on('error', () => reject(new Interrupted(1))); // nobody reads any more, as after `| head`
  });
}

async function main(): Promise<number> {
  const chosen = options();
  if (typeof chosen === 'number') return chosen;
  const started = performance.now();
  screen.title('openfeature-kill-switch: a tour of about 30 seconds');
  let problem: unknown = null;
  try {
    await Promise.race([interrupted(), tour(chosen)]);
  } catch (error) {
    problem = error;
  }
  await end();
  if (problem instanceof Interrupted) {
    screen.say('Interrupted: the agents have ended.');
    return problem.exitCode;
  }
  if (problem !== null) {
    const text = messageOf(problem);
    screen.loud(problem instanceof TourFailed ? `this must hold, and did not: ${text}` : text);
    return 1;
  }
  screen.title(
    `Done in ${((performance.now() - started) / 1000).toFixed(1)} s: nothing was written after a stop. Try next:`,
  );
  for (const command of NEXT) screen.say(command);
  return 0;
}

process.exit(await main());
