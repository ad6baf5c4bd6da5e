import { messageOf, parseScope, parseTripsOn, readAccountName, readTarget, type Target } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import { within } from '../store/with-deadline.ts';
import { type Command, type CommandOf, reachOf } from './commands/index.ts';
import type { Hearing } from './hearing.ts';
import {
  type Matched,
  matchedBy,
  matchedByLimit,
  matchedByReport,
  matchedBySpender,
  NOTHING_MATCHED,
  type Reports,
  type Spender,
} from './matched.ts';

/** How long reports may take that say whether anybody has a name that was typed, in milliseconds. */
const NAMED_MS = 2000;

/** Where the executors' reports are read. */
export interface Known {
  readonly hearing: Hearing;
  readonly ledger: ControlConnection['ledger'];
}

/**
 * Reads what a stop has hit. It never rejects: the stop stands, whether or not that can be told.
 * @param ms how long the reports may take, in milliseconds
 */
export const whatIsHit = (hearing: Hearing, command: Command, ms: number): Promise<Matched> =>
  orProblem(() => hit(hearing, command), ms);

/** Whether anybody is known by this target. It never rejects either. */
export const whoIsNamed = ({ hearing }: Known, target: Target): Promise<Matched> =>
  orProblem(() => byTarget(hearing, target), NAMED_MS);

/** Whom a budget names; undefined where it names nobody, as `day` and `run` do, or is removed. */
export async function whomBudgetNames(
  { hearing, ledger }: Known,
  { scope, part }: CommandOf<'budget'>,
): Promise<Matched | undefined> {
  const { type, id } = parseScope(scope);
  if (id === null || part === null) return undefined;
  if (type === 'user' || type === 'account') {
    const counted = async (): Promise<Spender[]> => spenders((await ledger?.accounts())?.accounts ?? []);
    return orProblem(async () => matchedBySpender({ type, id }, await counted(), await early(hearing)), NAMED_MS);
  }
  const target = readTarget(scope);
  return target ? orProblem(() => byTarget(hearing, target), NAMED_MS) : undefined;
}

/** Who reports the number that a tripwire watches; undefined for one that watches none. */
export async function whoReports({ hearing }: Known, { part }: CommandOf<'tripwire'>): Promise<Matched | undefined> {
  const { what, name } = part?.on === undefined ? { what: null, name: null } : parseTripsOn(part.on);
  if (what !== 'report' || name === null) return undefined;
  return orProblem(async () => matchedByReport(name, await early(hearing)), NAMED_MS);
}

async function orProblem(read: () => Promise<Matched>, ms: number): Promise<Matched> {
  try {
    return await within(read(), ms, () => new Error("the executors' reports were not read in time"));
  } catch (error) {
    return { ...NOTHING_MATCHED, problem: messageOf(error) };
  }
}

/** The reports without what nobody has performed yet: of that there may be very much, so it is read last. */
async function early(hearing: Hearing): Promise<Reports> {
  const [{ beats }, seen] = await Promise.all([hearing.hear(), hearing.seen()]);
  return { beats, seen, surfaces: [] };
}

async function byTarget(hearing: Hearing, target: Target): Promise<Matched> {
  const reports = await early(hearing);
  const known = matchedBy(target, reports);
  if (known.seen || isKnownByWork(target)) return known;
  return matchedBy(target, { ...reports, surfaces: await hearing.surfaces() });
}

async function hit(hearing: Hearing, command: Command): Promise<Matched> {
  const target = reachOf(command);
  if (target) return byTarget(hearing, target);
  const reports = { ...(await early(hearing)), surfaces: await hearing.surfaces() };
  return matchedByLimit(command.type === 'limit' ? command.name : '', reports);
}

/** True for what only work in flight, and what was met, can name: no surface says whose it is. */
const isKnownByWork = ({ type }: Target): boolean => ['all', 'agent', 'mission', 'run'].includes(type);

/** The users and accounts that budgets have counted. Executors name what is counted, and one may write anything. */
const spenders = (accounts: ReadonlyArray<{ readonly account: string }>): Spender[] =>
  accounts.flatMap(({ account }) => {
    const counted = readAccountName(account)?.counted ?? '';
    const [, type, id] = /^(user|account):(.+)$/su.exec(counted) ?? [];
    return (type === 'user' || type === 'account') && id !== undefined ? [{ type, id }] : [];
  });
