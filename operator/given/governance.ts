import {
  type Governance,
  GOVERNANCE_BOUNDS,
  invalid,
  isMode,
  isRole,
  type Mode,
  MODES,
  quoteId,
  type Role,
  ROLES,
  SECOND_PERSONS,
  type SecondPerson,
} from '../../flags/index.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import type { CommandOf } from '../commands/index.ts';
import { readReason } from '../reason.ts';
import { change, type ChangeOptions } from './change.ts';
import { checkBoolean, oneOf } from './checks.ts';

/** What giving authority back takes from now on. What is not named stays as it is. A reason is always required. */
export interface GovernanceOptions extends Pick<ChangeOptions, 'reason' | 'epoch'> {
  /** Who else has to agree: nobody (`off`), another than who asks, or (`killer`) also than who has restricted it. */
  readonly secondPerson?: SecondPerson | undefined;
  /** True: one step looser at a time. */
  readonly ladder?: boolean | undefined;
  /** How long each step has to stand before the next, in milliseconds, 0 to 30 days. */
  readonly dwellMs?: number | undefined;
  /** How old the last passed drill may be, in milliseconds, 1 minute to 366 days; null: no drill is asked for. */
  readonly drillMs?: number | null | undefined;
  /** True: in an emergency one person may give authority back alone (`breakGlass` of each change), loudly logged. */
  readonly breakGlass?: boolean | undefined;
  /** How long a request waits for another person, in milliseconds, 1 s to 30 days. */
  readonly pendingExpiresMs?: number | undefined;
  /** Who may restore a mode, beside administrators. A mode that is not named: whoever may give authority back. */
  readonly restoreRoles?: Readonly<Partial<Record<Mode, readonly Role[]>>> | undefined;
}

const GOVERNANCE_KEYS: Keys<GovernanceOptions> = {
  reason: ['why', 'because'],
  epoch: true,
  secondPerson: ['second_person', 'twoPersons'],
  ladder: true,
  dwellMs: ['dwell', 'dwell_ms'],
  drillMs: ['drill', 'drill_ms'],
  breakGlass: ['break_glass'],
  pendingExpiresMs: ['pendingExpires', 'pending_expires_ms'],
  restoreRoles: ['restore_roles'],
};

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenGovernance(options: GovernanceOptions): CommandOf<'governance'> {
  const given = checkKeys('setGovernance', options, GOVERNANCE_KEYS);
  const { secondPerson, ladder, breakGlass, dwellMs, drillMs, pendingExpiresMs, restoreRoles } = given;
  checkBoolean('ladder', ladder);
  checkBoolean('breakGlass', breakGlass);
  const asked: CommandOf<'governance'>['asked'] = {
    second_person:
      secondPerson === undefined ? undefined : oneOf('secondPerson', secondPerson, isSecondPerson, SECOND_PERSONS),
    ladder,
    dwell_ms: dwellMs === undefined ? undefined : duration('dwellMs', dwellMs, 'dwell_ms'),
    drill_ms: drillMs === undefined || drillMs === null ? drillMs : duration('drillMs', drillMs, 'drill_ms'),
    break_glass: breakGlass,
    pending_expires_ms:
      pendingExpiresMs === undefined ? undefined : duration('pendingExpiresMs', pendingExpiresMs, 'pending_expires_ms'),
    restore_roles: restoreRoles === undefined ? undefined : rolesByMode(restoreRoles),
  };
  if (Object.values(asked).every((value) => value === undefined))
    throw invalid(
      `Nothing was given that sets governance. There are: ${Object.keys(GOVERNANCE_KEYS).slice(2).join(', ')}.`,
    );
  return { type: 'governance', asked, ...change({ reason: given.reason, epoch: given.epoch }) };
}

const isSecondPerson = (value: unknown): value is SecondPerson =>
  (SECOND_PERSONS as readonly unknown[]).includes(value);

function duration(what: string, value: number, name: keyof typeof GOVERNANCE_BOUNDS): number {
  const [least, most] = GOVERNANCE_BOUNDS[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(`${what} is a whole number of milliseconds from ${least} to ${most}, not ${quoteId(value)}.`);
}

function rolesByMode(given: unknown): Governance['restore_roles'] {
  if (!isJsonObject(given))
    throw invalid(
      `restoreRoles has a list of roles for each mode, such as { live: ['admin'] }, not ${quoteId(given)}.`,
    );
  const roles: Governance['restore_roles'] = {};
  for (const [mode, named] of Object.entries(given)) {
    if (!isMode(mode)) throw invalid(`${quoteId(mode)} is not a mode: it must be one of ${MODES.join(', ')}.`);
    if (!(Array.isArray(named) && named.length > 0 && named.every(isRole)))
      throw invalid(`restoreRoles.${mode} must be a list of ${ROLES.join(', ')}, not ${quoteId(named)}.`);
    roles[mode] = [...new Set(named)];
  }
  return roles;
}

/** Which request of another person is agreed to, or withdrawn. */
export interface RequestOptions {
  readonly id: string;
  /** At most 2000 characters; default: that of whoever has asked. */
  readonly reason?: string | undefined;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenRequest(what: string, options: RequestOptions) {
  const { id, reason } = checkKeys(what, options, {
    id: ['request', 'requestId'],
    reason: ['why', 'because', 'notes'],
  });
  if (typeof id !== 'string' || id === '') throw invalid(`id is that of a request (requests()), not ${quoteId(id)}.`);
  return { id, ...readReason(reason) };
}
