export { FailClosedProvider, type FailClosedOptions } from './fail-closed-provider.ts';
export { KillSwitchProvider, type KillSwitchProviderOptions } from './kill-switch-provider.ts';
export { StrictestWinsStrategy, type StrictestWinsOptions } from './strictest-wins.ts';
