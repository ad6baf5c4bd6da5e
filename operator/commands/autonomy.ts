import { actionNameProblem, AUTONOMY_FLOORS, type AutonomyStage } from '../../flags/index.ts';
import { ALREADY, type CommandRow, event, type Loosening, nameRefused } from './row.ts';

export const autonomy: CommandRow<{ readonly action: string; readonly stage: AutonomyStage } & Loosening> = {
  changes: ({ action }) => ['autonomy', action],
  reach: ({ action }) => ({ type: 'action', id: action }),
  leaves: ({ stage }) => AUTONOMY_FLOORS[stage],
  restricts: ({ stage }) => AUTONOMY_FLOORS[stage] !== 'live',
  wish: ({ action, stage }, view) =>
    nameRefused('an action', action, actionNameProblem) ??
    (view.get('autonomy', action)?.stage === stage ? ALREADY : event('autonomy', { action, stage })),
};
