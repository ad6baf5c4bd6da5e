import { printable, shownId } from '../../../flags/index.ts';
import type { ApprovalDetail } from '../../answers.ts';
import { approvalArgument } from '../approval-ids.ts';
import type { Context, Verb } from '../command.ts';
import { quoted, shortTime, toJson } from '../output.ts';
import type { Line } from '../text.ts';

export const verb: Verb = (command, perform) => {
  command.addArgument(approvalArgument('the request, by its id, as approvals shows it')).action(
    perform(async (context, id: string) => {
      const value = await (await context.control()).approval(id);
      return { value, text: screen(value, context) };
    }),
  );
};

function screen(record: ApprovalDetail, { advice }: Pick<Context, 'advice'>): Line[] {
  const { id, status, action, agent_id, run_id, mission_id, requested_by, writer, description, problem } = record;
  const orNone = (name: string | null): string => (name === null ? 'none' : shownId(name));
  return [
    `Request   ${id}`,
    ['Status    ', ...statusOf(record)],
    `Action    ${shownId(action)}`,
    `Agent     ${shownId(agent_id)}, run ${orNone(run_id)}, mission ${orNone(mission_id)}${lineage(record)}`,
    `Asked by  ${shownId(requested_by)}${writer === null ? '' : ` (written by ${printable(writer)})`}, at ${shortTime(record.requested_at)}`,
    `Expires   ${shortTime(record.expires_at)}${record.escalate_at === null ? '' : `, told again at ${shortTime(record.escalate_at)}`}`,
    `Cost      ${costOf(record)}; ${record.reversible ? 'can be undone' : 'cannot be undone'}`,
    ...(problem === null ? [] : [[{ text: `It cannot be decided: ${printable(problem)}.`, style: 'alarm' as const }]]),
    '',
    description === null ? 'It says nothing about itself.' : `In the agent's own words: ${quoted(description)}`,
    '',
    `The arguments as the agent gave them, without secrets (hash ${record.input_hash}):`,
    ...block(record.input_cut ? [String(record.input)] : toJson(record.input, 2).split('\n')),
    ...(record.input_cut
      ? [
          [
            {
              text: `${record.input_length - String(record.input).length} of ${record.input_length} characters are not shown.`,
              style: 'alarm' as const,
            },
          ],
        ]
      : []),
    ...(record.edited_input_hash === null
      ? []
      : [
          '',
          `Approved with these arguments in their place (hash ${record.edited_input_hash}):`,
          ...block(toJson(record.edited_input, 2).split('\n')),
        ]),
    '',
    ...sinceLast(record),
    ...(status === 'pending' && problem === null
      ? ['', advice(`To approve exactly this: kill-switch approve ${id} --hash ${record.input_hash}`)]
      : []),
  ];
}

function statusOf({
  status,
  why,
  approvals_given,
  approvals_needed,
  decided_by,
  decision_notes,
}: ApprovalDetail): Line & object {
  const by = decided_by === null ? '' : `, last by ${shownId(decided_by)}`;
  const notes = decision_notes === null ? '' : `: ${quoted(decision_notes)}`;
  const given = `, ${approvals_given} of ${approvals_needed} approvals`;
  const because = why === null ? '' : `; it ${printable(why)}`;
  return [status === 'pending' ? { text: status, style: 'heed' } : status, `${given}${by}${notes}${because}`];
}

const costOf = ({ cost_usd, edited_input_hash }: ApprovalDetail): string =>
  cost_usd === null
    ? 'not known'
    : edited_input_hash === null
      ? `$${cost_usd}`
      : `$${cost_usd} as it was asked for, and not known of the arguments that were approved`;

const lineage = ({ lineage_agents, lineage_runs }: ApprovalDetail): string =>
  lineage_agents.length + lineage_runs.length === 0
    ? ''
    : `, below ${[...lineage_agents.map((each) => `agent:${shownId(each)}`), ...lineage_runs.map((each) => `run:${shownId(each)}`)].join(', ')}`;

const block = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function sinceLast({ last_approved: last, action }: ApprovalDetail): string[] {
  if (last === null)
    return [`No request of ${shownId(action)} that was approved is kept whole, so nothing is compared.`];
  const { id, requested_at, differences } = last;
  const which = `the last one of ${shownId(action)} that was approved (${id}, asked at ${shortTime(requested_at)})`;
  if (differences.length === 0) return [`The arguments are those of ${which}.`];
  const side = (value: unknown): string => (value === undefined ? 'nothing' : toJson(value));
  return [
    `What differs from ${which}:`,
    ...differences.map(
      ({ path, was, is }) => `  ${path === '' ? 'all of it' : printable(path)}: ${side(was)} → ${side(is)}`,
    ),
  ];
}
