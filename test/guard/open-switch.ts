import { OpenFeature } from '@openfeature/server-sdk';
import { afterEach } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import { type CreateKillSwitchOptions, createKillSwitch, type ExecutorStore, type KillSwitch } from '../../index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

const opened: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

/** Closes it after the test, the latest first; then OpenFeature is as it was. */
export const closeAfterwards = (...things: ReadonlyArray<{ close(): Promise<void> }>): void =>
  void opened.push(...things.map((thing) => () => thing.close()));

/** Both sides of one store. */
export interface Sides {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /** How the operator's side is opened; default `openControlPlane`. */
  readonly openControl?: typeof openControlPlane;
}

export interface OpenedSwitch {
  readonly control: ControlPlane;
  readonly killSwitch: KillSwitch;
  readonly domain: string;
}

let domains = 0;

/**
 * An operator, and a switch on a domain of its own, both closed after the test. `mode`: default `live`; null leaves
 * what `init` gives.
 */
export async function openSwitch(
  { store, controlStore, openControl = openControlPlane }: Sides,
  { mode = 'live', ...options }: Partial<CreateKillSwitchOptions> & { readonly mode?: Mode | null } = {},
): Promise<OpenedSwitch> {
  const control = await openControl({ store: controlStore, operator: { id: 'ann' } });
  closeAfterwards(control);
  await control.init();
  if (mode !== null) await control.setMode({ mode, reason: 'test' });
  domains += 1;
  const domain = `test-${domains}`;
  const killSwitch = await createKillSwitch({ store, domain, ...options });
  closeAfterwards(killSwitch);
  return { control, killSwitch, domain };
}

/** The same over a new memory, where no kill waits in real time (`openQuickControl`). */
export async function openMemorySwitch(options: Parameters<typeof openSwitch>[1] = {}) {
  const store = memoryStore();
  const controlStore = memoryControlStore(store);
  const sides = { store, controlStore, openControl: openQuickControl };
  const opened = await openSwitch(sides, options);
  return { ...opened, store, controlStore, memory: store.memory };
}
