import type { BaseHook, EvaluationDetails, FlagValue, HookContext, Logger } from '@openfeature/core';
import { CATALOGUE, flagRow } from '../flags/catalogue.ts';
import { messageOf } from '../flags/errors.ts';
import type { Fault } from '../flags/faults.ts';
import { epochOf, faultOfAnswer } from '../flags/reading.ts';
import { safeAnswer } from '../flags/safe-answer.ts';
import { overwrite } from './overwrite.ts';

/** Where hooks are registered: the `OpenFeature` object of the server or the web SDK. */
export interface HookRegistry {
  getHooks(): readonly unknown[];
}

// Where the two SDKs keep their one API object, which all their copies share.
const SERVER_API = Symbol.for('@openfeature/js-sdk/api');
const WEB_API = Symbol.for('@openfeature/web-sdk/api');

const globalApis = (): HookRegistry[] => {
  const { [SERVER_API]: server, [WEB_API]: web } = globalThis as Record<symbol, HookRegistry | undefined>;
  return [server, web].filter((api): api is HookRegistry => typeof api?.getHooks === 'function');
};

/**
 * Names, on a hook, the keys and prefixes of the flags that it makes safe; also on one of another copy of this package,
 * which may know fewer.
 */
const MAKES_SAFE = Symbol.for('openfeature-kill-switch.makes-safe');
const KEYS: readonly string[] = Object.values(CATALOGUE).map(({ key }) => key);

/** True when a hook of any copy of this package makes all flags safe that this copy knows. */
function hasFailClosedHook(api: HookRegistry): boolean {
  return api.getHooks().some((hook) => {
    const safe: unknown = Reflect.get(Object(hook), MAKES_SAFE);
    return Array.isArray(safe) && KEYS.every((key) => safe.includes(key));
  });
}

/** Adds a `FailClosedHook` to the API, unless there is one. */
export function addFailClosedHook(api: HookRegistry & { addHooks(...hooks: FailClosedHook[]): unknown }): void {
  if (!hasFailClosedHook(api)) api.addHooks(new FailClosedHook());
}

/**
 * The hooks that a provider adds to its own: a `FailClosedHook` while the API has none, as after `clearHooks()`. There
 * it warns that it is not the last word.
 */
export function spareHooks(api: HookRegistry): () => readonly FailClosedHook[] {
  const spare = [new FailClosedHook()];
  let seen: readonly unknown[] | undefined;
  let given: readonly FailClosedHook[] = [];
  return () => {
    const hooks = api.getHooks(); // the SDKs make a new list when a hook is added or removed
    if (hooks !== seen) {
      seen = hooks;
      given = hasFailClosedHook(api) ? [] : spare;
    }
    return given;
  };
}

/**
 * Turns every answer for a kill-switch flag that is not positive (an error, a missing or disabled flag, the wrong type,
 * an unknown value, a caller's own default, another hook that throws) into the flag's safe value: `full_stop`, `dark`,
 * 0, `human_in_the_loop`. Other flags pass untouched.
 *
 * Register it on the API, before any other hook: `OpenFeature.addHooks(new FailClosedHook())`. Of two hooks on the API
 * the one registered earlier has the last word. A hook without the last word warns once through the SDK's logger, and
 * still makes safe what it sees. It never throws. For server and web SDK.
 */
export class FailClosedHook implements BaseHook<FlagValue, Record<string, unknown>, void, void> {
  readonly [MAKES_SAFE] = KEYS;
  #checked: readonly unknown[] | undefined;
  readonly #said = new Set<string>();

  /** True when no other hook can undo what this one does: it was the first to be registered on this API. */
  isLastWord(api: HookRegistry): boolean {
    return api.getHooks()[0] === this;
  }

  finally(hookContext: Readonly<HookContext>, details: EvaluationDetails<FlagValue>): void {
    const { flagKey, flagValueType, defaultValue, logger } = hookContext;
    const found = typeof flagKey === 'string' ? flagRow(flagKey) : undefined;
    if (!found) return;
    this.#checkOrder(logger);
    let fault: Fault | null;
    let epoch = 0;
    try {
      fault = faultOfAnswer(found.row, flagKey, details, defaultValue);
      epoch = epochOf(details);
    } catch (error) {
      fault = { code: 'INTERNAL', message: `the answer for ${flagKey} cannot be read: ${messageOf(error)}` };
    }
    if (fault === null) return;
    const safe = safeAnswer(found.row, flagValueType, { kind: 'fault', ...fault }, epoch);
    if (!overwrite(details, safe, fault)) {
      this.#say(
        logger,
        'frozen',
        `FailClosedHook cannot change the answer for ${flagKey}: another hook has frozen it. The caller's default is returned although ${fault.message}.`,
      );
    }
  }

  /** Checks again only after a hook was added or removed, when the SDKs make a new list. */
  #checkOrder(logger: Logger): void {
    try {
      const apis = globalApis();
      const api = apis.find((candidate) => candidate.getHooks().includes(this)) ?? apis[0];
      const hooks = api?.getHooks();
      if (!api || hooks === this.#checked) return;
      this.#checked = hooks;
      if (this.isLastWord(api)) return;
      const onApi = hooks?.includes(this) === true;
      this.#say(
        logger,
        onApi ? 'later' : 'elsewhere',
        onApi
          ? 'FailClosedHook is not the last word: another hook was registered on the API before it, so that one runs after it and could loosen its answer. Call OpenFeature.addHooks(new FailClosedHook()) before adding any other hook.'
          : 'FailClosedHook is not the last word: it is registered on a client, a provider or one evaluation, so hooks of the API run after it, and other clients do not have it. Call OpenFeature.addHooks(new FailClosedHook()) before adding any other hook.',
      );
    } catch {
      // Only the warning is lost: the answer is made safe all the same.
    }
  }

  #say(logger: Logger | undefined, what: 'frozen' | 'later' | 'elsewhere', message: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    try {
      logger?.warn(message);
    } catch {
      // A logger that throws must not keep the answer from being made safe.
    }
  }
}
