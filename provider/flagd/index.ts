export { FlagdKillSwitchProvider } from './flagd-kill-switch-provider.ts';
export type { FlagdKillSwitchOptions, ResolverType } from './options.ts';
