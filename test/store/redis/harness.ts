import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import {
  type Beat,
  type EventType,
  type Head,
  isKillSwitchError,
  type KillSwitchError,
  type LogEvent,
  nextChange,
  sealEvent,
} from '../../../flags/index.ts';
import type { ControlConnection, ExecutorConnection, Push } from '../../../store/ports.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import type { RedisEndpointOptions } from '../../../store/redis/endpoint.ts';
import { redisStore } from '../../../store/redis/index.ts';

export interface OpenOptions extends Partial<RedisEndpointOptions> {
  readonly url: string;
  readonly organizationId?: string;
  readonly requestTimeoutMs?: number;
}

/** An operator's connection, closed with the test. */
export function openControl({
  organizationId = 'default',
  requestTimeoutMs = 1000,
  ...endpoint
}: OpenOptions): ControlConnection {
  const control = redisControlStore(endpoint).open({ organizationId, requestTimeoutMs });
  onTestFinished(() => control.close());
  return control;
}

/** An executor's connection, closed with the test. */
export function openExecutor({
  organizationId = 'default',
  requestTimeoutMs = 1000,
  executorId = randomUUID(),
  ...endpoint
}: OpenOptions & { readonly executorId?: string }): ExecutorConnection & { readonly id: string } {
  const scope = { organizationId, requestTimeoutMs, executorId, executorName: 'test' };
  const executor = redisStore(endpoint).open(scope);
  onTestFinished(() => executor.close());
  return { ...executor, id: executorId };
}

export const beat = (id: string, applied: Head | null, more: Partial<Beat> = {}): Beat => ({
  id,
  name: 'test',
  host: 'localhost',
  pid: process.pid,
  version: '0.0.0',
  started_at: '2026-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:01.000Z',
  lease_ms: 500,
  applied,
  in_flight: 0,
  draining: 0,
  agents: [],
  runs: [],
  fork: null,
  ...more,
});

/**
 * One change as it would be appended now, and a function that appends it. Tests keep it to append it late, twice or not
 * at all.
 */
export async function plan(control: ControlConnection, type: EventType, data: Record<string, unknown>) {
  const named = type === 'feature' ? `feature:${data['name']}` : `kill:${data['target'] ?? 'all'}`;
  const view = await control.read(['control', 'mode', 'governance', 'requests', named]);
  const change = nextChange(view, { type, data, at: view.time, actor: 'unverified:test' });
  return { ...change, expected: view.head };
}

/** Appends one change; throws when another came first. */
export async function append(
  control: ControlConnection,
  type: EventType,
  data: Record<string, unknown>,
): Promise<Head> {
  const change = await plan(control, type, data);
  if (!(await control.append(change))) throw new Error('Another change came first.');
  return change.head;
}

/** Appends that many changes of the mode in a row, without reading in between. */
export async function appendMany(control: ControlConnection, count: number): Promise<void> {
  let change = await plan(control, 'mode', { mode: 'live', targeting: null });
  for (let left = count; left > 0; left -= 1) {
    if (!(await control.append(change))) throw new Error('Another change came first.');
    const { hash: prev, seq } = change.event;
    const event = sealEvent({ ...withoutHash(change.event), seq: seq + 1, prev });
    const patch = {
      set: change.patch.set.map(([key, entry]) => [key, { ...entry, epoch: event.seq }] as const),
      remove: [],
    };
    change = {
      ...change,
      event,
      patch,
      expected: change.head,
      head: { ...change.head, epoch: event.seq, hash: event.hash },
    };
  }
}

export const withoutHash = ({ hash: _, ...event }: LogEvent): Omit<LogEvent, 'hash'> => event;

export const init = (control: ControlConnection): Promise<Head> =>
  append(control, 'init', { generation: randomUUID() });
export const goLive = (control: ControlConnection): Promise<Head> =>
  append(control, 'mode', { mode: 'live', targeting: null });
export const killData = (target: string) => ({ id: randomUUID(), target, mode: 'full_stop', expires_at: null });
export const kill = (control: ControlConnection, target: string): Promise<Head> =>
  append(control, 'kill', killData(target));

/** The error of a promise that must reject. */
export async function failure(work: Promise<unknown>): Promise<KillSwitchError> {
  const outcome = await work.then(
    (value) => new Error(`It succeeded with ${JSON.stringify(value)}.`),
    (error: unknown) => error,
  );
  if (isKillSwitchError(outcome)) return outcome;
  throw outcome;
}

/** What a connection pushes from now on. */
export function pushes(connection: Pick<ExecutorConnection, 'follow'>): {
  readonly heard: Push[];
  readonly end: () => void;
} {
  const heard: Push[] = [];
  const end = connection.follow((push) => heard.push(push));
  onTestFinished(end);
  return { heard, end };
}

/** The log after that epoch. */
export async function logOf(control: ControlConnection, after = 0): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of control.log(after)) events.push(event);
  return events;
}
