// What operators and viewers do with the command, a line each: whatever is asked of every verb goes through these
// lists.

/** How a control plane begins, and begins again. */
export const BEGINNINGS = ['init', 'recover --reason x'] as const;

export const CHANGES = [
  'mode live --reason x',
  'kill agent:x --wait 0',
  'pause agent:y --wait 0',
  'restrict agent:z read_only --wait 0',
  'revive agent:x --reason x',
  'feature f live --reason x',
  'feature f --require-runs 5',
  'limit l 3 --reason x',
  'autonomy a.b trusted --reason x',
  'governance set --pending-expires 2h --reason x',
  'approval allow a.b --agent x --times 1 --until 1h',
  'rule add l agent:q read_only --wait 0',
  'budget day --usd 50 --reason x',
  'budget remove day --reason x',
  'tripwire set repeats --limit 60 --reason x',
  'tripwire remove repeats --reason x',
  'governance set --dwell 1m --reason x',
  'alert add l --exec true',
] as const;

/** What rests on what executors follow, so that they may do it as well. */
export const FOLLOWED = [
  'log',
  'log export',
  'flagd export',
  'approvals standing',
  'rules',
  'budget day',
  'budgets',
  'tripwires',
] as const;

export const READS = [
  ...FOLLOWED,
  'status',
  'alerts',
  'kills',
  'mode',
  'features',
  'feature f --evidence',
  'limits',
  'executors',
  'agents',
  'interventions',
  'interventions --proposals',
  'surfaces',
  'approvals',
  'check --agent free --effect read',
  'explain --agent free',
  'runs',
  'drills',
  'governance',
  'requests',
  'log verify',
] as const;
