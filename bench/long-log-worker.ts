// A process that has just started does one thing with a switch, says what that took, and ends.
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { State } from '../flags/index.ts';
import { openControlPlane } from '../operator/index.ts';
import { connectExecutor } from '../store/connect-executor.ts';
import { fileControlStore } from '../store/file/control.ts';
import { fileStore } from '../store/file/index.ts';
import { filePaths } from '../store/file/paths.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import { redisKeys } from '../store/redis/keys.ts';

export interface LogTask {
  readonly from: 'redis' | 'file';
  /** `hash`: the least that `verify` has to do, to read, parse and hash each event. */
  readonly what: 'start' | 'status' | 'verify' | 'hash';
  /** A URL or a folder. */
  readonly location: string;
  readonly organizationId: string;
}

export interface Measured {
  readonly ms: number;
  /** The most memory that the process has had. */
  readonly mb: number;
  /** How many events there were; 0 where they are not counted. */
  readonly events: number;
}

const controlOf = ({ from, location }: LogTask) =>
  from === 'redis' ? redisControlStore({ url: location }) : fileControlStore({ directory: location });

interface Done {
  readonly events: number;
  /** What need not be waited for. */
  close(): Promise<void>;
}

async function asOperator(
  task: LogTask,
  work: (control: Awaited<ReturnType<typeof openControlPlane>>) => Promise<number>,
): Promise<Done> {
  const { organizationId } = task;
  const control = await openControlPlane({ store: controlOf(task), organizationId, operator: { id: 'bench' } });
  return { events: await work(control), close: () => control.close() };
}

const WORK: Record<LogTask['what'], (task: LogTask) => Promise<Done>> = {
  async start({ from, location, organizationId }) {
    const store = from === 'redis' ? redisStore({ url: location }) : fileStore({ directory: location });
    const { replica } = connectExecutor({ store, organizationId, leaseMs: 60_000 });
    await replica.start();
    if (!(replica.state instanceof State) || replica.state.killCount < 1000) throw new Error('The executor is not up.');
    return { events: 0, close: () => replica.close() };
  },
  status: (task) =>
    asOperator(task, async (control) => {
      await control.status();
      return 0;
    }),
  verify: (task) =>
    asOperator(task, async (control) => {
      const { ok, events, problem } = await control.verifyLog();
      if (!ok) throw new Error(problem);
      return events;
    }),
  async hash({ from, location, organizationId }) {
    let events = 0;
    const texts = from === 'redis' ? fromRedis(location, organizationId) : fromFile(location, organizationId);
    for await (const text of texts) {
      const { prev }: { readonly prev: string } = JSON.parse(text);
      hash('sha256', prev + text, 'hex');
      events += 1;
    }
    return { events, close: async () => {} };
  },
};

async function* fromFile(location: string, organizationId: string): AsyncGenerator<string> {
  const bytes = readFileSync(filePaths(location, organizationId).log);
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start))
    yield bytes.toString('utf8', start, end);
}

async function* fromRedis(location: string, organizationId: string): AsyncGenerator<string> {
  const client = new Redis(location);
  const { log } = redisKeys(organizationId);
  for (let from = '-'; ; ) {
    const page = await client.xrange(log, from, '+', 'COUNT', 500);
    for (const [, [, text = '']] of page) yield text;
    const last = page.at(-1);
    if (page.length < 500 || !last) break;
    from = `(${last[0]}`;
  }
  client.disconnect();
}

process.once('message', (task: LogTask) => void measure(task));

async function measure(task: LogTask): Promise<void> {
  const started = performance.now();
  const { events, close } = await WORK[task.what](task);
  const measured: Measured = {
    ms: performance.now() - started,
    mb: process.resourceUsage().maxRSS / 1024,
    events,
  };
  await close();
  process.send?.(measured, () => process.disconnect());
}
