import { type AlertPace, ALERT_PACE } from '../../../../operator/alerts/pace.ts';
import { waitAfter } from '../../../../operator/alerts/schedule.ts';
import { controlPlaneOf } from '../../../../operator/control/index.ts';
import type { ControlPlane } from '../../../../operator/index.ts';
import { OpenedSwitch } from '../../../../operator/opened-switch.ts';
import { givenOperator } from '../../../../operator/operators.ts';
import type { ControlStore } from '../../../../store/ports.ts';
import { systemClock } from '../../../../store/system-clock.ts';
import { owned } from '../../../servers/lifetime.ts';

/** Fifty times as fast as people wait for it. */
export const FAST: AlertPace = {
  ...ALERT_PACE,
  ...{ lookMs: 20, conditionsMs: 100, leaseMs: 1000, attemptMs: 1000, outageMs: 300 },
  waitAfter: (failures) => waitAfter(failures) / 50,
};

export interface Sender {
  readonly control: ControlPlane;
  /** What it has said to whoever runs it. */
  readonly troubles: string[];
  readonly close: () => Promise<void>;
}

/** A process that operates this store, at another pace; `pace` null: it sends no alerts. */
export async function openSender(store: ControlStore, pace: AlertPace | null = FAST, id = 'ann'): Promise<Sender> {
  await store.loadPackages?.();
  const troubles: string[] = [];
  const organizationId = 'default';
  const opened = new OpenedSwitch({
    connection: store.open({ organizationId, requestTimeoutMs: 2000 }),
    place: { location: store.location, organizationId },
    retryMs: 5000,
    ownClock: store.ownClock,
    operate: {
      ...{ ownClock: store.ownClock, clock: systemClock, alerts: pace },
      onTrouble: (problem) => void troubles.push(problem),
    },
  });
  const close = owned(() => opened.close());
  return { control: controlPlaneOf(opened, givenOperator({ id }), close), troubles, close };
}
