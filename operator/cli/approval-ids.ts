import { Argument } from 'commander';
import { isKillSwitchError } from '../../flags/index.ts';
import { approvalId } from '../given/approval.ts';
import { type Answer, type Context, EXIT } from './command.ts';
import { wordsOf } from './error-words.ts';

/** One request or standing approval. */
export const approvalArgument = (what: string): Argument => new Argument('<id>', what).argParser(approvalId);

/** Several requests, each by its id: all of them are checked before the first is decided. */
export const approvalsArgument = (): Argument =>
  new Argument('<id...>', 'the requests, each by its id, as approvals shows it').argParser(
    (text, before?: readonly string[]) => [...(before ?? []), approvalId(text)],
  );

/** Decides each of these requests. One that is refused keeps nobody from deciding the others. */
export async function decideEach<Answered>(
  context: Context,
  ids: readonly string[],
  { decide, says }: { readonly decide: (id: string) => Promise<Answered>; readonly says: (answer: Answered) => string },
): Promise<Answer> {
  const each = [...new Set(ids)];
  const [only, ...others] = each;
  if (only !== undefined && others.length === 0) {
    const answer = await decide(only);
    const text = says(answer);
    return { value: answer, text, recorded: text };
  }
  const values: unknown[] = [];
  const lines: string[] = [];
  let refused = false;
  for (const id of each) {
    try {
      const answer = await decide(id);
      values.push(answer);
      lines.push(says(answer));
    } catch (error) {
      if (!isKillSwitchError(error)) throw error;
      refused = true;
      const detail = wordsOf(error);
      values.push({ id, code: error.code, detail });
      lines.push(context.advice(detail));
    }
  }
  return {
    value: { approvals: values },
    text: lines,
    recorded: lines.join('\n'),
    exitCode: refused ? EXIT.failed : EXIT.done,
  };
}
