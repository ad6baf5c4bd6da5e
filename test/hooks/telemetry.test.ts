import { OpenFeature } from '@openfeature/server-sdk';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TelemetryHook } from '../../hooks/index.ts';
import { createKillSwitch } from '../../index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';
import { leap } from '../leap.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

const opened: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
  trace.disable();
  metrics.disable();
  context.disable();
});

let domains = 0;
/** `behindMs`: so far the store's clock is behind this machine's. */
async function setUp({ behindMs = 0 } = {}) {
  domains += 1;
  const domain = `telemetry-${domains}`;
  const clock = () => ({ mono: performance.now(), wall: Date.now() - behindMs });
  const store = memoryStore({ memory: new Memory({ clock }) });
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const killSwitch = await createKillSwitch({ store, domain, agentId: 'x' });
  opened.push(
    () => control.close(),
    () => killSwitch.close(),
  );
  return { control, killSwitch, client: OpenFeature.getClient(domain) };
}

describe('TelemetryHook', () => {
  test('adds an event to the active span, with the epoch and the cause, and no reason that a person wrote', async () => {
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { control, killSwitch, client } = await setUp();
    OpenFeature.addHooks(new TelemetryHook());
    await control.kill({ target: 'agent:x', reason: 'private words' });
    await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
    await trace.getTracer('test').startActiveSpan('work', async (span) => {
      await client.getStringValue('kill-switch.mode', 'live', { agent_id: 'x' });
      span.end();
    });
    const [event] = exporter.getFinishedSpans()[0]?.events ?? [];
    expect(event?.name).toBe('feature_flag.evaluation');
    expect(event?.attributes).toMatchObject({
      'feature_flag.key': 'kill-switch.mode',
      'feature_flag.result.variant': 'full_stop',
      'kill_switch.epoch': 3,
      'kill_switch.cause': 'kill',
      'kill_switch.kill_id': expect.any(String),
      'kill_switch.target': 'agent:x',
    });
    expect(JSON.stringify(event)).not.toMatch(/private words|unverified:ann/);
  });

  test('does nothing without an SDK', async () => {
    const { client } = await setUp();
    OpenFeature.addHooks(new TelemetryHook());
    expect(await client.getStringValue('kill-switch.mode', 'full_stop', { agent_id: 'x' })).toBe('live');
  });
});

test('the guard counts decisions by verdict and cause, and shows what is in flight, the epoch and the stop latency', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  opened.push(() => reader.shutdown());
  const { control, killSwitch } = await setUp({ behindMs: 3_600_000 });
  const quick = killSwitch.action({ name: 'a.quick', execute: () => 1 });
  const started = vi.fn();
  const slow = killSwitch.action({
    name: 'a.slow',
    execute: (_input: undefined, { signal }) => {
      started();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
  });
  await quick(undefined);
  // The second of them waits for a turn of the event loop, which the first has kept busy, and is then decided anew.
  const busy = killSwitch.action({ name: 'a.busy', execute: () => leap(20) });
  await Promise.all([busy(undefined), busy(undefined)]);
  const running = slow.attempt(undefined);
  await vi.waitFor(() => expect(started).toHaveBeenCalled());
  await control.kill({ target: 'all' });
  expect((await running).status).toBe('aborted');
  await quick.attempt(undefined);
  await reader.forceFlush();
  const found = new Map(
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      .map((metric) => [metric.descriptor.name, metric.dataPoints]),
  );
  expect([...found.keys()].sort()).toEqual([
    'kill_switch.decision.duration',
    'kill_switch.decisions',
    'kill_switch.drill.overdue',
    'kill_switch.epoch',
    'kill_switch.in_flight',
    'kill_switch.staleness',
    'kill_switch.stop.latency',
  ]);
  const counts = (found.get('kill_switch.decisions') ?? []).map(({ attributes, value }) => [
    attributes['verdict'],
    attributes['cause'],
    value,
  ]);
  expect(counts).toEqual(
    expect.arrayContaining([
      ['allow', 'mode', 4],
      ['block', 'kill', 1],
    ]),
  );
  expect(found.get('kill_switch.epoch')?.[0]?.value).toBe(3);
  expect(found.get('kill_switch.in_flight')?.[0]?.value).toBe(0);
  expect(found.get('kill_switch.drill.overdue')?.[0]?.value).toBe(0);
  // An hour lies between both clocks, and none of it in the latency.
  expect(found.get('kill_switch.stop.latency')?.[0]?.value).toMatchObject({
    count: 1,
    max: expect.toSatisfy((seconds: number) => seconds < 60),
  });
});

test.each(['getMeter', 'createCounter', 'add', 'record', 'removeBatchObservableCallback'])(
  'a meter whose %s throws hinders nothing: decisions, stops, those who wait, the closing',
  async (broken) => {
    const member = (name: string, does: () => unknown) => () => {
      if (name === broken) throw new Error('the meter is broken');
      return does();
    };
    const instrument = { add: member('add', () => {}), record: member('record', () => {}) };
    const meter = {
      createCounter: member('createCounter', () => instrument),
      createHistogram: () => instrument,
      createObservableGauge: () => ({}),
      addBatchObservableCallback() {},
      removeBatchObservableCallback: member('removeBatchObservableCallback', () => {}),
    };
    metrics.setGlobalMeterProvider({ getMeter: member('getMeter', () => meter) as never });
    const { control, killSwitch } = await setUp();
    const waits = killSwitch.action({ name: 'waits', execute: () => 'ran' });
    let begun = (): void => {};
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const runs = killSwitch.action({
      name: 'runs',
      execute: (_: undefined, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
          begun();
        }),
    });
    await control.kill({ target: 'action:waits', mode: 'paused', reason: 'wait' });
    await vi.waitFor(() => expect(killSwitch.check({ action: 'waits' }).verdict).toBe('pause'));
    const running = runs.attempt(undefined);
    const waiting = waits(undefined).catch((error: unknown) => error);
    await hasBegun;
    await control.kill({ target: 'all', reason: 'wrong' });
    expect(await waiting).toMatchObject({ code: 'BLOCKED' });
    expect(await running).toMatchObject({ status: 'aborted' });
    await killSwitch.close();
    expect((await control.status()).executors).toEqual([]);
  },
);
