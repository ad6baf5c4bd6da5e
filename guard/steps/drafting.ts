import { type Decision, messageOf } from '../../flags/index.ts';
import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import { evaluateMode } from '../evaluate.ts';
import { callHandler } from '../handlers.ts';
import type { Proposal } from '../interventions.ts';
import { look } from '../look.ts';
import { stopOngoing } from '../ongoing/index.ts';
import type { BegunShadowRun } from '../shadow-runs.ts';
import type { Next } from './step.ts';

/**
 * Ends an attempt that may only be drafted: by the action's draft handler, else by recording a proposal. Nothing is
 * executed.
 */
export async function draft<Input, Result>(attempt: Attempt<Input, Result>): Promise<Next<Result>> {
  const { guard, subject } = attempt;
  // The decision may be out of date by now, and code of the application is called next.
  const decision = attempt.look();
  if (decision.verdict !== 'draft') return attempt.reconsider();
  const shadowRun = guard.shadowRuns.begin(decision, subject, attempt.input);
  const drafted = attempt.action.draft ? await byHandler(attempt) : await byProposal(attempt, decision);
  const made = shadowRun === null || 'problem' in drafted ? drafted : await recorded(shadowRun, drafted);
  if ('problem' in made) return attempt.refuse(blocked(subject, faultCause(made.code, made.problem), decision));
  const last = look(guard, subject, await evaluateMode(guard, subject));
  if (last.verdict === 'block') return attempt.refuse(last); // a proposal stays: a person may still take it up
  return 'proposal' in made ? attempt.propose(decision, made.proposal) : attempt.draft(decision, made.draft);
}

type Made =
  | { readonly draft: unknown }
  | { readonly proposal: Proposal }
  | { readonly problem: string; readonly code: 'HANDLER_FAILED' | 'JOURNAL_UNAVAILABLE' };

/** What shadow would have done is evidence: where it cannot be recorded, nothing is drafted. */
async function recorded(run: BegunShadowRun, made: Exclude<Made, { readonly problem: string }>): Promise<Made> {
  const kept =
    'proposal' in made
      ? { draft: null, proposalId: made.proposal.proposalId }
      : { draft: made.draft, proposalId: null };
  try {
    await run.keep(kept);
    return made;
  } catch (error) {
    return { problem: `the shadow run could not be recorded: ${messageOf(error)}`, code: 'JOURNAL_UNAVAILABLE' };
  }
}

async function byHandler<Input, Result>(attempt: Attempt<Input, Result>): Promise<Made> {
  const { action, input } = attempt;
  const handled = await callHandler('its draft handler', (context) => action.draft?.(input, context), attempt);
  if ('problem' in handled) return { problem: handled.problem, code: 'HANDLER_FAILED' };
  const problem = problemOf(action.name, handled.value);
  return problem === null ? { draft: handled.value } : { problem, code: 'HANDLER_FAILED' };
}

function problemOf(name: string, draft: unknown): string | null {
  if (draft === undefined) return 'its draft handler returned nothing';
  return stopOngoing(name, draft)
    ? 'its draft handler returned something that could act after the call (a generator, a stream, a promise, a timer): await it in the handler'
    : null;
}

async function byProposal<Input, Result>(
  { guard, input, subject }: Attempt<Input, Result>,
  decision: Decision,
): Promise<Made> {
  try {
    return { proposal: await guard.interventions.propose(decision, subject, input) };
  } catch (error) {
    return { problem: `the proposal could not be recorded: ${messageOf(error)}`, code: 'JOURNAL_UNAVAILABLE' };
  }
}
