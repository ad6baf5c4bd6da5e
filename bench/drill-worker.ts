// Some of the executors that are drilled, in a process of their own: the agent of each acts over and over.
import { setTimeout as sleep } from 'node:timers/promises';
import { createKillSwitch } from '../index.ts';
import { redisStore } from '../store/redis/index.ts';

export interface DrilledTask {
  readonly url: string;
  readonly organizationId: string;
  readonly executors: number;
  /** Told apart from those of the other processes. */
  readonly name: string;
}

/** How long one action takes, and how long until the next, in milliseconds. */
const [ACT_MS, REST_MS] = [20, 50];

process.once('message', (task: DrilledTask) => void work(task));
process.once('disconnect', () => process.exit());

async function work({ url, organizationId, executors, name }: DrilledTask): Promise<void> {
  for (let index = 0; index < executors; index += 1) {
    const killSwitch = await createKillSwitch({
      ...{ store: redisStore({ url }), organizationId, domain: `drilled-${index}` },
      executor: { name: `${name}-${index}` },
    });
    const send = killSwitch.action({ name: 'mail.send', execute: (_: undefined) => sleep(ACT_MS) });
    void killSwitch.run({ agentId: `bot-${index}` }, async () => {
      for (;;) {
        await send.attempt(undefined);
        await sleep(REST_MS);
      }
    });
  }
  process.send?.('at work');
}
