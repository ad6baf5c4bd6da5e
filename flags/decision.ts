import { type Cause, clauseForModel, describeCause, ON_ONE_LINE } from './causes.ts';
import type { Subject } from './context.ts';
import type { Mode, Verdict } from './modes.ts';
import { shownId } from './printable.ts';

/** What was computed for one subject. */
interface Decided {
  readonly verdict: Verdict;
  readonly mode: Mode;
  /** The number of the last applied change that it rests on; 0 when none is known. */
  readonly epoch: number;
  readonly cause: Cause;
}

/** The subject, as far as a decision names it. */
interface About {
  readonly action: string | undefined;
  readonly agentId: string | undefined;
  readonly runId: string | undefined;
  readonly missionId: string | undefined;
}

/**
 * What was computed for one subject, and for whom. Its two sentences are made when they are read: JSON has them, copies
 * by `{ ...decision }` or `structuredClone` have not.
 */
export interface Decision extends Decided, About {
  /** One sentence for a person: what becomes of the call, and why. It may hold what other people wrote. */
  readonly message: string;
  /** One sentence for a model: the same without who did it, and without anything that somebody wrote. */
  readonly modelMessage: string;
}

const FOR_PEOPLE: Readonly<Record<Verdict, string>> = {
  allow: 'may run',
  redirect: 'goes to its safe destination',
  hold: 'waits for a person to approve it',
  draft: 'is only drafted',
  pause: 'waits',
  block: 'is blocked',
};

const FOR_MODELS: Readonly<Record<Verdict, string>> = {
  allow: 'may run',
  redirect: 'goes to a safe destination instead',
  hold: 'waits for a person to approve it',
  draft: 'is only drafted and not executed',
  pause: 'waits, and is not executed yet',
  block: 'is not executed',
};

/**
 * A class with getters, because every call makes a decision, and few read its sentences. Its members are only declared:
 * a field that is first defined and then set takes twice the time.
 */
class MadeDecision implements Decision {
  declare readonly verdict: Verdict;
  declare readonly mode: Mode;
  declare readonly epoch: number;
  declare readonly cause: Cause;
  declare readonly action: string | undefined;
  declare readonly agentId: string | undefined;
  declare readonly runId: string | undefined;
  declare readonly missionId: string | undefined;

  constructor(subject: Subject, decided: Decided) {
    this.verdict = decided.verdict;
    this.mode = decided.mode;
    this.epoch = decided.epoch;
    this.cause = decided.cause;
    this.action = subject.action;
    this.agentId = subject.agentId;
    this.runId = subject.runId;
    this.missionId = subject.missionId;
  }

  get message(): string {
    const because = this.verdict === 'allow' ? '' : `: ${describeCause(this.cause, ON_ONE_LINE)}`;
    return `${this.action === undefined ? 'The action' : shownId(this.action)} ${FOR_PEOPLE[this.verdict]}${because}. Mode: ${this.mode}.`;
  }

  get modelMessage(): string {
    const because = this.verdict === 'allow' ? '' : `, because ${clauseForModel(this.cause)}`;
    return `${this.action ?? 'The action'} ${FOR_MODELS[this.verdict]}${because}.`;
  }

  toJSON(): Decision {
    const { verdict, mode, epoch, cause, action, agentId, runId, missionId, message, modelMessage } = this;
    return { verdict, mode, epoch, cause, action, agentId, runId, missionId, message, modelMessage };
  }
}

/** The decision about this subject. */
export const makeDecision = (subject: Subject, decided: Decided): Decision => new MadeDecision(subject, decided);

/**
 * The same decision, frozen: code that is given it cannot change it for others. Not by `deepFreeze`, because this is
 * done for every call, and only the cause is nested.
 */
export function freezeDecision(decision: Decision): Decision {
  Object.freeze(decision.cause);
  return Object.freeze(decision);
}
