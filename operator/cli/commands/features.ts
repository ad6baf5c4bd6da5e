import { shareText } from '../../../flags/index.ts';
import { requirementText, stageText } from '../feature-words.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'feature',
  order: '; every other one is dark',
  none: 'No feature is set: every feature is dark.',
  filters: {},
  list: async (context, asked) => (await context.control()).features(asked),
  columns: () => [
    { heading: 'STAGE', cell: ({ stage }) => stage, fixed: true },
    { heading: 'FEATURE', cell: ({ name }) => name },
    {
      heading: 'FOR WHOM',
      cell: ({ name, ...terms }) => (terms.targeting === null ? null : { ready: stageText(name, terms) }),
      gives: true,
    },
    { heading: 'SHADOW RUNS', cell: ({ shadow_runs }) => shadow_runs, fixed: true },
    { heading: 'AGREEMENT', cell: ({ agreement }) => (agreement === null ? null : shareText(agreement)), fixed: true },
    {
      heading: 'NEEDS',
      cell: ({ requirement, missing }) =>
        requirement === null ? null : { ready: missing.length === 0 ? 'nothing more' : missing.join('; ') },
      gives: true,
    },
    {
      heading: 'REQUIREMENT',
      cell: ({ requirement }) => (requirement === null ? null : { ready: requirementText(requirement) }),
      wide: true,
    },
  ],
});
