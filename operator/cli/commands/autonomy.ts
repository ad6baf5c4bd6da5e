import { AUTONOMY_STAGES, type AutonomyStage } from '../../../flags/index.ts';
import { breakGlassOption, epochOption, nameArgument, oneOf, reasonOption, waitOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Named, nameOf, type SetOptions, showOrSet } from '../show-or-set.ts';

const autonomy: Named<'stage', AutonomyStage> = {
  verb: 'autonomy',
  noun: 'action',
  field: 'stage',
  all: (status) => status.autonomy,
  set: (control, action, stage, options) => control.setAutonomy({ action, stage, ...options }),
  nameIn: nameOf('action'),
  absent: { value: null, why: 'no stage restricts it; its flag answers human_in_the_loop' },
};

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('action', 'the name of an action'))
    .argument('[stage]', `one of ${AUTONOMY_STAGES.join(', ')}`, oneOf('a stage of autonomy', AUTONOMY_STAGES))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .addOption(waitOption())
    .action(
      perform((context, name: string, stage: AutonomyStage | undefined, options: SetOptions) =>
        showOrSet(context, autonomy, { name, value: stage, ...options }),
      ),
    );
};
