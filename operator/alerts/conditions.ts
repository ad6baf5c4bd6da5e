import {
  type AlertKind,
  entryKey,
  NO_DRILLS,
  overdueDrill,
  overdueText,
  shellWord,
  shownId,
  stateFrom,
} from '../../flags/index.ts';
import { loadWhole } from '../../store/answers.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { acknowledge, EVERYTHING, executorKey } from '../acknowledge.ts';
import { allApprovals } from '../approvals.ts';
import { type BudgetRow, isNearlySpent, readBudgets } from '../budget-rows.ts';
import type { Hearing } from '../hearing.ts';
import { forksNow } from '../judge-reports.ts';
import { type AlertData, bounded } from './alert.ts';

/** Something that is so now, and that no change in the log says. `key`: the same as long as it is. */
export interface Condition {
  readonly key: string;
  readonly type: AlertKind;
  readonly data: AlertData;
}

export interface ConditionsOf {
  readonly connection: ControlConnection;
  readonly hearing: Pick<Hearing, 'hear'>;
  readonly organizationId: string;
}

type Said = Pick<AlertData, 'text' | 'next'> & Partial<AlertData>;
type Looker = (of: ConditionsOf) => Promise<ReadonlyArray<{ readonly key: string } & Said>>;

/** How many conditions of a kind are told apart; of more, only that there are more. */
const MOST_OF_A_KIND = 1000;

/** One row a kind that no change says: how it is found. */
const LOOKERS: { readonly [K in AlertKind]?: Looker } = {
  async executor_silent({ hearing }) {
    const { beats, head, time } = await hearing.hear();
    if (!head) return [];
    const { executors } = acknowledge(beats, { head, reach: EVERYTHING, store: head, time }, 0);
    return executors
      .filter(({ state }) => state === 'silent')
      .map((executor) => ({
        key: executorKey(executor),
        text: `The executor ${shownId(executor.name)} is heard no more. It stops itself at the end of its lease; what it had begun may go on.`,
        next: 'kill-switch executors',
        details: { executor: bounded(executor.name), id: bounded(executor.id) },
      }));
  },

  async store_fault({ connection }) {
    const problem = await connection.problem();
    return problem === null ? [] : [{ key: problem, text: problem, next: 'kill-switch status' }];
  },

  async fork({ connection }) {
    const { forks } = await forksNow(connection);
    return forks.map(({ executor, held }) => ({
      key: `${executor}\n${held?.hash ?? ''}`,
      text: `The store has lost changes that the executor ${shownId(executor)} had seen. Everything is stopped until somebody accepts that (recover).`,
      next: 'kill-switch status',
      target: 'all',
      mode: 'full_stop',
      details: { executor: bounded(executor), epoch_seen: held?.epoch ?? null },
    }));
  },

  async drill_overdue({ connection }) {
    const view = await connection.read([entryKey('control'), entryKey('drills'), entryKey('governance')]);
    const drills = view.get('drills') ?? NO_DRILLS;
    const overdue = overdueDrill(drills, view.get('governance')?.drill_ms ?? null, view.time);
    if (!overdue) return [];
    const { kind, last_passed_at } = overdue;
    return [
      {
        ...{ key: `${kind} ${last_passed_at ?? ''}`, text: overdueText(overdue) },
        ...{ next: `kill-switch drill --kind ${kind}`, details: { kind, last_passed_at } },
      },
    ];
  },

  async budget({ connection }) {
    const { head, entries, time } = await loadWhole(connection);
    if (!head) return [];
    const rows = await readBudgets(connection, { state: stateFrom(entries, head), time });
    return rows.filter(isNearlySpent).map((row) => ({
      key: [row.name, row.counted ?? '', row.type].join('\n'),
      text: `${shareOf(row)} % of the budget ${shownId(row.name)}${row.counted === null || row.counted === row.name ? '' : ` (${shownId(row.counted)})`} is spent or set aside: ${row.limit - (row.left ?? 0)} of ${row.limit} ${row.type}.`,
      next: `kill-switch budget ${shellWord(row.scope)}`,
      target: row.counted,
      details: { budget: row.name, type: row.type, limit: row.limit, left: row.left, warn: row.warn },
    }));
  },

  async approval({ connection }) {
    if (!connection.approvals) return [];
    const { records } = await allApprovals(connection);
    return records
      .filter(({ status }) => status === 'pending')
      .map((record) => ({
        key: record.id,
        text: `${shownId(record.action)} of agent:${shownId(record.agent_id)} waits for a person, until ${record.expires_at}.`,
        next: `kill-switch approvals show ${shellWord(record.id)}`,
        target: `agent:${record.agent_id}`,
        by: bounded(record.requested_by),
        details: { id: record.id, action: bounded(record.action), reversible: record.reversible },
      }));
  },
};

const shareOf = ({ limit, left }: BudgetRow): number => Math.floor(100 * (1 - (left ?? limit) / limit));

/** What is so now of these kinds. Each kind that cannot be read is a problem, and keeps no other from being told. */
export async function conditionsNow(
  kinds: Iterable<AlertKind>,
  of: ConditionsOf,
): Promise<{ readonly found: readonly Condition[]; readonly failed: ReadonlyMap<AlertKind, unknown> }> {
  const found: Condition[] = [];
  const failed = new Map<AlertKind, unknown>();
  for (const type of kinds) {
    try {
      const all = (await LOOKERS[type]?.(of)) ?? [];
      for (const { key, ...said } of all.slice(0, MOST_OF_A_KIND))
        found.push({ key: `${type}\n${key}`, type, data: dataOf(said, of.organizationId) });
      const rest = all.length - MOST_OF_A_KIND;
      const [first] = all;
      if (rest > 0 && first) {
        const text = `There are ${all.length} at once (${type}), more than are told one by one.`;
        found.push({ key: `${type}\n+`, type, data: dataOf({ text, next: first.next }, of.organizationId) });
      }
    } catch (error) {
      failed.set(type, error);
    }
  }
  return { found, failed };
}

/** True for the kinds of which something may be so without a change. */
export const hasConditions = (kind: AlertKind): boolean => LOOKERS[kind] !== undefined;

export function dataOf({ text, next, ...more }: Said, organizationId: string): AlertData {
  return {
    ...{ text: bounded(text), organization_id: organizationId, epoch: null },
    ...{ target: null, mode: null, by: null, reason: null, next: bounded(next), details: {}, ...more },
  };
}
