import { type Cause, clauseForModel, describeCause, insteadForModel, ON_ONE_LINE, type ShownAs } from './causes.ts';
import type { Subject } from './context.ts';
import type { Mode, Verdict } from './modes.ts';
import { shownId } from './printable.ts';
import { redactText } from './secret-texts.ts';

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
  /**
   * One sentence for a model: what was decided, why, and what it may do instead; without who did it, and without
   * anything that somebody wrote.
   */
  readonly modelMessage: string;
}

const NOT_AGAIN = 'do not try it again or by other means, and report that it was not done';

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

/** What a model may do where a call was not simply allowed or blocked. */
const INSTEAD: Readonly<Record<Exclude<Verdict, 'allow' | 'block'>, string>> = {
  redirect: 'go on, and do not report that it has reached its real destination',
  hold: 'do not repeat it meanwhile, and go on with what does not depend on it',
  draft: 'a person may carry it out later, so do not report that it is done',
  pause: 'go on with what does not depend on it, or try it again later',
};

/** What a model may do where a call is blocked and its cause says nothing of its own about that. */
const WHERE_BLOCKED: Readonly<Record<Mode, string>> = {
  live: NOT_AGAIN,
  approval_gated: NOT_AGAIN,
  test_mode: NOT_AGAIN,
  draft_only: NOT_AGAIN,
  read_only: 'what only reads is still allowed, so go on with that, and report that this was not done',
  paused: INSTEAD.pause,
  full_stop: NOT_AGAIN,
};

/** What a model may do: of a pause too its cause may say that to wait is not enough. */
function insteadOf(verdict: Exclude<Verdict, 'allow'>, cause: Cause, mode: Mode): string {
  if (verdict === 'block') return insteadForModel(cause) ?? WHERE_BLOCKED[mode];
  return (verdict === 'pause' ? insteadForModel(cause) : undefined) ?? INSTEAD[verdict];
}

/** A name as it is shown; `check()` may have been given anything as one. */
const nameOf = ({ action }: { readonly action: unknown }, noun = 'The action'): string =>
  typeof action === 'string' && action !== '' ? shownId(action) : noun;

/**
 * On one line, and without secrets in what somebody wrote, since messages are logged. Many of those texts end with a
 * full stop, after which the sentence goes on.
 */
const IN_A_SENTENCE: ShownAs = {
  ...ON_ONE_LINE,
  words: (text) => ON_ONE_LINE.words(redactText(text).replace(/[\s.]+$/, '')),
};

/** Why, after a colon; nothing where the mode alone is why, which the sentence has named already. */
export function becauseOf(cause: Cause): string {
  const why = cause.kind === 'mode' ? '' : describeCause(cause, IN_A_SENTENCE);
  return why === '' ? '' : `: ${why}`;
}

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
    const because = this.verdict === 'allow' ? '' : becauseOf(this.cause);
    return `${nameOf(this)} ${FOR_PEOPLE[this.verdict]} (mode ${this.mode})${because}.`;
  }

  get modelMessage(): string {
    const { verdict, cause, mode } = this;
    if (verdict === 'allow') return `${nameOf(this)} ${FOR_MODELS.allow}.`;
    const instead = insteadOf(verdict, cause, mode);
    return `${nameOf(this)} ${FOR_MODELS[verdict]}, because ${clauseForModel(cause)}: ${instead}.`;
  }

  toJSON(): Decision {
    const { verdict, mode, epoch, cause, action, agentId, runId, missionId, message, modelMessage } = this;
    return { verdict, mode, epoch, cause, action, agentId, runId, missionId, message, modelMessage };
  }
}

/** What becomes of something of which the verdict alone does not tell how it has ended. */
interface EndingRow {
  /** What it is called where it has no name. */
  readonly noun: string;
  /** What has become of it: after its name, before the mode. */
  readonly has: string;
  /** Why, for a model; default: what its cause says. */
  readonly because?: string;
  /** What a model may do; default: as where it is blocked. */
  readonly instead?: string;
}

const ENDINGS = {
  /** Stopped while it ran. */
  stopped: {
    noun: 'The action',
    has: 'was stopped while it ran, and may have taken effect',
    instead: 'do not repeat it, and report that it is not known whether it was done',
  },
  /** Stopped while it ran, and it cannot have written. */
  'stopped without effect': { noun: 'The action', has: 'was stopped while it ran, and has changed nothing' },
  /** Its caller's own signal fired before it began. */
  'given up': {
    noun: 'The action',
    has: 'was given up before it began',
    because: 'its caller has ended it',
    instead: 'report that it was not done',
  },
  /** People have approved exactly this. */
  approved: {
    noun: 'The action',
    has: 'was let through',
    because: 'a person has approved it',
    instead: 'go on by its result',
  },
  /** They have approved it with arguments of their own. */
  'approved otherwise': {
    noun: 'The action',
    has: 'was let through with other arguments',
    because: 'a person has changed them',
    instead: 'go by what was done, which is not what was asked for',
  },
  /** The journal has answered: nothing was done now. */
  repeated: {
    noun: 'The action',
    has: 'was done before, and is not done again',
    because: 'an earlier call with its idempotency key has landed',
    instead: 'go on by its result',
  },
  /** The journal knows of an earlier try, and not how that has ended. */
  'in doubt': {
    noun: 'The action',
    has: 'is not tried again, and may have been done before',
    because: 'how an earlier try with its idempotency key has ended is not known',
    instead: 'do not repeat it in any form, and report that it is not known whether it was done',
  },
  /** It has landed, and the journal does not have that yet. */
  unrecorded: {
    noun: 'The action',
    has: 'was done, and is not recorded yet',
    because: 'the record of what was done could not be written',
    instead: 'go on by its result, and do not repeat it',
  },
  /** A transaction that may not begin. */
  'not begun': { noun: 'The transaction', has: 'has not begun' },
  /** A transaction that was stopped before it was committed. */
  'rolled back': { noun: 'The transaction', has: 'was rolled back, so nothing of it was done' },
  /** One tick of a job. */
  skipped: {
    noun: 'The job',
    has: 'is skipped this time',
    instead: 'do not do its work by other means, since it comes again by its schedule',
  },
  /** A run, at a checkpoint or by its signal. */
  halted: { noun: 'The run', has: 'may not go on', instead: 'end it here, and report what is left to do' },
} as const satisfies Readonly<Record<string, EndingRow>>;

/** How something has ended that its verdict alone does not tell. */
export type Ending = keyof typeof ENDINGS;

/** The same decision, with the sentences of an ending. */
class EndedDecision extends MadeDecision {
  readonly #ending: EndingRow;

  constructor(decision: Decision, ending: Ending) {
    super(decision, decision);
    this.#ending = ENDINGS[ending];
  }

  override get message(): string {
    const { noun, has } = this.#ending;
    const because = this.verdict === 'allow' ? '' : becauseOf(this.cause);
    return `${nameOf(this, noun)} ${has} (mode ${this.mode})${because}.`;
  }

  override get modelMessage(): string {
    const { cause, mode } = this;
    const { noun, has, because = clauseForModel(cause) } = this.#ending;
    const { instead = insteadForModel(cause) ?? WHERE_BLOCKED[mode] } = this.#ending;
    return `${nameOf(this, noun)} ${has}, because ${because}: ${instead}.`;
  }
}

/** The decision by which something has ended so: its sentences say that, where its verdict alone would mislead. */
export const endedDecision = (decision: Decision, ending: Ending): Decision => new EndedDecision(decision, ending);

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
