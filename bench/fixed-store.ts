import type { EntryKey, Head } from '../flags/index.ts';
import { answerNow } from '../store/answers.ts';
import type { ExecutorConnection, ExecutorStore } from '../store/ports.ts';
import { targetAt } from './operate.ts';

const HEAD: Head = { generation: 'bench', epoch: 2, hash: '0'.repeat(64), recovered: false };

/**
 * A store in which nothing ever changes, `live` for everyone but so many agents, missions and runs: a million kills
 * without a million events.
 */
export function fixedStore(kills: number): ExecutorStore {
  const connection = {
    load: async (_held: unknown, nonce: string) => ({
      head: HEAD,
      entries: entriesOf(kills),
      linked: true,
      ...answerNow(nonce),
    }),
    confirm: async (_beat: unknown, nonce: string) => ({
      head: HEAD,
      events: [],
      forkReported: false,
      stops: [],
      ...answerNow(nonce),
    }),
    follow: () => () => {},
    leave: async () => {},
    close: async () => {},
    anchor: null,
    journal: null,
    ledger: null,
    stops: null,
    confirmsOneByOne: false,
  };
  return {
    location: 'bench:',
    side: 'executor',
    nearby: null,
    loadPackages: null,
    open: () => connection as unknown as ExecutorConnection,
  };
}

/** What every entry says of the change that made it. */
const CHANGE = { by: 'unverified:bench', at: '2026-01-01T00:00:00.000Z' };

function* entriesOf(kills: number): Generator<readonly [EntryKey, unknown]> {
  yield ['control', { format: 1, generation: 'bench', generations: ['bench'], recovered: false, epoch: 1, ...CHANGE }];
  yield ['mode', { mode: 'live', targeting: null, epoch: 2, ...CHANGE }];
  for (let index = 0; index < kills; index += 1) {
    const target = targetAt(index);
    yield [
      `kill:${target}`,
      {
        id: `kill-${index}`,
        target,
        mode: 'full_stop',
        reason: 'the benchmark says so',
        killed_by: 'bench',
        killed_at: '2026-01-01T00:00:00Z',
        expires_at: null,
        epoch: 2,
        ...CHANGE,
      },
    ];
  }
}
