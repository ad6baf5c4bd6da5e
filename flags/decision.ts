import { type Cause, clauseForModel, describeCause } from './causes.ts';
import type { Subject } from './context.ts';
import type { Mode, Verdict } from './modes.ts';

/** What was computed for one call. */
interface Decided {
  readonly verdict: Verdict;
  readonly mode: Mode;
  /** The last applied change that it rests on, 0 when none is known. */
  readonly epoch: number;
  readonly cause: Cause;
}

/** Whose call it was. */
interface Caller {
  readonly action: string | undefined;
  readonly agentId: string | undefined;
  readonly runId: string | undefined;
  readonly missionId: string | undefined;
}

/**
 * What was computed for one call, and whose it was. Both sentences are put together when they are read: JSON has them,
 * a copy (`{ ...decision }`, `structuredClone`) has not.
 */
export interface Decision extends Decided, Caller {
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
 * A class, because a decision is made for each call, and its sentences are wanted of few. Its members are only
 * declared: a field that is first defined and then set takes twice the time.
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
    const because = this.verdict === 'allow' ? '' : `: ${describeCause(this.cause)}`;
    return `${this.action ?? 'The action'} ${FOR_PEOPLE[this.verdict]}${because}. Mode: ${this.mode}.`;
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

/** The decision on a call of this caller. */
export const makeDecision = (subject: Subject, decided: Decided): Decision => new MadeDecision(subject, decided);

/**
 * The same decision, so that nobody who is given it can change what others go by. It is flat but for its cause, and
 * this is done for each call.
 */
export function freezeDecision(decision: Decision): Decision {
  Object.freeze(decision.cause);
  return Object.freeze(decision);
}
