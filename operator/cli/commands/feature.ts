import { FEATURE_STAGES, type FeatureStage } from '../../../flags/index.ts';
import { epochOption, nameArgument, oneOf, reasonOption, waitOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Named, nameOf, type SetOptions, showOrSet } from '../show-or-set.ts';

const feature: Named<'stage', FeatureStage> = {
  verb: 'feature',
  noun: 'feature',
  field: 'stage',
  all: ({ features }) => features,
  set: (control, name, stage, options) => control.setFeature({ name, stage, ...options }),
  nameIn: nameOf('feature'),
  absent: { value: 'dark', why: 'it is dark, so everything that belongs to it is stopped' },
};

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a feature'))
    .argument('[stage]', `one of ${FEATURE_STAGES.join(', ')}`, oneOf('a stage of a feature', FEATURE_STAGES))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(waitOption())
    .action(
      perform((context, name: string, stage: FeatureStage | undefined, options: SetOptions) =>
        showOrSet(context, feature, { name, value: stage, ...options }),
      ),
    );
};
