import type { KeptAccount, LedgerReader } from './capabilities/ledger.ts';

/** How many accounts operators read at most. */
const MOST_ACCOUNTS = 10_000;

/** The sums of accounts that several have written, each account once. */
export function addUp(parts: Iterable<KeptAccount>): Awaited<ReturnType<LedgerReader['accounts']>> {
  const sums = new Map<string, KeptAccount>();
  for (const { account, spent, reserved } of parts) {
    const sum = sums.get(account);
    sums.set(account, { account, spent: spent + (sum?.spent ?? 0), reserved: reserved + (sum?.reserved ?? 0) });
  }
  const all = [...sums.values()].filter(({ spent, reserved }) => spent + reserved > 0);
  return { accounts: all.slice(0, MOST_ACCOUNTS), left: Math.max(0, all.length - MOST_ACCOUNTS) };
}
