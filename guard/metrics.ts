import { type Attributes, type BatchObservableResult, metrics, type Observable } from '@opentelemetry/api';
import { causeWord, type Decision } from '../flags/index.ts';

/** Where the gauges get their values. */
export interface Gauges {
  readonly epoch: () => number;
  /** Milliseconds since the last confirmation (from which the lease counts) was sent; null without one. */
  readonly stalenessMs: () => number | null;
  readonly inFlight: () => number;
  /** Null where that is not known. */
  readonly isDrillOverdue: () => boolean | null;
}

/** The guard's metrics, through the OpenTelemetry API: without an SDK each call does nothing. */
export interface GuardMetrics {
  /**
   * An attempt, a checkpoint or a job has come to this decision, or waits by it; `ms` after the mode was asked for.
   */
  decided(decision: Decision, ms: number): void;
  /** Work in flight was aborted, `ms` after the change was appended, by the store's clock. */
  stopped(ms: number): void;
  close(): void;
}

const NO_METRICS: GuardMetrics = { decided() {}, stopped() {}, close() {} };

/**
 * The guard's metrics. Where the application's meter throws, that number is lost and nothing else happens: decisions,
 * stops and the closing must not fail for it.
 */
export function createMetrics(version: string, gauges: Gauges): GuardMetrics {
  let open = NO_METRICS;
  const unhindered = (record: () => void): void => {
    try {
      record();
    } catch {
      // The application's meter is broken; there is nowhere to report that.
    }
  };
  unhindered(() => {
    open = openMetrics(version, gauges);
  });
  return {
    // No closure: this runs for each attempt.
    decided(decision, ms) {
      try {
        open.decided(decision, ms);
      } catch {
        // As above.
      }
    },
    stopped: (ms) => unhindered(() => open.stopped(ms)),
    close: () => unhindered(() => open.close()),
  };
}

/**
 * Counter `kill_switch.decisions` by `verdict` and `cause` (a fault's cause is its code): of each attempt, checkpoint
 * and tick of a job the one decision that it came to, and each pause in which it waited. Histograms
 * `kill_switch.decision.duration` and `kill_switch.stop.latency` in seconds; gauges `kill_switch.in_flight`,
 * `kill_switch.epoch`, `kill_switch.staleness` in seconds, `kill_switch.drill.overdue` (1 or 0).
 */
function openMetrics(version: string, gauges: Gauges): GuardMetrics {
  const meter = metrics.getMeter('openfeature-kill-switch', version);
  const decisions = meter.createCounter('kill_switch.decisions', {
    description: 'Attempts, checkpoints and jobs by what they came to, and the pauses they waited in',
  });
  const duration = meter.createHistogram('kill_switch.decision.duration', {
    unit: 's',
    description: 'From asking for the mode to the decision',
  });
  const latency = meter.createHistogram('kill_switch.stop.latency', {
    unit: 's',
    description: 'From a change to the signal of what it stopped',
  });
  const inFlight = meter.createObservableGauge('kill_switch.in_flight', { description: 'Actions that run now' });
  const epoch = meter.createObservableGauge('kill_switch.epoch', { description: 'The last applied change' });
  const staleness = meter.createObservableGauge('kill_switch.staleness', {
    unit: 's',
    description: 'Since the last confirmation was sent',
  });
  const overdue = meter.createObservableGauge('kill_switch.drill.overdue', {
    description: '1 where a drill is overdue, else 0',
  });
  const observed: Observable[] = [inFlight, epoch, staleness, overdue];
  const observe = (result: BatchObservableResult): void => {
    result.observe(inFlight, gauges.inFlight());
    result.observe(epoch, gauges.epoch());
    const ms = gauges.stalenessMs();
    if (ms !== null) result.observe(staleness, ms / 1000);
    const isOverdue = gauges.isDrillOverdue();
    if (isOverdue !== null) result.observe(overdue, isOverdue ? 1 : 0);
  };
  meter.addBatchObservableCallback(observe, observed);
  return {
    decided({ verdict, cause }, ms) {
      const attributes: Attributes = { verdict, cause: causeWord(cause) };
      decisions.add(1, attributes);
      duration.record(ms / 1000, attributes);
    },
    stopped: (ms) => latency.record(Math.max(0, ms) / 1000),
    close: () => meter.removeBatchObservableCallback(observe, observed),
  };
}
