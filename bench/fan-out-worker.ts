// Some of the executors, and as many bare subscribers, in a process of their own. Each says when it first refused, or
// first heard.
import { Redis } from 'ioredis';
import { createKillSwitch, type ExecutorStore, type KillSwitch } from '../index.ts';
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

const executors: KillSwitch[] = [];

async function open({ url, organizationId, channel, executors: count, name }: Extract<FanOutTask, { is: 'open' }>) {
  for (let index = 0; index < count; index += 1) {
    const killSwitch = await createKillSwitch({
      store: watched(redisStore({ url }), () => look?.(index)),
      organizationId,
      domain: `executor-${index}`,
      executor: { name: `${name}-${index}` },
    });
    executors.push(killSwitch);
    const subscriber = new Redis(url);
    subscriber.on('message', () => agentId === null && arrive(index));
    await subscriber.subscribe(channel);
  }
  process.send?.('open');
}

/** The same store, and whoever asks is told when the executor has taken what was pushed to it. */
const watched = (store: ExecutorStore, onPushTaken: () => void): ExecutorStore => ({
  ...store,
  open(scope) {
    const connection = store.open(scope);
    const follow: typeof connection.follow = (listener) =>
      connection.follow((push) => {
        listener(push);
        queueMicrotask(onPushTaken); // what is pushed in one turn is taken together, in the microtask before this one
      });
    return { ...connection, follow };
  },
});

function arm(task: Exclude<FanOutTask, { is: 'open' }>): void {
  agentId = task.is === 'refuse' ? task.agentId : null;
  arrivals = executors.map(() => undefined);
  const verdict = (executor: number): string | undefined =>
    executors[executor]?.check({ agentId: agentId ?? '', action: 'email.send' }).verdict;
  look = task.is === 'refuse' ? (executor) => void (verdict(executor) === 'block' && arrive(executor)) : null;
  if (task.is === 'refuse') {
    const refused = executors.findIndex((_, executor) => verdict(executor) !== 'allow');
    if (refused >= 0) throw new Error(`Executor ${refused} refuses before the kill.`);
  }
  process.send?.('armed');
}
