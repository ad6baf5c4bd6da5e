import {
  type ActiveKill,
  type Entry,
  isSameForAll,
  KillSwitchError,
  type KillRecord,
  killRecord,
  NO_GOVERNANCE,
  type State,
  termsOf,
} from '../flags/index.ts';
import { acknowledge, EVERYTHING } from './acknowledge.ts';
import type { FeatureDetails, ForksAnswer, GovernanceAnswer, Status } from './answers.ts';
import { drillRecords, drillStanding, scheduleRecords } from './drill/records.ts';
import type { Asked } from './given/list.ts';
import type { Heard } from './hearing.ts';
import { type ListAnswer, partOf } from './lists.ts';
import { requestRecords } from './request-records.ts';
import { type NamedRule, ruleRecord, type RuleRecord } from './rule-record.ts';

/** The switch of one organization at one moment, by the store's clock. */
export interface WholeSwitch {
  readonly organizationId: string;
  readonly state: State;
  readonly time: string;
}

/** How many drills `status` names. */
const SHOWN_DRILLS = 10;

/**
 * The whole switch, except the reports of forks, what people are asked, and what is spent and stopped; executors as
 * they were heard of right after that moment.
 * @param kills which kills are named; default: all
 */
export function statusOf(
  whole: WholeSwitch,
  { beats, head: store, time }: Heard,
  kills: Pick<Asked<ActiveKill>, 'skip' | 'limit' | 'matches'> = ALL,
): Omit<
  Status,
  keyof ForksAnswer | 'held_approvals' | 'budgets' | 'tripwires' | 'stops' | 'operating' | 'alerts' | 'store_problem'
> {
  const { organizationId, state } = whole;
  const { head, mode, targeting } = { head: state.head, ...state.mode };
  if (!head) throw new KillSwitchError('INVALID_STATE', 'A state without a head was asked for its status.');
  const { executors, shared_writers } = acknowledge(beats, { head, reach: EVERYTHING, store: store ?? head, time }, 0);
  return {
    organization_id: organizationId,
    mode,
    targeting: structuredClone(targeting ?? null), // a copy: the caller may change it
    epoch: state.epoch,
    head,
    active_kills: state.killCount,
    killed_since: oldest(state.activeKills()),
    kills: killRecords(whole, kills).data,
    features: Object.fromEntries([...state.features].map(([name, { stage }]) => [name, stage])),
    feature_details: Object.fromEntries(
      [...state.features]
        .filter(([, entry]) => !isSameForAll(entry) || entry.requirement)
        .map(([name, entry]) => [name, featureDetails(entry)]),
    ),
    limits: Object.fromEntries([...state.limits].map(([name, { value }]) => [name, value])),
    autonomy: Object.fromEntries([...state.autonomy].map(([action, { stage }]) => [action, stage])),
    governance: governanceAnswer(state.get('governance')),
    requests: requestRecords(state.get('requests')?.open ?? [], state, whole.time),
    drill: drillStanding(state, whole.time),
    drills: drillRecords(state.drills, whole.time).slice(0, SHOWN_DRILLS),
    drill_schedules: scheduleRecords(state.drills, whole.time),
    rules: ruleRecords(whole).data,
    executors,
    shared_writers,
    excluded: state.control?.excluded ?? [],
  };
}

/** What giving authority back takes; a copy, since the caller may change it. */
export function governanceAnswer(entry: Entry<'governance'> | undefined): GovernanceAnswer {
  const changed = entry ? { epoch: entry.epoch, by: entry.by, at: entry.at } : null;
  return { ...structuredClone(termsOf(entry ?? NO_GOVERNANCE)), changed };
}

/** Times of the store are texts that sort as they follow each other. */
function oldest(kills: Iterable<ActiveKill>): string | null {
  let since: string | null = null;
  for (const { killed_at: at } of kills) if (since === null || at < since) since = at;
  return since;
}

/** The rule and the requirement of a feature; copies, since the caller may change them. */
export const featureDetails = ({ targeting, requirement }: Entry<'feature'>): FeatureDetails => ({
  targeting: structuredClone(targeting ?? null),
  requirement: requirement ? { ...requirement } : null,
});

const ALL = { skip: 0, limit: Number.POSITIVE_INFINITY, matches: () => true };

/** Newest first. Reading ends no kill: one that is past its end by the store's clock is shown as `overdue`. */
export function killRecords(
  { organizationId, state, time }: WholeSwitch,
  { matches, ...page }: Pick<Asked<ActiveKill>, 'skip' | 'limit' | 'matches'> = ALL,
): ListAnswer<KillRecord> {
  const { data, count } = newest(state.activeKills(), { matches, ...page });
  return {
    data: data.map((kill) => ({
      ...killRecord(organizationId, kill),
      ...(kill.expires_at !== null && kill.expires_at <= time && { overdue: true as const }),
    })),
    count,
  };
}

/** By name. */
export function ruleRecords(
  { organizationId, state, time }: WholeSwitch,
  { matches, ...page }: Pick<Asked<NamedRule>, 'skip' | 'limit' | 'matches'> = ALL,
): ListAnswer<RuleRecord> {
  const found = [...state.rules].filter(matches).sort(([a], [b]) => (a < b ? -1 : 1));
  const { data, count } = partOf(found, page);
  return { data: data.map((rule) => ruleRecord(organizationId, rule, time)), count };
}

/** Up to so many are picked out one by one; for more, all are put in order. */
const FEW = 1000;

/** A part of the matching kills, the newest first. To show a screen of a million, not all of them are put in order. */
function newest(
  kills: Iterable<ActiveKill>,
  { matches, skip, limit }: Pick<Asked<ActiveKill>, 'skip' | 'limit' | 'matches'>,
): ListAnswer<ActiveKill> {
  const most = skip + limit;
  if (most > FEW)
    return partOf(
      [...kills].filter(matches).sort((a, b) => b.epoch - a.epoch),
      { skip, limit },
    );
  const first: ActiveKill[] = []; // the oldest of them first, where most newer ones are added
  let count = 0;
  for (const kill of kills) {
    if (!matches(kill)) continue;
    count += 1;
    if (first.length === most && kill.epoch <= (first[0]?.epoch ?? 0)) continue;
    first.splice(first.findLastIndex(({ epoch }) => epoch < kill.epoch) + 1, 0, kill);
    if (first.length > most) first.shift();
  }
  return { data: first.reverse().slice(skip), count };
}
