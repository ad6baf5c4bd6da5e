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
  feature: ['feature returns.auto', 'feature returns.auto gated --reason "pilot"'],
  limit: ['limit refund.max', 'limit refund.max 200 --reason "audited"'],
  autonomy: ['autonomy email.send', 'autonomy email.send human_on_the_loop --reason "a month without a mistake"'],
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
  features: ['features'],
  limits: ['limits'],
  executors: ['executors'],
  'executors forget': ['executors forget mailer-2', 'executors forget --silent'],
  interventions: ['interventions --limit 20', 'interventions --proposals'],
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
