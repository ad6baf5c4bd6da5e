import type { Provider } from '@openfeature/server-sdk';

/** The name that `KillSwitchProvider` has in its metadata. */
export const SWITCH_PROVIDER_NAME = 'kill-switch';

/**
 * A provider with this member serves a switch, whichever copy of this package made it: true while that switch is open.
 */
export const SERVES_SWITCH = Symbol.for('openfeature-kill-switch.serves-switch');

/**
 * True when a provider serves an open switch. Older versions lack the member above, and are recognised by the name in
 * their metadata.
 */
export function servesOpenSwitch(provider: Provider): boolean {
  if (SERVES_SWITCH in provider) return provider[SERVES_SWITCH] === true;
  return provider.metadata.name === SWITCH_PROVIDER_NAME && Reflect.get(provider, 'closed') !== true;
}
