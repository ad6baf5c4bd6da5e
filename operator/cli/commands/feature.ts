import {
  accountsRule,
  FEATURE_STAGES,
  type FeatureStage,
  invalid,
  loosestStage,
  percentageRule,
  shellWord,
  shownId,
  type StageTerms,
} from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';
import type { FeatureDetails } from '../../answers.ts';
import { breakGlassOption, epochOption, nameArgument, oneOf, reasonOption, waitOption } from '../arguments.ts';
import type { Answer, Context, Verb } from '../command.ts';
import { FOR_WHOM_OPTIONS, type ForWhom, REQUIRE_OPTIONS, type Required } from '../feature-options.ts';
import { evidenceLines, type Loss, lossOf, lossText, requirementText, stageText } from '../feature-words.ts';
import { nameOf, setting, type SetOptions } from '../show-or-set.ts';

interface Options extends SetOptions, ForWhom, Required {
  readonly evidence?: boolean;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a feature'))
    .argument('[stage]', `one of ${FEATURE_STAGES.join(', ')}`, oneOf('a stage of a feature', FEATURE_STAGES));
  for (const option of [...FOR_WHOM_OPTIONS, ...REQUIRE_OPTIONS]) command.addOption(option);
  command
    .option('--evidence', 'what executors have reported of it, and what it still lacks')
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .addOption(waitOption())
    .action(
      perform(async (context, name: string, stage: FeatureStage | undefined, options: Options): Promise<Answer> => {
        const { requireRuns: runs, requireDays: days, requireAgreement: agreement, evidence } = options;
        const asked = {
          ...(runs !== undefined && { runs }),
          ...(days !== undefined && { days }),
          ...(agreement !== undefined && { agreement }),
        };
        const requires = Object.keys(asked).length > 0;
        if ([stage !== undefined, requires, evidence === true].filter(Boolean).length > 1)
          throw invalid('A stage, what it requires (--require-…) and --evidence are three commands: give one of them.');
        const control = await context.control();
        if (evidence === true) {
          refuseOptions(options, 'To show the evidence');
          const value = await control.evidence(name);
          return { value, text: evidenceLines(value) };
        }
        if (requires) return require(control, name, asked, options);
        return stage === undefined ? show(control, name, options) : set(context, name, stage, options);
      }),
    );
};

/** Sets the stage, for everyone or for some. */
async function set(context: Context, name: string, stage: FeatureStage, options: Options): Promise<Answer> {
  const control = await context.control();
  const { accounts, percentage, targeting, wait, reason, breakGlass } = options;
  let terms: StageTerms = { stage, ...(targeting && { targeting }) };
  let { epoch } = options;
  let loss: Loss | null = null;
  if (accounts !== undefined || percentage !== undefined) {
    // All others have the stage that was set for everyone, also those whom the rule before has named.
    const status = await control.status();
    epoch ??= status.epoch;
    const otherwise = (Object.hasOwn(status.features, name) ? status.features[name] : undefined) ?? 'dark';
    const rule =
      accounts !== undefined
        ? accountsRule(accounts, stage)
        : percentageRule(name, percentage ?? 0, { stage, otherwise });
    terms = { stage: otherwise, targeting: rule };
    loss = lossOf(name, { stage: otherwise, targeting: detailsOf(status.feature_details, name)?.targeting }, terms);
  }
  const what = `feature ${shownId(name)}`;
  const again = (near: string): string | null => {
    const other = nameOf('feature')(near);
    return other === null ? null : `kill-switch feature ${shellWord(other)} ${stage}`;
  };
  const members = { feature: name, ...terms, ...loss };
  const is = `${what} is ${stageText(name, terms)}`;
  const unasked = loosestStage(terms) === 'live' && (await requiresNothing(control, name));
  const also = `${loss ? lossText(name, loss) : ''}${unasked ? ` ${context.advice(`No evidence was asked for: nothing is required of it. To require some: kill-switch feature ${shellWord(name)} --require-runs N --require-agreement 95%`)}` : ''}`;
  return setting(context, { what, is, ...(also !== '' && { also }), members, wait, again }, (waiting) =>
    control.setFeature({ name, ...terms, reason, epoch, breakGlass, ...waiting }),
  );
}

/** Whether a feature goes live on a reason alone. */
async function requiresNothing(control: ControlPlane, name: string): Promise<boolean> {
  const { feature_details: details } = await control.status();
  return !detailsOf(details, name)?.requirement;
}

async function require(
  control: ControlPlane,
  name: string,
  asked: { readonly runs?: number; readonly days?: number; readonly agreement?: number },
  { reason, epoch, breakGlass, ...options }: Options,
): Promise<Answer> {
  refuseForWhom(options);
  const { epoch: at, already } = await control.setRequirement({ name, ...asked, reason, epoch, breakGlass });
  const { feature_details: details } = await control.status();
  const requirement = detailsOf(details, name)?.requirement ?? null;
  return {
    value: { feature: name, requirement, epoch: at, already },
    text: `To go beyond shadow, feature ${shownId(name)} needs ${requirementText(requirement)}${already ? ' already. Your request is recorded' : ''}, at epoch ${at}.`,
    recorded: `What feature ${shownId(name)} requires is recorded, at epoch ${at}.`,
  };
}

const detailsOf = (details: Readonly<Record<string, FeatureDetails>>, name: string): FeatureDetails | undefined =>
  Object.hasOwn(details, name) ? details[name] : undefined;

async function show(control: ControlPlane, name: string, options: Options): Promise<Answer> {
  refuseOptions(options, 'To show the feature');
  const { features, feature_details, epoch } = await control.status();
  const found = Object.hasOwn(features, name) ? features[name] : undefined;
  const details = detailsOf(feature_details, name);
  const what = `feature ${shownId(name)}`;
  const text =
    found === undefined
      ? [`${what} is not set: it is dark, so everything that belongs to it is stopped.`]
      : [
          `${what} is ${stageText(name, { stage: found, targeting: details?.targeting })}.`,
          ...(details?.requirement ? [`To go beyond shadow it needs ${requirementText(details.requirement)}.`] : []),
        ];
  return { value: { feature: name, stage: found ?? 'dark', set: found !== undefined, ...details, epoch }, text };
}

function refuseForWhom({ accounts, percentage, targeting }: ForWhom): void {
  if (accounts !== undefined || percentage !== undefined || targeting !== undefined)
    throw invalid('For whom a stage counts is said with the stage: kill-switch feature NAME STAGE --accounts ID,ID');
}

function refuseOptions({ reason, epoch, ...options }: Options, to: string): void {
  refuseForWhom(options);
  if (reason !== undefined || epoch !== undefined)
    throw invalid(`${to}, leave out --reason and --epoch. To set it, give its stage too.`);
}
