import { AUTONOMY_STAGES, type AutonomyStage } from '../../../flags/index.ts';
import { epochOption, nameArgument, oneOf, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Named, showOrSet } from '../show-or-set.ts';

const autonomy: Named<'stage', AutonomyStage> = {
  noun: 'action',
  field: 'stage',
  all: (status) => status.autonomy,
  set: (control, action, stage, options) => control.setAutonomy({ action, stage, ...options }),
  absent: { value: null, why: 'no stage restricts it; its flag answers human_in_the_loop' },
};

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('action', 'the name of an action'))
    .argument('[stage]', `one of ${AUTONOMY_STAGES.join(', ')}`, oneOf('a stage of autonomy', AUTONOMY_STAGES))
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform((context, name: string, stage: AutonomyStage | undefined, options: { reason?: string; epoch?: number }) =>
        showOrSet(context, autonomy, { name, value: stage, ...options }),
      ),
    );
};
