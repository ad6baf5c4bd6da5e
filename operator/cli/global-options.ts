import { Option } from 'commander';

/** The options that every verb takes. */
export const globalOptions = (): readonly Option[] => [
  new Option(
    '--store <url>',
    'file:DIR, redis://…, rediss://… or redis+unix://… (env KILL_SWITCH_STORE; default: the nearest .kill-switch)',
  ),
  new Option('--profile <name>', 'store, organization and operator from profiles.json (env KILL_SWITCH_PROFILE)'),
  new Option('--organization <id>', 'whose switch (env KILL_SWITCH_ORGANIZATION; default "default")'),
  new Option('--operator <name>', 'who you are (env KILL_SWITCH_OPERATOR; default: the user of this system)'),
  new Option('--json', 'print one JSON value'),
];
