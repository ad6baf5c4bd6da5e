import { EventEmitter, on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKillSwitchError, type LogEvent, shownId } from '../../flags/index.ts';
import { type ExecutorAcknowledgement, executorKey } from '../acknowledge.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { Item } from './command.ts';
import { eventLine } from './event-line.ts';
import { followedOn } from './followed.ts';
import { count } from './output.ts';
import { stateWord } from './tables.ts';

/** How often the executors are read, in milliseconds. */
const POLL_MS = 1000;

/**
 * What `watch` prints, one JSON value a line. `was` is null for an executor that has come, `state` for one that has
 * gone.
 */
export type Watched =
  | { readonly type: 'watching'; readonly epoch: number; readonly active_kills: number; readonly executors: number }
  | { readonly type: 'event'; readonly event: LogEvent }
  | {
      readonly type: 'executor';
      readonly at: string;
      readonly id: string;
      readonly name: string;
      readonly was: ExecutorAcknowledgement['state'] | null;
      readonly state: ExecutorAcknowledgement['state'] | null;
    };

/** Prints each event and each change of an executor's state, until `signal` fires. */
export async function* watchSwitch(
  control: ControlPlane,
  signal: AbortSignal,
  note: (line: string) => void,
): AsyncGenerator<Item> {
  const { epoch, active_kills, executors } = await control.status();
  const emitter = new EventEmitter<{ watched: [Watched]; error: [unknown] }>();
  const ending = new AbortController();
  const end = AbortSignal.any([signal, ending.signal]);
  const queue = on(emitter, 'watched', { signal: end });
  const show = (watched: Watched): void => void emitter.emit('watched', watched);
  const tasks = [
    watchEvents(control, epoch, end, note, show),
    watchExecutors(control, new Map(executors.map((executor) => [executorKey(executor), executor])), end, show),
  ].map((task) => task.catch((error: unknown) => void emitter.emit('error', error)));
  const first: Watched = { type: 'watching', epoch, active_kills, executors: executors.length };
  try {
    yield { value: first, text: sentence(first) };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types of `on` lose the emitter's
    for await (const [watched] of queue as AsyncIterable<[Watched]>) yield { value: watched, text: sentence(watched) };
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
    await Promise.all(tasks);
  }
}

async function watchEvents(
  control: ControlPlane,
  after: number,
  signal: AbortSignal,
  note: (line: string) => void,
  show: (watched: Watched) => void,
): Promise<void> {
  for await (const event of followedOn({ note }, control, { after, signal })) show({ type: 'event', event });
}

async function watchExecutors(
  control: ControlPlane,
  known: Map<string, ExecutorAcknowledgement>,
  signal: AbortSignal,
  show: (watched: Watched) => void,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    const now = await control.executors().catch((error: unknown) => {
      if (isKillSwitchError(error)) return null; // following the log notes an outage of the store
      throw error;
    });
    if (now === null || signal.aborted) continue;
    const at = new Date().toISOString();
    const before = new Map(known);
    known.clear();
    for (const executor of now.data) {
      const { id, name, state } = executor;
      const key = executorKey(executor);
      const was = before.get(key)?.state ?? null;
      if (was !== state) show({ type: 'executor', at, id, name, was, state });
      before.delete(key);
      known.set(key, executor);
    }
    for (const { id, name, state } of before.values())
      show({ type: 'executor', at, id, name, was: state, state: null });
  }
}

function sentence(watched: Watched): string {
  switch (watched.type) {
    case 'watching':
      return `Watching from epoch ${watched.epoch}: ${count(watched.active_kills, 'active kill')}, ${count(watched.executors, 'executor')}. It ends kills whose time is over, if this user may change the switch. Ctrl-C ends it.`;
    case 'event':
      return eventLine(watched.event);
    case 'executor': {
      const { at, id, name, was, state } = watched;
      return `-  ${at}  executor  ${shownId(name)}  ${was === null ? 'new' : stateWord(was)} → ${state === null ? 'gone' : stateWord(state)}  ${shownId(id)}`;
    }
    default:
      return watched satisfies never;
  }
}
