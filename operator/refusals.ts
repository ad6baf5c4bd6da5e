import {
  type Head,
  KillSwitchError,
  type KillSwitchErrorCode,
  type Mode,
  quoteId,
  type Role,
  shellWord,
} from '../flags/index.ts';

import type { UnjudgedRun } from './evidence.ts';

/** Where a switch is looked for. */
export interface Place {
  readonly location: string;
  readonly organizationId: string;
}

/** `place`: where it was looked for; null where that is not known, as in planning. */
interface Placed {
  readonly place: Place | null;
}

/** The facts of each kind of refusal. */
interface Facts {
  readonly not_initialised: Placed;
  /** A `recover` of an empty store, in which nobody is known to have seen a control plane. */
  readonly never_seen: Placed;
  readonly already_initialised: Placed & { readonly epoch: number };
  /** The store is empty, but executors had seen a control plane in it. */
  readonly wiped: Placed;
  /** `problem` ends a sentence that begins with the name. */
  readonly not_a_name: { readonly name: string; readonly of: string; readonly problem: string };
  /** `problem` is a sentence. */
  readonly not_a_target: { readonly problem: string };
  readonly live_kill: object;
  readonly end_passed: { readonly end: string; readonly now: string };
  readonly end_out_of_reach: { readonly lastsMs: number };
  /** `rules`: those that restrict it; absent where none does. */
  readonly not_killed: { readonly target: string; readonly rules?: readonly string[] };
  /** A rule that would leave everything as it is. */
  readonly live_rule: object;
  /** A window that would never be open, or is over already. */
  readonly never_opens: { readonly from: string; readonly until: string; readonly now: string };
  readonly no_rule: { readonly name: string };
  readonly no_budget: { readonly name: string };
  readonly no_tripwire: { readonly name: string };
  /** The window of that rule is compiled far enough ahead; or there is none. */
  readonly not_due: { readonly name: string };
  /** A stop that a rollback was to pass is not as it was when that was previewed. */
  readonly not_stopped: { readonly target: string };
  readonly no_rollback: { readonly id: string };
  /** `what`: what takes it, to begin a sentence; default: giving authority back. */
  readonly reason_required: { readonly what?: string | undefined };
  /** `problem` is a sentence: the reason cannot stand in the log as it was given, so nothing is loosened. */
  readonly reason_unfit: { readonly problem: string };
  /** The epoch that was named is beyond the end of the log. */
  readonly epoch_ahead: { readonly named: number; readonly head: Head | null };
  /** The entry was changed after the epoch that the operator had read. */
  readonly changed_since: { readonly entry: string; readonly changed: number; readonly named: number };
  /** `missing`: what the evidence lacks, in words. */
  readonly evidence_required: {
    readonly feature: string;
    readonly stage: string;
    readonly missing: readonly string[];
    /** The first runs that lack an outcome; absent where that is not known. */
    readonly unjudged?: readonly UnjudgedRun[];
  };
  /** `problem` is a sentence: what was set is no budget, or no tripwire. */
  readonly not_a_definition: { readonly problem: string };
  /** An executor's stop that the log has already, or that holds no longer. */
  readonly stop_over: { readonly target: string };
  readonly log_full: { readonly epoch: number };
  /** There is no request of this id, or (`standing`) no standing approval. */
  readonly approval_missing: { readonly id: string; readonly standing: boolean };
  /** `problem` is a clause: the request cannot be shown as it was asked, so nobody can decide it. */
  readonly approval_unfit: { readonly id: string; readonly problem: string };
  /** It is expired, rejected, used or cancelled. `why` is a clause that goes on after the id. */
  readonly approval_ended: { readonly id: string; readonly status: string; readonly why: string };
  /** What was shown, or what somebody else has approved, is not what is to be approved. */
  readonly other_arguments: { readonly id: string; readonly why: string };
  /** A standing approval that would last longer than any may. */
  readonly approval_too_long: { readonly end: string; readonly longest: string };
  readonly self_approval: { readonly id: string; readonly name: string };
  readonly same_approver: { readonly id: string; readonly name: string; readonly needed: number };
  /** `says`: what the role is for, behind "whoever may". */
  readonly role_required: {
    readonly verb: string;
    readonly says: string;
    readonly needed: readonly Role[];
    readonly has: readonly Role[];
  };
  /** Governance names who may restore this mode. */
  readonly restore_role: { readonly mode: Mode; readonly needed: readonly Role[]; readonly has: readonly Role[] };
  /** More than one step at once. `what`: what goes step by step, to begin a sentence. */
  readonly ladder: { readonly what: string; readonly from: string; readonly asked: string; readonly step: string };
  /** The last step has not stood long enough. */
  readonly dwell: { readonly entry: string; readonly since: string; readonly until: string };
  /** `has`: what this person has done, who therefore cannot be the second one. */
  readonly second_person: { readonly id: string; readonly has: 'asked' | 'killed' };
  readonly no_request: { readonly id: string };
  /** `most`: how many there may be, of all or of one person. */
  readonly requests_full: { readonly most: number };
  /** In characters of JSON. */
  readonly request_too_long: { readonly size: number; readonly most: number };
  readonly break_glass_off: object;
  /** No drill was passed within so many milliseconds; `passed_at`: the last one, null for none. */
  readonly drill_required: { readonly drill_ms: number; readonly passed_at: string | null };
  /** Another drill is under way. */
  readonly drill_running: { readonly id: string; readonly by: string; readonly until: string };
  /** A drill gives back what it has stopped itself only, so it stops nothing that is stopped. */
  readonly drill_stopped: { readonly target: string };
  /** It has ended, or has said nothing for so long that it counts as abandoned. */
  readonly drill_over: { readonly id: string };
  /** Somebody else has changed what it has stopped. */
  readonly drill_touched: { readonly target: string; readonly by: string };
  /** Another process runs it for that time of its schedule, or has done so. */
  readonly drill_taken: { readonly name: string; readonly due: string };
  readonly no_drill: { readonly id: string };
  readonly no_schedule: { readonly name: string };
  readonly schedules_full: { readonly most: number };
  readonly alert_taken: { readonly name: string };
  readonly alerts_full: { readonly most: number };
  readonly no_alert: { readonly name: string };
  /** The same attempt was recorded a short time ago: it is only counted. */
  readonly counted: { readonly wait_ms: number };
  /** `problem` is a sentence. Planning this change failed; the store and other changes are not affected. */
  readonly not_planned: { readonly command: string; readonly problem: string };
}

/** Why a change is not made, as a value. `refusalText` puts it into words. */
export type Refusal = { readonly [K in keyof Facts]: { readonly kind: K } & Facts[K] }[keyof Facts];

/** The reader of a refusal: somebody who calls the package in code, or somebody who types a command. */
export type Reader = 'program' | 'command';

interface RefusalRow<F> {
  readonly code: KillSwitchErrorCode;
  /** What happened, with the value. */
  readonly says: (facts: F) => string;
  /** How to mend it, in the words of each reader; absent where the first sentence says it. */
  readonly hint?: Hint | ((facts: F) => Hint);
  /** True where the log has it as a refused attempt. */
  readonly isAttempt?: true;
}

type Hint = Readonly<Record<Reader, string>>;

const LOOK_AGAIN = {
  program: 'Look again (status()), then decide.',
  command: 'Look again (kill-switch status), then decide.',
};

// Names the store and the organization, so that a wrong one is seen.
const at = (place: Place | null): string =>
  place ? `of the organization ${quoteId(place.organizationId)} in ${place.location}` : 'in this store';

/** One row a kind. To add a refusal, copy a row here and its facts above. */
const REFUSALS: { readonly [K in keyof Facts]: RefusalRow<Facts[K]> } = {
  not_initialised: {
    code: 'NOT_INITIALISED',
    says: ({ place }) => `There is no control plane ${at(place)}, so nothing was stopped or changed.`,
    hint: {
      program:
        'If your agents use another store or organization, open that. To create a new one here: init(). If there was one here, it has been lost: recover({ reason: "…" }).',
      command:
        'If your agents use another store or organization, name it (--store, --profile, --organization). To create a new one here: kill-switch init. If there was one here, it has been lost: kill-switch recover --reason "…"',
    },
  },
  never_seen: {
    code: 'NOT_INITIALISED',
    says: ({ place }) =>
      `There is no control plane ${at(place)}, and nothing shows that there ever was one: no executor has reported one there, and this machine remembers none. Nothing was changed. If your agents use another store or organization, recover that; if they use this one, they report within seconds what they have seen.`,
    hint: {
      program:
        'To create a new one here: init(). To replace one that was lost without a trace: recover({ create: true, reason: "…" }).',
      command:
        'To create a new one here: kill-switch init. To replace one that was lost without a trace: kill-switch recover --create --reason "…"',
    },
  },
  already_initialised: {
    code: 'ALREADY_INITIALISED',
    says: ({ epoch, place }) =>
      `There is a control plane ${at(place)} already, at epoch ${epoch}. Nothing was changed.`,
    hint: {
      program:
        'It is used without init(), which is for the first time only. For another one, name another organization, or another place: fileControlStore({ directory }).',
      command:
        'It is used as it is: kill-switch status. For another one, name another place or organization (--store, --organization).',
    },
  },
  wiped: {
    code: 'RECOVER_REQUIRED',
    says: ({ place }) =>
      `There is no control plane ${at(place)}, but executors had seen one there: it has been wiped or replaced.`,
    hint: {
      program: 'Accept that with recover({ reason: "…" }).',
      command: 'Accept that with: kill-switch recover --reason "…"',
    },
  },
  not_a_name: {
    code: 'INVALID_ARGUMENT',
    says: ({ name, of, problem }) => `${quoteId(name)} is not the name of ${of}: it ${problem}.`,
  },
  not_a_target: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem, isAttempt: true },
  live_kill: {
    code: 'INVALID_ARGUMENT',
    says: () => 'A kill cannot leave a target live: to lift a kill, revive it.',
  },
  end_passed: {
    code: 'INVALID_ARGUMENT',
    says: ({ end, now }) => `The end ${end} has already passed: the store's clock says ${now}.`,
  },
  end_out_of_reach: {
    code: 'INVALID_ARGUMENT',
    says: ({ lastsMs }) => `A kill lasts for more than 0 ms, and to the year 9999 at most, not for ${lastsMs} ms.`,
  },
  not_killed: {
    code: 'NOT_KILLED',
    says: ({ target, rules: [rule] = [] }) =>
      `There is no active kill of ${target}${rule === undefined ? '' : `, but the rule ${quoteId(rule)} restricts it`}.`,
    hint: ({ rules: [rule] = [] }) =>
      rule === undefined
        ? { program: 'See what is stopped: status().', command: 'See what is stopped: kill-switch status' }
        : {
            program: 'A rule is removed, not revived: removeRule({ name, reason: "…" }). See what there is: rules().',
            command: `A rule is removed, not revived: kill-switch rule remove ${shellWord(rule)} --reason "…"`,
          },
  },
  live_rule: {
    code: 'INVALID_ARGUMENT',
    says: () => 'A rule cannot leave its target live: it would restrict nothing.',
  },
  never_opens: {
    code: 'INVALID_ARGUMENT',
    says: ({ from, until, now }) =>
      until <= now
        ? `The window until ${until} would never be open: the store's clock says ${now}.`
        : `The window from ${from} until ${until} would never be open: it ends before it begins.`,
  },
  no_rule: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no rule ${quoteId(name)}.`,
    hint: { program: 'See what there is: rules().', command: 'See what there is: kill-switch rules' },
  },
  no_budget: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no budget ${quoteId(name)}.`,
    hint: { program: 'See what there is: budgets().', command: 'See what there is: kill-switch budgets' },
  },
  no_tripwire: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no tripwire ${quoteId(name)}.`,
    hint: { program: 'See what there is: tripwires().', command: 'See what there is: kill-switch tripwires' },
  },
  not_due: {
    code: 'INVALID_STATE',
    says: ({ name }) => `The rule ${quoteId(name)} has no window that has to be compiled further ahead.`,
  },
  not_stopped: {
    code: 'CONFLICT',
    says: ({ target }) =>
      `The stop of ${target} was changed or lifted since the rollback was previewed. Nothing was undone.`,
    hint: {
      program: 'Preview it again (previewRollback), then ask again.',
      command: 'Preview it again (--dry-run), then ask again.',
    },
  },
  no_rollback: {
    code: 'NOT_FOUND',
    says: ({ id }) => `There is no rollback ${quoteId(id)}.`,
  },
  reason_required: {
    code: 'REASON_REQUIRED',
    says: ({ what = 'Giving authority back' }) => `${what} takes a reason.`,
    hint: { program: 'Add one: { reason: "…" }.', command: 'Add one: --reason "…"' },
  },
  reason_unfit: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem },
  epoch_ahead: {
    code: 'INVALID_ARGUMENT',
    says: ({ named, head }) =>
      `Epoch ${named} has not been reached here: the log ends at epoch ${head?.epoch ?? 0}. It is mistyped, or was read in another switch, or this store has lost changes.`,
    hint: LOOK_AGAIN,
  },
  changed_since: {
    code: 'CONFLICT',
    says: ({ entry, changed, named }) =>
      `${entry} was changed at epoch ${changed}, after what you had read (epoch ${named}).`,
    hint: LOOK_AGAIN,
  },
  evidence_required: {
    code: 'EVIDENCE_REQUIRED',
    isAttempt: true,
    says: ({ feature, stage, missing, unjudged = [] }) => {
      const named = unjudged.map(({ run_id: id, action }) => `${quoteId(id)} (${action})`).join(', ');
      const lacking = named === '' ? '' : ` Without an outcome: ${named}; recordOutcome says one.`;
      return `The feature ${quoteId(feature)} cannot become ${stage} yet. There are: ${missing.join('; ')}.${lacking}`;
    },
    hint: ({ feature }) => ({
      program: 'See what there is: evidence(name). To ask for less: setRequirement({ name, …, reason: "…" }).',
      command: `See what there is: kill-switch feature ${shellWord(feature)} --evidence. To ask for less: kill-switch feature ${shellWord(feature)} --require-runs N --reason "…"`,
    }),
  },
  not_a_definition: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem },
  stop_over: {
    code: 'CONFLICT',
    says: ({ target }) => `The stop of ${target} is in the log already, or a person has lifted it since.`,
  },
  log_full: {
    code: 'INVALID_STATE',
    says: ({ epoch }) => `There is no number left in this log after ${epoch}, so it was not written by this package.`,
    hint: {
      program: 'Restore a backup, or wipe the store and then: recover({ reason: "…" }).',
      command: 'Restore a backup, or wipe the store and then: kill-switch recover --reason "…"',
    },
  },
  approval_missing: {
    code: 'NOT_FOUND',
    says: ({ id, standing }) =>
      `There is no ${standing ? 'standing approval' : 'request for an approval'} ${quoteId(id)}.`,
    hint: {
      program: 'Each is named by its whole id. See what there is: approvals(), standingApprovals().',
      command:
        'Each is named by its whole id. See what there is: kill-switch approvals, kill-switch approvals standing',
    },
  },
  approval_unfit: {
    code: 'CONFLICT',
    says: ({ id, problem }) => `The request ${quoteId(id)} cannot be decided: ${problem}.`,
  },
  approval_ended: {
    code: 'APPROVAL_ENDED',
    says: ({ id, why }) => `The request ${quoteId(id)} ${why}, so nothing was decided.`,
    hint: {
      program: 'Whoever still needs it asks again.',
      command: 'Whoever still needs it asks again.',
    },
  },
  other_arguments: {
    code: 'OTHER_ARGUMENTS',
    says: ({ id, why }) => `The request ${quoteId(id)} was not approved: ${why}.`,
    hint: {
      program: 'Look again (approval(id)), then decide.',
      command: 'Look again (kill-switch approvals show ID), then decide.',
    },
  },
  approval_too_long: {
    code: 'INVALID_ARGUMENT',
    says: ({ end, longest }) => `A standing approval lasts until ${longest} at most, not until ${end}.`,
  },
  self_approval: {
    code: 'SELF_APPROVAL',
    isAttempt: true,
    says: ({ id, name }) =>
      `${quoteId(name)} has asked for ${quoteId(id)}, or runs what has asked for it, and cannot approve it.`,
    hint: { program: 'Somebody else has to.', command: 'Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).' },
  },
  same_approver: {
    code: 'SAME_APPROVER',
    isAttempt: true,
    says: ({ id, name, needed }) =>
      `${quoteId(name)} has approved ${quoteId(id)} already, and ${needed} different people have to.`,
    hint: { program: 'Somebody else has to.', command: 'Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).' },
  },
  role_required: {
    code: 'ROLE_REQUIRED',
    says: ({ verb, says, needed, has }) =>
      needed.length === 0
        ? `Only the switch itself does this (${verb}).`
        : `${verb} is for whoever may ${says}: ${needed.join(', ')}. You have the role ${has.join(', ') || 'of nobody'}.`,
    hint: {
      program: 'Somebody with such a role has to do it (openControlPlane: operator.roles).',
      command: 'Somebody with such a role has to do it.',
    },
    isAttempt: true,
  },
  restore_role: {
    code: 'ROLE_REQUIRED',
    says: ({ mode, needed, has }) =>
      `Governance leaves it to ${[...needed, 'admin'].filter((role, i, all) => all.indexOf(role) === i).join(', ')} to restore ${mode}. You have the role ${has.join(', ') || 'of nobody'}.`,
    hint: {
      program: 'Somebody with such a role has to do it. See what is asked for: governance().',
      command: 'Somebody with such a role has to do it. See what is asked for: kill-switch governance',
    },
    isAttempt: true,
  },
  ladder: {
    code: 'STEP_REQUIRED',
    says: ({ what, from, asked, step }) =>
      `${what} goes back one step at a time, and from ${from} to ${asked} are several. The next step is ${step}.`,
    isAttempt: true,
  },
  dwell: {
    code: 'DWELL_REQUIRED',
    says: ({ entry, since, until }) =>
      `${entry} was made looser at ${since}, and has to stand so until ${until} before the next step.`,
    isAttempt: true,
  },
  second_person: {
    code: 'SECOND_PERSON_REQUIRED',
    says: ({ id, has }) =>
      has === 'asked'
        ? `You have asked for this yourself (request ${id}), so another person has to agree.`
        : `You took this authority away yourself, so another person than you has to agree to request ${id}.`,
    isAttempt: true,
  },
  no_request: {
    code: 'NOT_FOUND',
    says: ({ id }) =>
      `There is no open request ${quoteId(id)}: it was granted, withdrawn, has expired, or what it would change was changed since it was asked for.`,
    hint: { program: 'See what there is: requests().', command: 'See what there is: kill-switch requests' },
  },
  requests_full: {
    code: 'INVALID_STATE',
    says: ({ most }) => `As many requests as are taken (${most}) wait for another person already.`,
    hint: {
      program: 'Agree to one (approveRequest), or withdraw one (withdrawRequest).',
      command: 'Agree to one (kill-switch approve ID), or withdraw one (kill-switch requests withdraw ID).',
    },
  },
  request_too_long: {
    code: 'INVALID_ARGUMENT',
    says: ({ size, most }) =>
      `This would have to wait for another person, and a request has at most ${most} characters of JSON, not ${size}.`,
    hint: { program: 'Ask for it in parts.', command: 'Ask for it in parts.' },
  },
  alert_taken: {
    code: 'INVALID_STATE',
    says: ({ name }) => `There is an alert ${quoteId(name)} already, and it stays as it is.`,
    hint: {
      program: 'Remove it first (removeAlert), or give another name.',
      command: 'Remove it first (kill-switch alert remove NAME --reason "…"), or give another name.',
    },
  },
  alerts_full: {
    code: 'INVALID_STATE',
    says: ({ most }) => `There are ${most} alerts already, and no more are taken.`,
    hint: {
      program: 'Remove one (removeAlert).',
      command: 'Remove one (kill-switch alert remove NAME --reason "…").',
    },
  },
  no_alert: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no alert ${quoteId(name)}.`,
    hint: { program: 'See what there is: alerts().', command: 'See what there is: kill-switch alerts' },
  },
  break_glass_off: {
    code: 'BREAK_GLASS_OFF',
    says: () => 'Nobody may give authority back alone here: breaking the glass is off.',
    hint: {
      program: 'Ask without breakGlass; another person then has to agree.',
      command: 'Ask without --break-glass; another person then has to agree.',
    },
    isAttempt: true,
  },
  drill_required: {
    code: 'DRILL_REQUIRED',
    says: ({ drill_ms, passed_at }) =>
      `Giving authority back takes a drill that was passed within the last ${drill_ms} ms, and ${passed_at === null ? 'none was passed yet' : `the last one was passed at ${passed_at}`}.`,
    hint: {
      program: "Run one that is passed: drill({ kind: 'stop' }).",
      command: 'Run one that is passed: kill-switch drill',
    },
    isAttempt: true,
  },
  drill_running: {
    code: 'INVALID_STATE',
    says: ({ id, by, until }) =>
      `The drill ${id} by ${by} is under way; it counts as abandoned at ${until} unless it goes on. There is one drill at a time.`,
    hint: { program: 'Wait for it: drills().', command: 'Wait for it: kill-switch drills' },
  },
  drill_stopped: {
    code: 'INVALID_STATE',
    says: ({ target }) =>
      `${target} is stopped already, or is not this drill's to stop. A drill stops only what is not stopped, since it gives that back.`,
    hint: {
      program: 'Drill another target, or revive this one first.',
      command: `Drill another target (--target), or give this one back first (kill-switch revive).`,
    },
  },
  drill_over: {
    code: 'INVALID_STATE',
    says: ({ id }) => `The drill ${id} is over, or has said nothing for so long that it counts as abandoned.`,
    hint: { program: 'See: drills().', command: 'See: kill-switch drills' },
  },
  drill_touched: {
    code: 'CONFLICT',
    says: ({ target, by }) =>
      `${target} was stopped, or changed, by ${by} since the drill had stopped it, so it stays.`,
    hint: { program: 'To lift it: revive({ target, reason: "…" }).', command: 'To lift it: kill-switch revive' },
  },
  drill_taken: {
    code: 'INVALID_STATE',
    says: ({ name, due }) => `The drill ${quoteId(name)} of ${due} is run by another process, or was.`,
  },
  no_drill: {
    code: 'NOT_FOUND',
    says: ({ id }) => `There is no drill ${quoteId(id)} among the last ones.`,
    hint: { program: 'See what there is: drills().', command: 'See what there is: kill-switch drills' },
  },
  no_schedule: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no schedule ${quoteId(name)} of drills.`,
    hint: { program: 'See what there is: status().', command: 'See what there is: kill-switch drills' },
  },
  schedules_full: {
    code: 'INVALID_STATE',
    says: ({ most }) => `There are ${most} schedules of drills, and no more are taken.`,
    hint: {
      program: 'Remove one: removeDrillSchedule(name).',
      command: 'Remove one: kill-switch drill schedule NAME off',
    },
  },
  counted: {
    code: 'INVALID_STATE',
    says: ({ wait_ms }) =>
      `The same attempt was recorded a short time ago; it is only counted for another ${wait_ms} ms.`,
  },
  not_planned: {
    code: 'INVALID_ARGUMENT',
    says: ({ command, problem }) => `The ${command} could not be planned, and nothing was changed: ${problem}`,
  },
};

/** The code of a refusal. */
export const refusalCode = ({ kind }: Refusal): KillSwitchErrorCode => REFUSALS[kind].code;

/** True for an attempt that the log keeps: at what somebody may not do, or not yet, or at no target. */
export const isAttempt = ({ kind }: Refusal): boolean => REFUSALS[kind].isAttempt === true;

/** A refusal as sentences: what happened, and how to mend it. */
export function refusalText(refusal: Refusal, reader: Reader): string {
  const hint = hinted(refusal);
  return hint ? `${said(refusal)} ${hint[reader]}` : said(refusal);
}

function hinted<K extends keyof Facts>(refusal: { readonly kind: K } & Facts[K]): Hint | undefined {
  const { hint } = REFUSALS[refusal.kind];
  return typeof hint === 'function' ? hint(refusal) : hint;
}

function said<K extends keyof Facts>(refusal: { readonly kind: K } & Facts[K]): string {
  return REFUSALS[refusal.kind].says(refusal);
}

/** What was asked for is refused. Its `code` and message, for a program, are made from its refusal. */
export class RefusedError extends KillSwitchError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(REFUSALS[refusal.kind].code, refusalText(refusal, 'program'));
    this.refusal = refusal;
  }
}

/** There is no control plane to read where this one was opened: it was never created, or it was wiped. */
export class NotInitialisedError extends RefusedError {
  override readonly name = 'NotInitialisedError';

  constructor(place: Place) {
    super({ kind: 'not_initialised', place });
  }
}

const REFUSED = Symbol.for('openfeature-kill-switch.change-refused');
const PENDING = Symbol.for('openfeature-kill-switch.change-pending');

/** A change was refused, and nothing was changed. `refusal` says why, for machines. */
export class ChangeRefusedError extends RefusedError {
  override readonly name = 'ChangeRefusedError';
  readonly [REFUSED] = true;
}

/** A change waits for another person to agree; until then nothing is changed. */
export class ChangePendingError extends KillSwitchError {
  override readonly name = 'ChangePendingError';
  readonly pending: PendingRequest;
  readonly [PENDING] = true;

  constructor(pending: PendingRequest) {
    super(
      'PENDING',
      `This waits for another person to agree, until ${pending.expires_at}. Somebody else asks for the same, or agrees to request ${pending.id}: kill-switch approve ${pending.id}`,
    );
    this.pending = pending;
  }
}

/** True for a ChangeRefusedError, also of another copy of this package. */
export const isChangeRefusedError = (error: unknown): error is ChangeRefusedError =>
  error instanceof Error && REFUSED in error;

/** True for a ChangePendingError, also of another copy of this package. */
export const isChangePendingError = (error: unknown): error is ChangePendingError =>
  error instanceof Error && PENDING in error;

/** A request that another person has to agree to before it expires. */
export interface PendingRequest {
  readonly id: string;
  readonly expires_at: string;
}
