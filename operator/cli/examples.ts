/** What people type most, for the help of each verb. Each line stands behind `kill-switch`. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: ['init', 'init --store redis://redis.internal:6379 --organization shop'],
  recover: ['recover --reason "flushed by mistake, kills set again"', 'recover --exclude mailer-2 --reason "it lies"'],
  kill: [
    'kill agent:returns-bot --reason "wrong refunds"',
    'kill agent:returns-bot agent:mail-bot    # at once, with one wait for both',
    'kill all',
    "kill 'action:payments.*' --until 2h --wait 10s",
  ],
  pause: ['pause mission:m-7 --until 30m --reason "waiting for the supplier"'],
  restrict: ['restrict agent:returns-bot read_only --reason "odd refunds"'],
  revive: [
    'revive agent:returns-bot --reason "rule fixed"',
    'revive agent:returns-bot --reason "rule fixed" --epoch 41    # status said epoch 41: refused if it was killed again since',
  ],
  mode: [
    'mode',
    'mode full_stop',
    'mode live --reason "launch" --epoch 12    # status said epoch 12: refused if the mode was changed since',
  ],
  feature: [
    'feature returns.auto',
    'feature returns.auto gated --reason "pilot"',
    'feature returns.auto gated --accounts acme,globex --reason "pilot"    # all others have the stage of everyone else',
    'feature returns.auto live --percentage 10 --reason "a quiet month"',
    'feature returns.auto --require-runs 50 --require-days 7 --require-agreement 95%',
    'feature returns.auto --evidence',
  ],
  limit: ['limit refund.max', 'limit refund.max 200 --reason "audited"'],
  autonomy: ['autonomy email.send', 'autonomy email.send human_on_the_loop --reason "a month without a mistake"'],
  approve: [
    'approve 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11',
    'approve 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11 --input edited.json --notes "half of it"',
  ],
  reject: ['reject 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11 --reason "wrong customer"'],
  'approval allow': [
    `approval allow payments.refund --agent returns-bot --match '{"currency":"usd"}' --times 20 --until 18h`,
  ],
  'approval withdraw': ['approval withdraw 9b2e7c54-1d3a-4a55-8f0b-6f7d1c2e3a40'],
  governance: ['governance'],
  'governance set': [
    'governance set --second-person killer --reason "two pairs of eyes"',
    'governance set --ladder on --dwell 10m --restore-roles live=admin --reason "slowly"',
    'governance set --drill 7d --break-glass on --reason "weekly drills"',
  ],
  requests: ['requests'],
  'requests withdraw': ['requests withdraw 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11'],
  'rule add': [
    'rule add read-only all read_only',
    'rule add no-infra "action:infra.*" full_stop --window "Mon-Fri 18:00-08:00 Europe/Berlin"',
    'rule add freeze "action:db.*" read_only --from 2030-11-29T00:00:00Z --until 2030-11-30T00:00:00Z --drain 15m',
    `rule add production "action:db.*" approval_gated --when '{"===":[{"var":"environment"},"production"]}'`,
  ],
  'rule remove': ['rule remove no-infra --reason "the night shift deploys"'],
  check: ['check --agent returns-bot --action email.send', 'check --action infra.apply --effect read'],
  explain: [`explain --agent returns-bot --action email.send --context '{"account_id":"acme"}'`],
  budget: [
    'budget day --usd 50 --time-zone Europe/Berlin',
    'budget run --usd 5 --do full_stop    # each run',
    'budget agent:returns-bot --calls 100 --window 10m    # a rate',
    'budget day',
  ],
  'budget remove': ['budget remove agent:returns-bot --window 10m --reason "audited"'],
  budgets: ['budgets'],
  'tripwire set': [
    'tripwire set repeats --limit 100 --reason "polls a slow job"',
    'tripwire set hammering --on refusals --limit 20 --window 5m --scope agent --do full_stop',
    'tripwire set bounces --on report:bounce_rate --limit 0.04',
  ],
  'tripwire remove': ['tripwire remove repeats --reason "polls for hours"'],
  tripwires: ['tripwires'],
  status: ['status', 'status --json'],
  watch: ['watch', 'watch --json'],
  kills: ['kills', 'kills --json'],
  rules: ['rules', 'rules --action db.migrate'],
  features: ['features'],
  limits: ['limits'],
  executors: ['executors'],
  'executors forget': ['executors forget mailer-2', 'executors forget --silent'],
  approvals: ['approvals', 'approvals --status pending --agent returns-bot', 'approvals --follow'],
  'approvals show': ['approvals show 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11'],
  'approvals standing': ['approvals standing'],
  interventions: ['interventions --limit 20', 'interventions --proposals'],
  runs: ['runs', 'runs returns-42', 'runs returns-42 --json'],
  'runs resolve': ['runs resolve returns-42 refund-1007 --landed --reason "it is on the statement"'],
  rollback: [
    'rollback returns-42 --dry-run',
    'rollback returns-42 --reason "wrong refunds"',
    'rollback --agent returns-bot --since 2030-11-29T08:00:00Z --reason "wrong refunds"',
    'rollback --mission m-7 --reason "cancelled" --wait 30s',
  ],
  drill: [
    'drill',
    'drill --target agent:returns-bot --yes',
    'drill --kind rollback --yes --html drill.html',
    'drill --kind exfiltration --target action:email.send --recipient rival@example.test --yes',
  ],
  'drill schedule': [
    'drill schedule weekly stop "Mon 10:00 Europe/Berlin"',
    'drill schedule weekly off',
  ],
  drills: ['drills'],
  'drills show': ['drills show 3f6c1f0e-6c0b-4b6e-9d1c-2a7f6f0e9b11 --html drill.html'],
  surfaces: ['surfaces'],
  log: ['log', 'log --after 41'],
  'log verify': ['log verify'],
  'flagd export': ['flagd export', 'flagd export --watch flags.json'],
  'flagd import': ['flagd import flags.json --reason "banner on"'],
  'flagd validate': ['flagd validate flags.json', 'flagd validate --strict flags.json app.json    # for a pipeline'],
  'redis acl': [
    'redis acl --store redis://redis.internal:6379',
    'redis acl --executor mailer --store redis://redis.internal:6379',
  ],
};

/** The part of `--help` with the examples of a verb, or of all verbs under a noun. */
export function examplesHelp(name: string): string {
  const lines = Object.entries(EXAMPLES).flatMap(([verb, examples]) =>
    verb === name ? examples : verb.startsWith(`${name} `) ? examples.slice(0, 1) : [],
  );
  return `\nExamples:\n${lines.map((line) => `  kill-switch ${line}`).join('\n')}\n`;
}
