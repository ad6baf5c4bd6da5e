import { expect, onTestFinished, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { openSwitch, type Sides } from './open-switch.ts';

const inMemory = (): Sides => {
  const store = memoryStore();
  return { store, controlStore: memoryControlStore(store) };
};
/** A switch whose agent `x` is killed and watched by its operator. */
export async function openOngoing(sides: Sides = inMemory()) {
  const { control, killSwitch } = await openSwitch(sides, { leaseMs: 1000, agentId: 'x' });
  const heard = (mode: Mode): Promise<void> => vi.waitFor(() => expect(killSwitch.check().mode).toBe(mode), 5000);
  const kill = async (): Promise<Awaited<ReturnType<ControlPlane['kill']>>> => {
    const answer = await control.kill({ target: 'agent:x', waitMs: 3000 });
    await heard('full_stop');
    return answer;
  };
  const inFlight = async (count: number): Promise<void> =>
    vi.waitFor(async () => {
      const [executor] = (await control.status()).executors;
      expect(executor?.in_flight).toBe(count);
    }, 5000);
  return { control, killSwitch, kill, heard, inFlight };
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
