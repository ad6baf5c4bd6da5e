import type { Charge, LedgerWindow } from '../../flags/index.ts';
import type { Ledger, LedgerReader, Reserved } from '../capabilities/ledger.ts';
import { addUp } from '../ledger-sums.ts';
import { givenCosts, givenReservation, givenReservationId } from '../ledger-requests.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { requireReplicated } from './errors.ts';
import { reservationKey } from './keys.ts';
import { type OperatorParts, readKept } from './kept.ts';
import { readAccountText } from './ledger-texts.ts';
import type { RedisReader } from './reader.ts';
import { reply } from './replies.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, type Script, waitMs } from './scripts.ts';

const NO_ANSWER = 'something that is not the ledger of this version';

/** A window as the scripts take it: kind, A, B. */
const windowArgs = (window: LedgerWindow): readonly [string, number, number] => {
  switch (window.is) {
    case 'total':
      return ['t', window.idleMs ?? -1, 0];
    case 'fixed':
      return ['f', window.from, window.until];
    case 'sliding':
      return ['s', window.ms, 0];
    default:
      return window satisfies never;
  }
};

const chargeArgs = ({ account, amount, limit, warnAt, window, type }: Charge): readonly (string | number)[] => [
  ...[account, amount, limit, warnAt ?? -1],
  ...windowArgs(window),
  type,
];

/** What executors of one name spend, in keys of their own: one script and one round trip a request. */
export function redisLedger(endpoint: RedisEndpoint, parts: RedisReader, executorName: string): Ledger {
  const { connection, keys, replies } = parts;
  const own = keys.executor(executorName);
  const run = (script: Script, onKeys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
    connection.request({
      access: 'write',
      send: async (client, leftMs) => {
        const call = { script, keys: onKeys, args, replicas: endpoint.replicas, waitMs: waitMs(leftMs) };
        return requireReplicated(await runScript(client, call), endpoint, 'It may yet be lost, so it does not count.');
      },
    });
  const close = async (id: string, costs: readonly (string | number)[]): Promise<void> => {
    await run(LIBRARY.scripts.settle, [own.ledger, reservationKey(own, givenReservationId(id))], costs);
  };
  return {
    async reserve(given) {
      const { id, charges } = givenReservation(given);
      const args = [own.escaped, keys.executorPrefix, charges.length, ...charges.flatMap(chargeArgs)];
      const answer = await run(LIBRARY.scripts.reserve, [own.ledger, reservationKey(own, id), keys.names], args);
      return reservedOf(charges, replies.parse(reply.reserved, answer, NO_ANSWER).map(Number));
    },
    async settle(id, costs) {
      const { usd = '', tokens = '', calls = '' } = givenCosts(costs);
      await close(id, [usd, tokens, calls]);
    },
    release: (id) => close(id, [0, 0, 0]),
  };
}

function reservedOf(charges: readonly Charge[], [code, now = 0, ...parts]: readonly number[]): Reserved {
  if (code === 2) return { is: 'other_day', now };
  const balances = charges.map(({ account, type, limit }, index) => {
    const [spent = 0, reserved = 0, over = 0, warns = 0] = parts.slice(4 * index, 4 * index + 4);
    const left = Math.max(0, limit - spent - reserved);
    return { account, type, spent, reserved, left, limit, over: over === 1, warns: warns === 1 };
  });
  return { is: code === 1 ? 'reserved' : 'over', balances };
}

/** Adds up what executors of all names have spent, for operators. */
export const redisLedgerReader = (parts: OperatorParts): LedgerReader => ({
  async accounts() {
    const { connection, replies } = parts;
    const answer = await connection.request({ access: 'read', send: (client) => client.time() });
    const now = Date.parse(replies.time(answer));
    const kept = await readKept(parts, 'ledger');
    return addUp(
      kept.flatMap(({ id, text, problem }) => {
        const sums = problem ? null : readAccountText(text, now);
        return sums ? [{ account: id, ...sums }] : [];
      }),
    );
  },
});
