// Some of the executors, and as many bare subscribers, in a process of their own. Each says when it first refused, or first heard.
import { OpenFeature, ProviderEvents } from '@openfeature/server-sdk';
import { Redis } from 'ioredis';
import { createKillSwitch } from '../index.ts';
import { redisStore } from '../store/redis/index.ts';

export type FanOutTask =
  | {
      readonly is: 'open';
      readonly url: string;
      readonly organizationId: string;
      readonly channel: string;
      readonly executors: number;
      /** Told apart from those of the other processes. */
      readonly name: string;
    }
  /** Look out for the moment at which this agent is refused, or at which the message comes. */
  | { readonly is: 'refuse'; readonly agentId: string }
  | { readonly is: 'hear' };

/** The times at which it came to each, in nanoseconds by the clock that all processes of this machine share. */
export type Arrivals = readonly number[];

const now = (): number => Number(process.hrtime.bigint());

let arrivals: (number | undefined)[] = [];
let agentId: string | null = null;
let look: ((executor: number) => void) | null = null;

function arrive(index: number): void {
  if (arrivals[index] !== undefined) return;
  arrivals[index] = now();
  if (!arrivals.includes(undefined)) process.send?.(arrivals);
}

process.on('message', (task: FanOutTask) => {
  switch (task.is) {
    case 'open':
      void open(task);
      break;
    case 'refuse':
    case 'hear':
      arm(task);
      break;
    default:
      task satisfies never;
  }
});
process.once('disconnect', () => process.exit());

type Executor = Awaited<ReturnType<typeof createKillSwitch>>;
let executors: Executor[] = [];

async function open({ url, organizationId, channel, executors: count, name }: Extract<FanOutTask, { is: 'open' }>) {
  for (let index = 0; index < count; index += 1) {
    const domain = `executor-${index}`;
    const killSwitch = await createKillSwitch({
      store: redisStore({ url }),
      organizationId,
      domain,
      executor: { name: `${name}-${index}` },
    });
    executors.push(killSwitch);
    OpenFeature.getClient(domain).addHandler(ProviderEvents.ConfigurationChanged, () => look?.(index));
    const subscriber = new Redis(url);
    subscriber.on('message', () => agentId === null && arrive(index));
    await subscriber.subscribe(channel);
  }
  process.send?.('open');
}

function arm(task: Exclude<FanOutTask, { is: 'open' }>): void {
  agentId = task.is === 'refuse' ? task.agentId : null;
  arrivals = new Array<undefined>(executors.length).fill(undefined);
  const verdict = (executor: number): string | undefined =>
    executors[executor]?.check({ agentId: agentId ?? '', action: 'email.send' }).verdict;
  look = task.is === 'refuse' ? (executor) => void (verdict(executor) === 'block' && arrive(executor)) : null;
  if (task.is === 'refuse') {
    const refused = executors.findIndex((_, executor) => verdict(executor) !== 'allow');
    if (refused >= 0) throw new Error(`Executor ${refused} refuses before the kill.`);
  }
  process.send?.('armed');
}
