/** The folders of examples that show where the switch can be. */
export const WAYS = ['file', 'redis', 'flagd', 'commonjs'] as const;

/** Those that show what it is for. */
export const STORIES = [
  'notifier',
  'returns',
  'e-signature',
  'ad-autopilot',
  'sql-agent',
  'research-loop',
  'infra-hours',
] as const;
