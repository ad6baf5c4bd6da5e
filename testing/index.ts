export { type FakeClock, type FakeClockOptions, fakeClock } from './fake-clock.ts';
export * from './fault-proxy.ts';
export {
  type ProviderConformanceOptions,
  type ProviderHarness,
  providerConformance,
} from './provider-conformance.ts';
export {
  type ConformanceTest,
  type StoreConformanceOptions,
  type StoreHarness,
  storeConformance,
} from './store-conformance.ts';
