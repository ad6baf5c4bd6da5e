import type { Acknowledgements, ControlPlane, ExecutorState } from '../../operator/index.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Screen } from './screen.ts';
import type { OnDisk, Shop } from './shop.ts';
import type { TourStore } from './tour-store.ts';

/** All that a step of the tour has to do with. */
export interface Cast {
  readonly screen: Screen;
  readonly control: ControlPlane;
  readonly store: TourStore;
  readonly shop: Shop;
  readonly mailer: AgentProcess;
  readonly bot: AgentProcess;
  readonly leaseMs: number;
}

/** The switch did not do what it promises. */
export class TourFailed extends Error {}

export function must(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new TourFailed(promise);
}

/** How long work may take to begin again, in milliseconds; it takes far less. */
export const SOON_MS = 10_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A moment as milliseconds since another. */
export const after = (from: number, at: number): string => `${at >= from ? '+' : ''}${Math.round(at - from)} ms`;

/** Asks until there is an answer or the time is over. */
export async function poll<T>(forMs: number, ask: () => Promise<T | null>): Promise<T | null> {
  const end = performance.now() + forMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null || performance.now() >= end) return answer;
    await sleep(50);
  }
}

/** Looks at the disk until something is so or the time is over, with the counters on the screen. */
export async function watch(
  { screen, shop, mailer, bot }: Cast,
  forMs: number,
  until: (disk: OnDisk) => boolean = () => false,
): Promise<OnDisk> {
  let disk = await shop.count();
  await poll(forMs, async () => {
    disk = await shop.count();
    screen.live(
      `${disk.mails} mails, ${disk.prices} price changes · refused: mailer ${mailer.refused}, price-bot ${bot.refused}`,
    );
    return until(disk) || null;
  });
  return disk;
}

export const same = (a: OnDisk, b: OnDisk): boolean =>
  a.mails === b.mails &&
  a.prices === b.prices &&
  a.rows === b.rows &&
  a.mailsChangedAt === b.mailsChangedAt &&
  a.pricesChangedAt === b.pricesChangedAt;

export async function bothWork(cast: Cast): Promise<void> {
  const before = await cast.shop.count();
  const grown = ({ mails, prices }: OnDisk): boolean => mails >= before.mails + 5 && prices >= before.prices + 5;
  const from = performance.now();
  const now = await watch(cast, SOON_MS, grown);
  must(grown(now), `both agents work again within ${SOON_MS} ms`);
  cast.screen.say(
    `Both work: ${now.mails - before.mails} more mails, ${now.prices - before.prices} more price changes in ${Math.round(performance.now() - from)} ms.`,
  );
}

/** When both agents had acknowledged that change, with nothing under way any more that it does not allow. */
export async function applied({ control }: Cast, epoch: number): Promise<number> {
  const at = await poll(SOON_MS, async () => {
    const { executors } = await control.status();
    const stopped = executors.filter((executor) => executor.epoch >= epoch && executor.state === 'stopped');
    return stopped.length === 2 ? Date.now() : null;
  });
  must(at !== null, `both agents acknowledge a change within ${SOON_MS} ms`);
  return at;
}

/** When each state of each agent was first seen. */
type Seen = ReadonlyMap<string, ReadonlyMap<ExecutorState, number>>;

export interface Killed {
  readonly seen: Seen;
  /** When the last one had acknowledged, with nothing under way any more. */
  readonly acknowledgedAt: number;
}

/** Kills a target and shows who obeyed when, in milliseconds since the command. */
export async function kill(
  { screen, control, shop, mailer, bot }: Cast,
  target: string,
  reason: string,
): Promise<Killed> {
  screen.command(`kill-switch kill ${target} --reason "${reason}" --wait 5s`);
  const seen = new Map([mailer, bot].map(({ name }) => [name, new Map<ExecutorState, number>()]));
  const working = new Map([mailer, bot].map((agent) => [agent, agent.isWorking]));
  const since = Date.now();
  const onProgress = ({ executors }: Acknowledgements): void => {
    for (const { name, state } of executors) {
      const states = seen.get(name);
      if (states && !states.has(state)) states.set(state, Date.now());
    }
  };
  const { epoch, acknowledgements } = await control.kill({ target, reason, waitMs: 5000, onProgress });
  const { total, drained } = acknowledgements;
  must(total === 2 && drained === 2, `both agents acknowledge a kill within 5 s (${drained} of ${total} did)`);
  const disk = await shop.count();
  const entries = await shop.priceImport.entries();
  const signalled = entries.find((entry) => 'note' in entry && entry.note === 'signalled' && entry.at >= since)?.at;
  const row = (agent: AgentProcess, lastWrite: number, signal?: number): readonly string[] => {
    const stoppedAt = signal ?? agent.firstRefusalAfter(since, 'kill')?.at;
    const shown = !working.get(agent)
      ? ['stopped before', '']
      : stoppedAt === undefined
        ? ['goes on', '']
        : [after(since, stoppedAt), after(since, lastWrite)];
    const first = (state: ExecutorState): string => {
      const at = seen.get(agent.name)?.get(state);
      return at === undefined ? '' : after(since, at);
    };
    return [agent.name, ...shown, first('draining'), first('stopped')];
  };
  screen.table([
    ['since the command', 'signal or refusal', 'last write', 'draining', `stopped (epoch ${epoch})`],
    row(mailer, disk.mailsChangedAt),
    row(bot, disk.pricesChangedAt, signalled),
  ]);
  return { seen, acknowledgedAt: Math.max(...[...seen.values()].map((states) => states.get('stopped') ?? 0)) };
}
