import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type Beat,
  type EventData,
  type EventType,
  entryKey,
  type Head,
  type LogEvent,
  nextChange,
  parseTime,
} from '../../flags/index.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import type { Answer, Confirmation } from '../../store/confirmation.ts';
import type { Append, ControlConnection, ControlStore, ExecutorConnection, ExecutorStore } from '../../store/ports.ts';

/** One store under test, empty when it is opened. */
export interface StoreHarness {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /**
   * Loses everything that the store holds, as when its files or its database are deleted; what executors keep
   * themselves (anchors) stays.
   */
  wipe(): Promise<void>;
  /** Makes a backup of the store. */
  copy(): Promise<void>;
  /** Replaces the store's contents with the backup. */
  restore(): Promise<void>;
  /** Writes this text, whatever it is, where the last beat of that executor (of the organization `default`) is kept. */
  plantBeat(executor: { readonly id: string; readonly name: string }, text: string): Promise<void>;
  dispose(): Promise<void>;
}

/** Longer than any answer takes; a test that waits this long has failed. */
const PATIENCE_MS = 10_000;

export interface ExecutorOptions {
  readonly organizationId?: string;
  readonly id?: string;
  readonly name?: string;
}

export interface TestExecutor {
  readonly id: string;
  readonly connection: ExecutorConnection;
  beat(applied: Head | null, more?: Partial<Beat>): Beat;
  /** The store's answer without time, age, nonce and stops (of which there are none), which are checked here. */
  confirm(applied: Head | null, more?: Partial<Beat>): Promise<Omit<Confirmation, keyof Answer | 'stops'>>;
}

/** What one test opens, and closes at its end. */
export class StoreSession {
  readonly harness: StoreHarness;
  readonly #opened: Array<{ close(): Promise<void> }> = [];

  constructor(harness: StoreHarness) {
    this.harness = harness;
  }

  control(organizationId = 'default'): ControlConnection {
    const connection = this.harness.controlStore.open({ organizationId, requestTimeoutMs: PATIENCE_MS });
    this.#opened.push(connection);
    return connection;
  }

  executor({ organizationId = 'default', id = randomUUID(), name = 'mailer' }: ExecutorOptions = {}): TestExecutor {
    const scope = { organizationId, executorId: id, executorName: name, requestTimeoutMs: PATIENCE_MS };
    const connection = this.harness.store.open(scope);
    this.#opened.push(connection);
    const beat: TestExecutor['beat'] = (applied, more) => ({ ...BEAT, id, name, applied, ...more });
    const confirm: TestExecutor['confirm'] = async (applied, more) => {
      const nonce = randomUUID();
      const {
        nonce: echoed,
        time,
        ageMs,
        stops,
        ...confirmation
      } = await connection.confirm(beat(applied, more), nonce);
      assert.deepEqual([echoed, ageMs, stops], [nonce, 0, []]);
      assert.notEqual(parseTime(time), null, `${time} is no time`);
      return confirmation;
    };
    return { id, connection, beat, confirm };
  }

  /** An operator's connection to a control plane that has been initialised. */
  async initialised(organizationId?: string): Promise<ControlConnection> {
    const control = this.control(organizationId);
    await change(control, 'init', { generation: randomUUID() });
    return control;
  }

  async close(): Promise<void> {
    for (const connection of this.#opened) await connection.close();
    await this.harness.dispose();
  }
}

const BEAT: Omit<Beat, 'id' | 'name' | 'applied'> = {
  host: 'localhost',
  pid: 1,
  version: '0.0.0',
  started_at: '2026-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:01.000Z',
  lease_ms: 5000,
  in_flight: 2,
  draining: 0,
  agents: ['returns-bot'],
  runs: ['r-1', '🛑'],
  fork: null,
};

/** What planning reads of any change: whether all is understood, and what giving authority back takes. */
const ALWAYS = (['control', 'mode', 'governance', 'requests', 'refusals'] as const).map((kind) => entryKey(kind));

/** One change as it would be appended now. `beyond`: an epoch that executors may have seen, for a `recover`. */
export async function plan<T extends EventType>(
  control: ControlConnection,
  type: T,
  data: EventData<T>,
  beyond = 0,
): Promise<Append> {
  const view = await control.read([...ALWAYS, ...touched(type, data)]);
  const reason = `“${type}” \\ \u2028 ✋`;
  const change = nextChange(view, { type, data, at: view.time, actor: 'unverified:dana', reason, beyond });
  return { ...change, expected: view.head };
}

function touched(type: EventType, data: Record<string, unknown>): string[] {
  const { request } = data;
  if (isJsonObject(request)) return [entryKey('approval', String(request['id']))];
  const name = data['target'] ?? data['name'] ?? data['action'];
  if (typeof name !== 'string') return type === 'flags' ? [entryKey('flags')] : [];
  switch (type) {
    case 'kill':
    case 'revive':
    case 'expire':
      return [entryKey('kill', name)];
    case 'feature':
    case 'limit':
    case 'autonomy':
      return [entryKey(type, name)];
    default:
      return [];
  }
}

/** Makes one change. */
export async function change<T extends EventType>(
  control: ControlConnection,
  type: T,
  data: EventData<T>,
  beyond?: number,
): Promise<Append> {
  const planned = await plan(control, type, data, beyond);
  assert.equal(await control.append(planned), true, `the ${type} was not appended`);
  return planned;
}

export const kill = (control: ControlConnection, target: string): Promise<Append> =>
  change(control, 'kill', { id: randomUUID(), target, mode: 'full_stop', expires_at: null });

export async function logOf(control: ControlConnection, after = 0): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of control.log(after)) events.push(event);
  return events;
}

/** Collects what a connection pushes from now on. */
export function pushesOf({ follow }: Pick<ControlConnection, 'follow'>) {
  const events: LogEvent[] = [];
  let gaps = 0;
  let heard = (): void => {};
  const stop = follow((push) => {
    if (push.type === 'event') events.push(push.event);
    if (push.type === 'gap') gaps += 1;
    heard();
  });
  return {
    events,
    stop,
    get gaps() {
      return gaps;
    },
    /** Resolves once `done` holds, which is asked again after each push. */
    until(what: string, done: () => boolean): Promise<void> {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`Not pushed within ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS);
        heard = () => {
          if (!done()) return;
          clearTimeout(late);
          resolve();
        };
        heard();
      });
    },
  };
}
