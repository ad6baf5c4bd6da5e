import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';
import { copyOf, installBefore, npm } from './installed.ts';
import type { STORIES } from './folders.ts';

// What the switch is for, in programs that need nothing else. Each goes as it is told, and leaves nothing.

installBefore();
vi.setConfig({ testTimeout: 180_000 });

/** What a story has printed, taken apart. */
interface Told {
  readonly output: string;
  /** What a command answered: the first one that begins with these words after `npx kill-switch`. */
  readonly answer: (words: string) => string;
  /** The log, a change a line: who, what, and its details. */
  readonly log: readonly string[];
}

/** Runs a story, and holds its README and its folders against what happened. */
async function tell(story: (typeof STORIES)[number]): Promise<Told> {
  const folder = copyOf(story);
  const shipped = readdirSync(folder);
  const [temporary, state] = [temporaryFolder('stories').path, temporaryFolder('state').path];
  const { code, isGone, output } = await npm(folder, 'start', { TMPDIR: temporary, XDG_STATE_HOME: state });
  expect({ code, isGone }, output).toEqual({ code: 0, isGone: true });
  const left = readdirSync(temporary).filter((name) => name.startsWith(story)); // npm keeps a cache there
  expect([readdirSync(folder), left, readdirSync(state)]).toEqual([shipped, [], []]);
  expectReadme(folder, output);

  const answer = (words: string): string => {
    const [, rest = ''] = output.split(`$ npx kill-switch ${words}`);
    return rest.slice(rest.indexOf('\n') + 1).split('\n\n')[0] ?? '';
  };
  const changes = output.matchAll(/^\d+ {2}\S+Z {2}(?:unverified:)?(\S.*)$/gm);
  return { output, answer, log: Array.from(changes, ([, line = '']) => line.replaceAll(/ {2,}/g, ' ')) };
}

/** Each line that the README says is printed is printed, in this order, and those that matter stand in the program. */
function expectReadme(folder: string, output: string): void {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const printed = output.split('\n');
  let from = 0;
  for (const line of blockLines(readme, 'text')) {
    const at = printed.findIndex((own, index) => index >= from && lineLike(line).test(own));
    expect(at, `"${line}" is not printed after line ${from} of\n${output}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
  const program = readFileSync(join(folder, 'main.mjs'), 'utf8').split('\n');
  const matter = blockLines(readme, 'js');
  expect(matter).toHaveLength(3);
  expect(program.map((line) => line.trim())).toEqual(expect.arrayContaining([...matter]));
}

/** The lines of the blocks of one language in a README. */
const blockLines = (readme: string, language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))]
    .flatMap(([, block = '']) => block.split('\n'))
    .filter((line) => line !== '');

/** A line of a README, in which `…` stands for anything. */
const lineLike = (line: string): RegExp => {
  const parts = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`);
};

const linesOf = ({ output }: Told, pattern: RegExp): readonly string[] =>
  output.split('\n').filter((line) => pattern.test(line));

test('the notifier shows "Hi null" to its owner, and to no customer', async () => {
  const told = await tell('notifier');
  expect(linesOf(told, /^mail to /)).toEqual([
    'mail to owner@shop.example: (for ann@customers.example) Hi Ann, your parcel has left.',
    'mail to owner@shop.example: (for bob@customers.example) Hi null, your parcel has left.',
    'mail to ann@customers.example: Hi Ann, your parcel has left.',
    'mail to bob@customers.example: Hi there, your parcel has left.',
  ]);
  expect(linesOf(told, /^ {2}/)).toEqual(['  redirected', '  redirected', '  executed', '  executed']);
  expect(told.log).toEqual([
    'ann init',
    'ann mode test_mode "a rehearsal with the real customers"',
    'ann mode live "I have read every mail"',
  ]);
});

test('of refunds only those are paid that a person approved, and none over the cap', async () => {
  const told = await tell('returns');
  expect(linesOf(told, /^paid back /)).toEqual([
    'paid back 200.00 USD for order 1007',
    'paid back 20.00 USD for order 1008',
  ]);
  const said = told.output.split('\nThe bot wants to pay back ').slice(1);
  expect(said.map((part) => part.split('\n', 3).slice(0, 3))).toEqual([
    ['200.00 USD for order 1007.', expect.stringMatching(/^payments\.refund waits for a person/), ''],
    ['150.00 USD for order 1007.', expect.stringContaining('the arguments differ'), ''],
    ['200.00 USD for order 1007.', 'paid back 200.00 USD for order 1007', 'executed'],
    ['200.00 USD for order 1007.', expect.stringMatching(/blocked.* is used/), ''],
    ['200.01 USD for order 1008.', expect.stringContaining('the limit refund.max of 200.00'), ''],
    ['20.00 USD for order 1008.', 'paid back 20.00 USD for order 1008', 'executed'],
  ]);
  expect(told.answer('--operator returns-bot approve')).toContain('cannot approve it');
  expect(told.answer('--operator ben approve')).toContain('is approved, at epoch 4: once');
  expect(told.log).toEqual([
    'dana init',
    'dana mode approval_gated "a person looks at every refund"',
    expect.stringMatching(/^returns-bot refused approve approval:\S+ SELF_APPROVAL$/),
    expect.stringMatching(/^ben approve \S+ payments\.refund agent:returns-bot$/),
    expect.stringMatching(/^ben standing \S+ payments\.refund for agent:returns-bot at most 20 times/),
  ]);
});

test('contracts are signed for the accounts that have opted in, and for no others', async () => {
  const told = await tell('e-signature');
  expect(linesOf(told, /^(acme|globex|initech) |^ {2}signed /)).toEqual([
    'acme (dark): blocked',
    'globex (dark): blocked',
    'initech (dark): blocked',
    '  signed the contract of acme',
    'acme (live): executed',
    '  signed the contract of globex',
    'globex (live): executed',
    'initech (dark): blocked',
    '  signed the contract of acme',
    'acme (live): executed',
    'globex (dark): blocked',
    'initech (dark): blocked',
  ]);
  expect(told.log).toEqual([
    'ann init',
    'ann mode live "launch"',
    expect.stringMatching(/^ann feature e-signature .*acme.*globex.* "both have signed the addendum"$/),
    expect.not.stringContaining('globex'),
  ]);
});

test('the autopilot sets a budget only while it has the keys, which it gets on evidence', async () => {
  const told = await tell('ad-autopilot');
  expect(linesOf(told, /^\w+day: /)).toEqual([
    'monday: recommends 100 → 120 dollars a day; the budget is 100',
    'tuesday: recommends 120 → 900 dollars a day; the budget is 120',
    'wednesday: recommends 125 → 130 dollars a day; the budget is 125',
    'thursday: recommends 130 → 140 dollars a day; the budget is 130',
    'friday: executed; the budget is 150',
    'saturday: recommends 150 → 5000 dollars a day; the budget is 150',
  ]);
  expect(told.answer('feature ads.autopilot live')).toMatch(/cannot become live yet.* 66\.67 % where 75 %/);
  expect(told.answer('feature ads.autopilot --evidence')).toMatch(/4 of 4, of which 3 agreed \(75 %\)[^]*That is met/);
  expect(told.log).toEqual([
    'ann init',
    'ann mode live "launch"',
    expect.stringMatching(/^ann feature ads\.autopilot dark needs .*"agreement":0\.75.*"runs":4/),
    'ann feature ads.autopilot shadow "let it recommend"',
    'ann refused feature feature:ads.autopilot EVIDENCE_REQUIRED',
    expect.stringMatching(
      /^ann feature ads\.autopilot live with .*"agreed":3.*"shadow_runs":4.* "three nights of four"$/,
    ),
    'ann feature ads.autopilot shadow',
  ]);
});

test('under the freeze the SQL agent reads, and the rollback leaves the database as it was', async () => {
  const told = await tell('sql-agent');
  expect(linesOf(told, /^(before|after|now): |^reads go on: /)).toEqual([
    'before: {"lamp":40,"chair":120}',
    'after:  {"lamp":2,"chair":120,"sofa":1}',
    'reads go on:   {"lamp":2,"chair":120,"sofa":1}',
    'now:    {"lamp":40,"chair":120}',
  ]);
  expect(told.output).toMatch(/^writes do not: db\.update is blocked \(mode read_only\).*code freeze/m);
  const outcomes = (words: string) =>
    told.answer(words).match(/^(?:reversi?b?l?e?d?|not_reversible|failed|unknown)\b/gm);
  expect(outcomes('rollback night-42 --dry-run')).toEqual(['reversible', 'not_reversible', 'reversible', 'reversible']);
  expect(outcomes('rollback night-42 --reason')).toEqual(['reversed', 'not_reversible', 'reversed', 'reversed']);
  expect(told.answer('runs night-42').match(/\b(?:reversed|landed)\b/g)).toEqual([
    'reversed',
    'reversed',
    'landed',
    'reversed',
  ]);
  expect(told.log).toEqual([
    'ann init',
    'ann mode live "launch"',
    'ann kill agent:sql-agent read_only "code freeze"',
    'ann kill run:night-42 full_stop "rollback: prices were for the test shop"',
    'ann rollback run:night-42 4 effects by sql-agent "prices were for the test shop"',
  ]);
});

test('the research loop stops before it has spent more than 50 dollars', async () => {
  const told = await tell('research-loop');
  expect(linesOf(told, /^research-\d has asked/)).toEqual([
    'research-7 has asked 134 times, for 49.58 dollars.', // with a 135th, which may cost 0.50, it could be over 50
    'research-7 has asked 2 times, for 0.74 dollars.',
    'research-8 has asked 50 times, for 18.50 dollars.',
  ]);
  expect(linesOf(told, /^(paused|blocked): /)).toEqual([
    expect.stringMatching(/the budget of run.* 50 usd/),
    expect.stringMatching(/the tripwire repeats/),
  ]);
  expect(told.answer('budgets')).toMatch(/run:research-7 +50 usd +49\.58 +0 /);
  expect(told.log).toEqual([
    'ann init',
    'ann mode live "launch"',
    'ann budget run 50 usd',
    expect.stringMatching(/^budget:run stop .*run:research-7/),
    expect.stringMatching(/^ann revive run:research-7 .*"the last answers are worth it"$/),
  ]);
});

test('infrastructure changes at noon, and not at night', async () => {
  const told = await tell('infra-hours');
  expect(linesOf(told, /^ {2}/)).toEqual([
    '  three servers more in west',
    '  infra.apply may run (mode live).',
    '  a report on west',
    expect.stringMatching(/^ {2}infra\.apply is blocked \(mode full_stop\): the rule no-infra-east until \S+Z\.$/),
    '  a report on east',
  ]);
  expect(told.answer('check')).toMatch(/^infra\.apply is blocked .*: the rule no-infra-east until \S+Z\.$/);
  expect(told.answer('rules')).toMatch(/^no-infra-east .* applies until .*\nno-infra-west .* rests until /m);
  expect(told.log).toEqual([
    'ann init',
    'ann mode live "launch"',
    expect.stringMatching(
      /^ann rule_add no-infra-west action:infra\.\* full_stop window Mon-Sun 18:00-08:00 \S+ when /,
    ),
    expect.stringMatching(
      /^ann rule_add no-infra-east action:infra\.\* full_stop window Mon-Sun 18:00-08:00 \S+ when /,
    ),
  ]);
});
