import { expect, onTestFinished, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';
import { openSwitch, type Sides } from './open-switch.ts';

const inMemory = (): Sides => {
  const store = memoryStore();
  return { store, controlStore: memoryControlStore(store), openControl: openQuickControl };
};
/** A switch whose agent `x` is killed and watched by its operator. */
export async function openOngoing(sides: Sides = inMemory()) {
  const { control, killSwitch } = await openSwitch(sides, { leaseMs: 1000, agentId: 'x' });
  const heard = (mode: Mode): Promise<void> => vi.waitFor(() => expect(killSwitch.check().mode).toBe(mode), 5000);
  const setMode = async (mode: Mode, waitMs = 600_000): Promise<Awaited<ReturnType<ControlPlane['kill']>>> => {
    const answer = await control.kill({ target: 'agent:x', mode, waitMs });
    await heard(mode);
    return answer;
  };
  const revive = async (): Promise<void> => {
    await control.revive({ target: 'agent:x', reason: 'go on' });
    await heard('live');
  };
  const inFlight = async (count: number, draining?: number): Promise<void> =>
    vi.waitFor(async () => {
      const [executor] = (await control.status()).executors;
      expect(executor).toMatchObject({ in_flight: count, ...(draining === undefined ? {} : { draining }) });
    }, 5000);
  /** What an action gives that is made for `make`. */
  const give = async <T>(make: () => T): Promise<T> =>
    (await killSwitch.action({ name: 'result.give', execute: (_input: null) => ({ it: make() }) })(null)).it;
  const kill = (waitMs?: number) => setMode('full_stop', waitMs);
  return { control, killSwitch, kill, setMode, revive, heard, inFlight, give };
}

/** Hears what would end the process, alone, until the test is over. */
function hearAlone(event: 'unhandledRejection' | 'uncaughtException'): unknown[] {
  const heard: unknown[] = [];
  const process: NodeJS.EventEmitter = globalThis.process;
  const listener = (error: unknown): void => void heard.push(error);
  const others = process.listeners(event) as Array<(error: unknown) => void>;
  process.removeAllListeners(event);
  process.on(event, listener);
  onTestFinished(() => {
    process.off(event, listener);
    for (const other of others) process.on(event, other);
  });
  return heard;
}

/** What promises have failed with that nobody handled, which ends a process. */
export const hearUnhandled = (): unknown[] => hearAlone('unhandledRejection');

/** What is thrown to nobody, which ends a process. */
export const hearUncaught = (): unknown[] => hearAlone('uncaughtException');
