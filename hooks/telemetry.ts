import {
  type BaseHook,
  createEvaluationEvent,
  type EvaluationDetails,
  type FlagValue,
  type HookContext,
} from '@openfeature/core';
import { type Attributes, trace } from '@opentelemetry/api';
import { causeAttributes, causeFromMetadata } from '../flags/causes.ts';
import { redactedStart } from '../flags/secret-texts.ts';

const MAX_TEXT = 4096;

type Attribute = string | number | boolean;

const isAttribute = (entry: [string, unknown]): entry is [string, Attribute] =>
  typeof entry[1] === 'string' || typeof entry[1] === 'number' || typeof entry[1] === 'boolean';

/**
 * Adds an event to the active span for every evaluation, named and filled as OpenTelemetry's conventions for feature
 * flags say, with what this package knows beside it: `kill_switch.epoch`, `kill_switch.cause`, and the ids, codes and
 * amounts of that cause (`kill_switch.kill_id`, `kill_switch.target`, `kill_switch.code`, …). Through the OpenTelemetry
 * API only: without an SDK, or outside a span, it does nothing. It never throws, and changes no answer. For server and
 * web SDK.
 *
 * Register it after FailClosedHook, so that what it sees is what the app gets.
 */
export class TelemetryHook implements BaseHook<FlagValue, Record<string, unknown>, void, void> {
  finally(hookContext: Readonly<HookContext>, details: EvaluationDetails<FlagValue>): void {
    try {
      const span = trace.getActiveSpan();
      if (!span?.isRecording()) return;
      const { name, attributes } = createEvaluationEvent(hookContext, details);
      span.addEvent(name, { ...flat(attributes), ...ownAttributes(details.flagMetadata) });
    } catch {
      // Only the event is lost.
    }
  }
}

/** Without secrets: a provider's error may hold a connection string, and a flag's value a token. */
const flat = (attributes: Record<string, unknown>): Attributes =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(isAttribute)
      .map(([name, value]) => [name, typeof value === 'string' ? redactedStart(value, MAX_TEXT) : value]),
  );

/** What people wrote (reasons, names) stays out of traces; ids, codes and amounts go in. */
function ownAttributes(metadata: Readonly<Record<string, unknown>> | undefined): Attributes {
  if (!metadata) return {};
  const { epoch } = metadata;
  const cause = causeFromMetadata(metadata);
  const own = { ...(typeof epoch === 'number' && { epoch }), ...(cause && causeAttributes(cause)) };
  return Object.fromEntries(Object.entries(own).map(([name, value]) => [`kill_switch.${name}`, value]));
}
