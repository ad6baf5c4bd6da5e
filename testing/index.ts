export { type FakeClock, type FakeClockOptions, fakeClock } from './fake-clock.ts';
export * from './fault-proxy.ts';
export {
  type ConformanceTest,
  type StoreConformanceOptions,
  type StoreHarness,
  storeConformance,
} from './store-conformance.ts';
