import { vi } from 'vitest';
import type { ControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { type Memory, memoryStore } from '../../store/memory/index.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';
import type { ActionDefinition, ExecutorStore, GuardedAction } from '../../index.ts';
import { closeAfterwards, openSwitch, type Sides } from './open-switch.ts';

/** What is refunded in these tests. */
export interface Refund {
  readonly cents: number;
  readonly order?: string | undefined;
}

type HeldOptions = NonNullable<Parameters<typeof openSwitch>[1]>;
type Definition = Partial<ActionDefinition<Refund, string>>;

/** What a test does to what an executor asks of its store. */
export interface Between {
  /** Called when an intent was written, before whoever has asked hears of it. */
  afterIntent?: (() => Promise<unknown>) | undefined;
  /** Called when the store is about to be asked to use an approval. */
  beforeClaim?: (() => Promise<unknown>) | undefined;
  /** As `afterIntent`, of the use of an approval. */
  afterClaim?: (() => Promise<unknown>) | undefined;
  /** How often each was asked. */
  readonly asked: { confirm: number; claim: number; find: number; request: number };
}

export const between = (): Between => ({ asked: { confirm: 0, claim: 0, find: 0, request: 0 } });

/** The same store, with something in between. */
export function watched<Store extends ExecutorStore>(store: Store, within: Between): Store {
  return {
    ...store,
    open(scope) {
      const connection = store.open(scope);
      const { approvals, journal } = connection;
      if (!approvals || !journal) throw new Error('this store has neither approvals nor a journal');
      return {
        ...connection,
        confirm(...given) {
          within.asked.confirm += 1;
          return connection.confirm(...given);
        },
        approvals: {
          ...approvals,
          request(asked) {
            within.asked.request += 1;
            return approvals.request(asked);
          },
          find(id) {
            within.asked.find += 1;
            return approvals.find(id);
          },
          async claim(...given) {
            within.asked.claim += 1;
            await within.beforeClaim?.();
            const claim = await approvals.claim(...given);
            await within.afterClaim?.();
            return claim;
          },
        },
        journal: {
          ...journal,
          async intend(intent) {
            const intended = await journal.intend(intent);
            await within.afterIntent?.();
            return intended;
          },
        },
      };
    },
  };
}

/** A refund that is held, its executor, and an operator who decides. `ran`: what has been executed. */
export async function openHeld(
  definition: Definition = {},
  {
    memory,
    within = between(),
    ...options
  }: HeldOptions & { readonly memory?: Memory; readonly within?: Between } = {},
) {
  const store = watched(memoryStore({ memory }), within);
  const sides: Sides = { store, controlStore: memoryControlStore(store), openControl: openQuickControl };
  const opened = await openHeldOver(sides, definition, options);
  /** Another operator. */
  const as = async (id: string): Promise<ControlPlane> => {
    const control = await openQuickControl({ store: memoryControlStore(store), operator: { id }, retryMs: 300 });
    closeAfterwards(control);
    return control;
  };
  return { ...opened, as, store, memory: store.memory, within };
}

/** The same over any store. */
async function openHeldOver(sides: Sides, definition: Definition = {}, options: HeldOptions = {}) {
  const ran: Refund[] = [];
  const opened = await openSwitch(sides, {
    ...{ mode: 'approval_gated', agentId: 'returns-bot', executor: { name: 'returns' }, leaseMs: 2000 },
    ...options,
  });
  const define = (more: Definition = {}): GuardedAction<Refund, string> =>
    opened.killSwitch.action({
      name: 'payments.refund',
      execute(input: Refund) {
        ran.push(input);
        return `refunded ${input.cents}`;
      },
      ...definition,
      ...more,
    });
  const { control } = opened;
  /** The ids of what waits for people, once they are so many. */
  const waiting = (count: number): Promise<string[]> =>
    vi.waitFor(
      async () => {
        const { data } = await control.approvals();
        const pending = data.filter(({ status }) => status === 'pending');
        if (pending.length !== count) throw new Error(`${pending.length} wait`);
        return pending.map(({ id }) => id);
      },
      { timeout: 20_000 },
    );
  /** The only one that waits. */
  const oneWaiting = async (): Promise<string> => (await waiting(1))[0] ?? '';
  return { ...opened, refund: define(), define, ran, waiting, oneWaiting };
}
