export { FailClosedHook, type HookRegistry } from './fail-closed.ts';
export { type Identity, IdentityHook } from './identity.ts';
export { TelemetryHook } from './telemetry.ts';
