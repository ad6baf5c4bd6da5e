import { Option } from 'commander';
import { invalid, shownId } from '../../../flags/index.ts';
import type { ApprovalAnswer, RequestAnswer } from '../../answers.ts';
import { approvalsArgument, decideEach } from '../approval-ids.ts';
import type { Verb } from '../command.ts';
import { changeWords } from '../governance-words.ts';
import { shortTime } from '../output.ts';
import { readJson } from '../read-definition.ts';

interface Options {
  readonly input?: string;
  readonly hash?: string;
  readonly notes?: string;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(approvalsArgument())
    .addOption(
      new Option(
        '--input <file>',
        'a JSON file with other arguments, which are approved in the place of those asked for',
      ),
    )
    .addOption(
      new Option('--hash <sha256>', 'the hash of the arguments that you were shown: refused where it is another'),
    )
    .addOption(new Option('--notes <text>', 'what is to be remembered of this decision'))
    .action(
      perform(async (context, ids: readonly string[], { input: file, hash, notes }: Options) => {
        if (ids.length > 1 && (file !== undefined || hash !== undefined))
          throw invalid('--input and --hash are about one request: approve each of several without them.');
        const input = file === undefined ? undefined : await readJson(file);
        const control = await context.control();
        const asked = new Set((await control.requests()).data.map(({ id }) => id));
        return decideEach(context, ids, {
          async decide(id) {
            if (!asked.has(id)) return control.approve({ id, input, inputHash: hash, notes });
            if (input === undefined && hash === undefined) return control.approveRequest({ id, reason: notes });
            throw invalid(
              `${id} is a request of another person, which has no arguments: leave out --input and --hash.`,
            );
          },
          says: (answer) => ('request' in answer ? saysGranted(answer) : says(answer)),
        });
      }),
    );
};

const saysGranted = ({ request, epoch }: RequestAnswer): string =>
  `${changeWords(request.change)} is done, at epoch ${epoch}, as ${shownId(request.asked_by)} has asked for.`;

function says({ approval, epoch, already }: ApprovalAnswer): string {
  const {
    id,
    action,
    agent_id,
    approvals_given: given,
    approvals_needed: needed,
    expires_at,
    edited_input_hash,
  } = approval;
  const what = `${shownId(action)} of agent:${shownId(agent_id)} (${id})`;
  const edited = edited_input_hash === null ? '' : ', with the arguments that you gave';
  if (already) return `${what} was approved already. Your approval is recorded too, at epoch ${epoch}.`;
  if (given < needed)
    return `${what} has ${given} of ${needed} approvals${edited}, at epoch ${epoch}. Another person has to approve it too.`;
  return `${what} is approved${edited}, at epoch ${epoch}: once, until ${shortTime(expires_at)}.`;
}
