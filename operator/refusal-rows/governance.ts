import { type Mode, type Role, quoteId } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** What giving authority back takes. */
export interface GovernanceFacts {
  /** `what`: what takes it, to begin a sentence; default: giving authority back. */
  readonly reason_required: { readonly what?: string | undefined };
  /** `problem` is a sentence: the reason cannot stand in the log as it was given, so nothing is loosened. */
  readonly reason_unfit: { readonly problem: string };
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
  readonly second_person: { readonly id: string; readonly has: 'asked' | 'restricted' };
  readonly no_request: { readonly id: string };
  /** `most`: how many there may be, of all or of one person. */
  readonly requests_full: { readonly most: number };
  /** In characters of JSON. */
  readonly request_too_long: { readonly size: number; readonly most: number };
  readonly break_glass_off: object;
  /** No drill was passed within so many milliseconds; `passed_at`: the last one, null for none. */
  readonly drill_required: { readonly drill_ms: number; readonly passed_at: string | null };
}

const DAY_MS = 86_400_000;

/** For how long, as people say it: whole days, or minutes. */
const lastsOf = (ms: number): string =>
  ms % DAY_MS === 0 ? `${ms / DAY_MS} day${ms === DAY_MS ? '' : 's'}` : `${Math.round(ms / 60_000)} min`;

export const GOVERNANCE: RefusalRows<GovernanceFacts> = {
  reason_required: {
    code: 'REASON_REQUIRED',
    says: ({ what = 'Giving authority back' }) => `${what} takes a reason.`,
    hint: { program: 'Add one: { reason: "…" }.', command: 'Add one: --reason "…"' },
  },
  reason_unfit: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem },
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
      `Giving authority back takes a drill that was passed within the last ${lastsOf(drill_ms)}, and ${passed_at === null ? 'none was passed yet' : `the last one was passed at ${passed_at}`}.`,
    hint: {
      program: "Run one that is passed: drill({ kind: 'stop' }).",
      command: 'Run one that is passed: kill-switch drill',
    },
    isAttempt: true,
  },
};
