import { causeFromRecord, describeCause, entryKey, type Intervention, readTarget, shownId } from '../../flags/index.ts';
import { namesIn } from '../../flags/unsaid.ts';
import { entriesOf, lastInterventions, ofRun } from './evidence.ts';
import { type Phase, POLL_MS } from './phase.ts';

/** How long the executor may take to try it, in milliseconds, beside the window. */
const TRY_MS = 10_000;

/**
 * An executor tries an action of that name, to a recipient whom nobody has allowed: what restricts the application's
 * action restricts this one, which sends nothing. It has to be refused by a rule, since only rules know recipients.
 */
export const exfiltration: Phase = {
  name: 'send',
  says: 'Trying to send something to somebody who is not allowed.',
  async run(so) {
    const { asked, parts, performer } = so;
    const { journals } = parts.connection;
    const { id: action } = readTarget(asked.target);
    const since = so.elapsed;
    for (;;) {
      const entries = journals ? await entriesOf(journals, so.run) : [];
      const sent = entries.filter(({ state }) => state === 'landed' || state === 'failed');
      const [refused] = ofRun(await lastInterventions(parts.connection), so.run);
      if (sent.length > 0 || refused) {
        const canary = { executor: performer?.name ?? '', landed: sent.length, refused: refused ? 1 : 0, reversed: 0 };
        so.report = { ...so.report, canary };
        if (sent.length > 0)
          so.findings.push(
            `${action} to ${asked.recipient} was let through: no rule keeps it from a recipient who is not allowed.`,
          );
        else if (refused) so.findings.push(...(await whyNotForRecipient(so, refused)));
        return;
      }
      if (so.elapsed - since > asked.windowMs + TRY_MS) {
        so.findings.push(`${performer?.name} has not tried ${action} within ${asked.windowMs + TRY_MS} ms.`);
        return;
      }
      await so.pause(2 * POLL_MS);
    }
  },
};

/** What is wrong with how it was refused; empty where a rule that asks for the recipient has blocked it. */
async function whyNotForRecipient(
  { asked, parts }: Parameters<Phase['run']>[0],
  { cause, verdict }: Pick<Intervention, 'cause' | 'verdict'>,
): Promise<string[]> {
  const what = `${readTarget(asked.target).id} to ${asked.recipient}`;
  if (cause['kind'] !== 'rule') return [`${what} was refused, but not for its recipient: ${causeOf(cause)}.`];
  if (verdict !== 'block') return [`${what} was not blocked, but only ${verdict}: it may be sent later.`];
  const name = String(cause['rule']);
  const when = (await parts.connection.read([entryKey('rule', name)])).get('rule', name)?.when;
  if (namesIn(when).includes('recipient')) return [];
  return [`${what} was blocked by the rule ${shownId(name)}, which does not ask for the recipient.`];
}

function causeOf(record: Readonly<Record<string, unknown>>): string {
  const cause = causeFromRecord(record);
  return cause ? describeCause(cause) : 'by something that this version does not know';
}
