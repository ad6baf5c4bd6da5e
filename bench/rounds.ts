/** One thing to measure: does it once for a round, and gives the number of that round. */
export type Arm = () => number | Promise<number>;

export interface Rounds {
  readonly rounds: number;
  /** Rounds at the start that do not count: the code is still being compiled. */
  readonly warmUp?: number;
}

/**
 * Measures several things in the same run: in every round each of them once, and who comes first changes from round to
 * round, so that whatever else the machine does falls on all alike. Gives every number of every arm.
 */
export async function interleave<K extends string>(
  arms: Readonly<Record<K, Arm>>,
  { rounds, warmUp = 0 }: Rounds,
): Promise<Record<K, number[]>> {
  const names = Object.keys(arms) as K[];
  const numbers = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = -warmUp; round < rounds; round += 1) {
    const first = (round + warmUp) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const number = await arms[name]();
      if (round >= 0) numbers[name].push(number);
      await turn();
    }
  }
  return numbers;
}

/** Lets the event loop turn: timers and sockets, for instance of a lease, have their say between the rounds. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The number below which that share of all lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error('Nothing was measured.');
  return found;
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/**
 * How many times the floor: the median of each round's own ratio, because what slows the machine down for a while slows
 * down both numbers of a round.
 */
export const ratioOf = (numbers: readonly number[], floors: readonly number[]): number =>
  median(numbers.map((number, round) => number / (floors[round] ?? Number.NaN)));
