import { checkTimeout, type Clock, idProblem, invalid } from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import type { ControlStore } from '../store/ports.ts';
import { checkSide } from '../store/side.ts';
import { systemClock } from '../store/system-clock.ts';
import { ALERT_PACE } from './alerts/pace.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Pace } from './stop-heard.ts';
import { checkBoolean, checkFunction, milliseconds } from './given/checks.ts';
import { OpenedSwitch } from './opened-switch.ts';
import { type GivenOperator, givenOperator } from './operators.ts';
import { controlPlaneOf } from './control/index.ts';

/** Which switch is opened, and who acts. */
export interface OpenControlPlaneOptions {
  readonly store: ControlStore;
  readonly organizationId?: string | undefined;
  readonly operator: GivenOperator;
  /** How long one request to the store may take, in milliseconds; default 2000. */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * True: this is an operating process. Only such a process ends kills whose time is over, each by an event of
   * `system`, until it is closed. `kill-switch watch` is one. Default false: reading appends nothing.
   */
  readonly operate?: boolean | undefined;
  /**
   * True: this operating process sends alerts. Of several, one does. `kill-switch watch --alerts` is one. Default
   * false.
   */
  readonly alerts?: boolean | undefined;
  /** Called with what keeps an operating process from its work, and with an empty text when that is over. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
  /** This process's clocks; for tests. */
  readonly clock?: Clock | undefined;
  /** How long a change is tried again while the store does not take it, in milliseconds; default 10000. */
  readonly retryMs?: number | undefined;
  /** Called now and then while a long log is read, with the bytes read and their total. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

const OPTION_KEYS: Keys<OpenControlPlaneOptions> = {
  store: true,
  organizationId: true,
  operator: true,
  requestTimeoutMs: ['timeoutMs', 'timeout'],
  operate: true,
  alerts: ['alert'],
  onTrouble: true,
  clock: true,
  retryMs: true,
  onReading: true,
};

/**
 * Opens the operator's side over a store. It connects with the first call.
 * @throws KillSwitchError INVALID_ARGUMENT, MISSING_PACKAGE
 */
export function openControlPlane(options: OpenControlPlaneOptions): Promise<ControlPlane> {
  return openAt(options);
}

/** The same, where a kill may wait at another pace than this machine's. */
export async function openAt(options: OpenControlPlaneOptions, pace?: Pace): Promise<ControlPlane> {
  const given = checkKeys('openControlPlane', options, OPTION_KEYS);
  const { store, organizationId = 'default', operate, alerts, onReading, retryMs = 10_000 } = given;
  const { clock = systemClock, onTrouble = () => {} } = given;
  checkSide('openControlPlane', store, 'operator');
  const operator = givenOperator(given.operator);
  const problem = idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  checkBoolean('operate', operate);
  checkBoolean('alerts', alerts);
  if (alerts === true && operate !== true)
    throw invalid('Only an operating process sends alerts: openControlPlane({ operate: true, alerts: true }).');
  for (const [what, callback] of Object.entries({ onTrouble, clock, onReading })) checkFunction(what, callback);
  milliseconds('retryMs', retryMs);
  const requestTimeoutMs = checkTimeout(
    'requestTimeoutMs',
    given.requestTimeoutMs === undefined ? 2000 : given.requestTimeoutMs,
  );
  await store.loadPackages?.();
  const operating = { ownClock: store.ownClock, clock, onTrouble };
  const opened = new OpenedSwitch({
    connection: store.open({ organizationId, requestTimeoutMs, onReading }),
    place: { location: store.location, organizationId },
    ownClock: store.ownClock,
    retryMs,
    pace,
    operate: operate === true ? { ...operating, alerts: alerts === true ? ALERT_PACE : null } : null,
  });
  return controlPlaneOf(opened, operator, () => opened.close());
}
