import type { Verb } from './command.ts';

/**
 * One row a verb, in the order of the help. Two words: a verb under a noun. To add a verb, copy a file of `commands/`
 * and a row.
 */
export interface VerbRow {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly verb: Verb }>;
}

// biome-ignore format: one row a verb
export const VERBS: readonly VerbRow[] = [
  { name: 'init', summary: 'create the control plane, in draft_only', load: () => import('./commands/init.ts') },
  { name: 'recover', summary: 'accept a store that was wiped, replaced or forked', load: () => import('./commands/recover.ts') },
  { name: 'kill', summary: 'stop a target, and show who obeyed', load: () => import('./commands/kill.ts') },
  { name: 'pause', summary: 'pause a target: its work waits', load: () => import('./commands/pause.ts') },
  { name: 'restrict', summary: 'leave a target less authority', load: () => import('./commands/restrict.ts') },
  { name: 'revive', summary: 'lift the kill of a target', load: () => import('./commands/revive.ts') },
  { name: 'mode', summary: 'show or set the base mode', load: () => import('./commands/mode.ts') },
  { name: 'feature', summary: 'show or set the stage of a feature', load: () => import('./commands/feature.ts') },
  { name: 'limit', summary: 'show or set a limit', load: () => import('./commands/limit.ts') },
  { name: 'autonomy', summary: 'show or set how closely people watch an action', load: () => import('./commands/autonomy.ts') },
  { name: 'approve', summary: 'approve requests, each by its id', load: () => import('./commands/approve.ts') },
  { name: 'reject', summary: 'reject requests, each by its id', load: () => import('./commands/reject.ts') },
  { name: 'approval allow', summary: 'approve an action in advance: so often, until a time', load: () => import('./commands/approval-allow.ts') },
  { name: 'approval withdraw', summary: 'withdraw a standing approval', load: () => import('./commands/approval-withdraw.ts') },
  { name: 'governance', summary: 'show what giving authority back takes', load: () => import('./commands/governance.ts') },
  { name: 'governance set', summary: 'set what giving authority back takes', load: () => import('./commands/governance-set.ts') },
  { name: 'requests', summary: 'list the changes that wait for another person', load: () => import('./commands/requests.ts') },
  { name: 'requests withdraw', summary: 'withdraw a request', load: () => import('./commands/requests-withdraw.ts') },
  { name: 'alert add', summary: 'tell somebody, or start a command, when something happens', load: () => import('./commands/alert-add.ts') },
  { name: 'alert remove', summary: 'tell somebody no more', load: () => import('./commands/alert-remove.ts') },
  { name: 'alert test', summary: 'send one test, and say what came back', load: () => import('./commands/alert-test.ts') },
  { name: 'alerts', summary: 'list whom alerts tell, and what waits', load: () => import('./commands/alerts.ts') },
  { name: 'rule add', summary: 'add a standing restriction, with hours or a condition', load: () => import('./commands/rule-add.ts') },
  { name: 'rule remove', summary: 'remove a standing restriction', load: () => import('./commands/rule-remove.ts') },
  { name: 'check', summary: 'say whether a call would be allowed now, by exit code 0', load: () => import('./commands/check.ts') },
  { name: 'explain', summary: 'show every restriction that meets a call', load: () => import('./commands/explain.ts') },
  { name: 'budget', summary: 'show or set how much may be spent', load: () => import('./commands/budget.ts') },
  { name: 'budget remove', summary: 'remove a budget', load: () => import('./commands/budget-remove.ts') },
  { name: 'budgets', summary: 'list the budgets, and what is spent of them', load: () => import('./commands/budgets.ts') },
  { name: 'tripwire set', summary: 'stop a run or an agent that does something too often', load: () => import('./commands/tripwire-set.ts') },
  { name: 'tripwire remove', summary: 'remove a tripwire', load: () => import('./commands/tripwire-remove.ts') },
  { name: 'tripwires', summary: 'list the tripwires', load: () => import('./commands/tripwires.ts') },
  { name: 'status', summary: 'show the whole switch on one screen', load: () => import('./commands/status.ts') },
  { name: 'doctor', summary: 'check what the switch rests on, with how to mend it', load: () => import('./commands/doctor.ts') },
  { name: 'watch', summary: 'show the switch as it changes, and end kills whose time is over', load: () => import('./commands/watch.ts') },
  { name: 'kills', summary: 'list the active kills, newest first', load: () => import('./commands/kills.ts') },
  { name: 'rules', summary: 'list the standing restrictions', load: () => import('./commands/rules.ts') },
  { name: 'features', summary: 'list the features', load: () => import('./commands/features.ts') },
  { name: 'limits', summary: 'list the limits', load: () => import('./commands/limits.ts') },
  { name: 'executors', summary: 'list the executors', load: () => import('./commands/executors.ts') },
  { name: 'executors forget', summary: 'take an executor that is gone for good out of the count', load: () => import('./commands/executors-forget.ts') },
  { name: 'agents', summary: 'list who works now, and who did in the last day', load: () => import('./commands/agents.ts') },
  { name: 'approvals', summary: 'list what people are asked, what waits first', load: () => import('./commands/approvals.ts') },
  {
    name: 'approvals show',
    summary: 'show one request: its arguments, and what differs from the last one',
    load: () => import('./commands/approvals-show.ts'),
  },
  { name: 'approvals standing', summary: 'list what is approved in advance', load: () => import('./commands/approvals-standing.ts') },
  { name: 'interventions', summary: 'list the last decisions that were not allow', load: () => import('./commands/interventions.ts') },
  { name: 'runs', summary: 'list the runs, or what one has done and what can be undone', load: () => import('./commands/runs.ts') },
  { name: 'runs resolve', summary: 'say whether something has landed of which that is not known', load: () => import('./commands/runs-resolve.ts') },
  { name: 'rollback', summary: 'stop a run, and undo what it has done', load: () => import('./commands/rollback.ts') },
  { name: 'drill', summary: 'stop something on purpose, measure that it stops, and give it back', load: () => import('./commands/drill.ts') },
  { name: 'drill schedule', summary: 'have drills run again and again, or no more', load: () => import('./commands/drill-schedule.ts') },
  { name: 'drills', summary: 'list the last drills, and those that are scheduled', load: () => import('./commands/drills.ts') },
  { name: 'drills show', summary: 'show what a drill has measured', load: () => import('./commands/drills-show.ts') },
  { name: 'surfaces', summary: 'list the actions of all executors, and what they lack', load: () => import('./commands/surfaces.ts') },
  { name: 'log', summary: 'print every change, oldest first', load: () => import('./commands/log.ts') },
  { name: 'log verify', summary: 'check that the log is whole, or an export of it', load: () => import('./commands/log-verify.ts') },
  { name: 'log export', summary: 'write the log to a file, signed if you like', load: () => import('./commands/log-export.ts') },
  { name: 'log archive', summary: 'move the beginning of a long log to a file', load: () => import('./commands/log-archive.ts') },
  {
    name: 'flagd export',
    summary: 'print the switch as a flagd definition, or keep a file of it current',
    load: () => import('./commands/flagd-export.ts'),
  },
  { name: 'flagd import', summary: "set the app's ordinary flags from a flagd definition", load: () => import('./commands/flagd-import.ts') },
  { name: 'flagd validate', summary: 'check a flagd definition, and its kill-switch flags', load: () => import('./commands/flagd-validate.ts') },
  {
    name: 'redis acl',
    summary: 'print the users of Redis, as an ACL file: for executors, operators, viewers and archivers',
    load: () => import('./commands/redis-acl.ts'),
  },
  {
    name: 'completion',
    summary: 'print the script that completes words in bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
];

/** The descriptions of first words that are no verbs by themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  alert: 'say who is told of what happens',
  approval: 'approve in advance',
  flagd: 'work with definitions of flagd',
  rule: 'add and remove standing restrictions',
  redis: 'work with a store in Redis',
  tripwire: 'set and remove tripwires',
};
