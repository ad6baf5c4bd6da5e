import type {
  EvaluationContext,
  EvaluationDetails,
  Hook,
  Logger,
  Provider,
  ResolutionDetails,
} from '@openfeature/server-sdk';
import {
  CATALOGUE,
  deepFreeze,
  faultOfAnswer,
  flagRow,
  IDENTITY_ATTRIBUTES,
  isStricter,
  LINEAGE_ATTRIBUTES,
  MODE_FLAG,
  modeOf,
  readingFromDetails,
  SAFE_MODE,
} from '../flags/index.ts';
import { During } from './during.ts';
import { FailClosedProvider } from './fail-closed-provider.ts';
import { asGuarded } from './guarded-evaluation.ts';
import { safeResolutionFor } from './positive.ts';
import { SERVES_SWITCH } from './serves-switch.ts';

/** One evaluation by the guard. */
interface Asking {
  /** Whom it is about. Hooks only get copies: they could empty a lineage in its place. */
  readonly subject: EvaluationContext;
  /** What the app's provider has answered for the mode. */
  answer: ResolutionDetails<string>;
  /** What it has answered for a limit; null where that was no positive answer. */
  limit: ResolutionDetails<number> | null;
}

const copyOf = (context: EvaluationContext): EvaluationContext =>
  Object.fromEntries(Object.entries(context).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]));

const NOT_ASKED: ResolutionDetails<string> = deepFreeze(
  safeResolutionFor<string>(CATALOGUE.mode, 'string', {
    kind: 'fault',
    code: 'PROVIDER_ERROR',
    message: `the provider has not been asked for ${MODE_FLAG}, so what a hook has answered in its place does not count`,
  }),
);

/** What the client says, or what the provider has answered where that is stricter. */
function noLooserThan(
  answer: ResolutionDetails<string>,
  details: EvaluationDetails<string>,
): EvaluationDetails<string> {
  const said = modeOf(readingFromDetails(details, SAFE_MODE)).mode;
  return isStricter(answer.value, said) ? { flagMetadata: {}, ...answer, flagKey: MODE_FLAG } : details;
}

/** What the client says of a limit, or what the provider has answered where that is lower. */
function noHigherThan(
  answer: ResolutionDetails<number>,
  details: EvaluationDetails<number>,
): EvaluationDetails<number> {
  const { flagKey, value } = details;
  const isFault = faultOfAnswer(CATALOGUE.limit, flagKey, details, undefined) !== null;
  return isFault || answer.value < value ? { flagMetadata: {}, ...answer, flagKey } : details;
}

/** Every attribute of a subject, undefined: what the guard's subject does not name must not come from elsewhere. */
const NOBODY = Object.fromEntries(
  [...Object.keys(IDENTITY_ATTRIBUTES), ...Object.keys(LINEAGE_ATTRIBUTES)].map((attribute): [string, undefined] => [
    attribute,
    undefined,
  ]),
);

/**
 * A provider of the app's that is asked about exactly the guard's subject: the last of its own hooks runs after every
 * other hook, so none can put another subject in its place.
 */
export class AskedProvider extends FailClosedProvider {
  readonly #asking = new During<Asking>();
  readonly #spareHooks: () => readonly Hook[];
  #open = true;

  constructor(inner: Provider, spareHooks: () => readonly Hook[]) {
    super(inner);
    this.#spareHooks = spareHooks;
  }

  get [SERVES_SWITCH](): boolean {
    return this.#open;
  }

  get closed(): boolean {
    return !this.#open;
  }

  /**
   * What `ask` gives, which asks a client of this provider for the mode of the subject; or what this provider has
   * answered meanwhile, where that is stricter.
   */
  async about(
    subject: EvaluationContext,
    ask: () => Promise<EvaluationDetails<string>>,
  ): Promise<EvaluationDetails<string>> {
    const asking: Asking = { subject: copyOf(subject), answer: NOT_ASKED, limit: null };
    const details = await this.#asking.run(asking, ask);
    return noLooserThan(asking.answer, { ...details });
  }

  /** The same for the flag of a limit: no hook can raise what this provider has answered. */
  async limitAbout(
    subject: EvaluationContext,
    ask: () => Promise<EvaluationDetails<number>>,
  ): Promise<EvaluationDetails<number>> {
    const asking: Asking = { subject: copyOf(subject), answer: NOT_ASKED, limit: null };
    const details = await this.#asking.run(asking, ask);
    return asking.limit ? noHigherThan(asking.limit, { ...details }) : details;
  }

  override get hooks(): Hook[] {
    const asking = this.#asking.value;
    const hooks = [...super.hooks, ...this.#spareHooks()];
    if (!asking) return hooks;
    const who: Hook = {
      // An undefined value removes what other hooks have put there.
      before: ({ context }) => Object.assign({ ...context }, NOBODY, copyOf(asking.subject)),
    };
    return [...hooks, who];
  }

  override async resolveStringEvaluation(
    flagKey: string,
    defaultValue: string,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<string>> {
    const resolve = () => super.resolveStringEvaluation(flagKey, defaultValue, context, logger);
    const asking = flagKey === MODE_FLAG ? this.#asking.value : undefined;
    if (!asking) return resolve();
    const answer = await asGuarded(asking.subject, resolve);
    asking.answer = { ...answer };
    return answer;
  }

  override async resolveNumberEvaluation(
    flagKey: string,
    defaultValue: number,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<number>> {
    const answer = await super.resolveNumberEvaluation(flagKey, defaultValue, context, logger);
    const asking = flagRow(flagKey)?.row.kind === 'limit' ? this.#asking.value : undefined;
    if (asking && faultOfAnswer(CATALOGUE.limit, flagKey, answer, defaultValue) === null) asking.limit = { ...answer };
    return answer;
  }

  override async onClose(): Promise<void> {
    this.#open = false;
    await super.onClose();
  }
}
