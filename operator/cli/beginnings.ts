import { asError } from '../../store/as-error.ts';
import { within } from '../../store/with-deadline.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { Status } from '../answers.ts';
import type { Matched } from '../matched.ts';
import type { Context } from './command.ts';
import { forkLines } from './forks.ts';
import { type Aimed, beforeAll, hits, warnings } from './hits.ts';
import { alarming } from './standing-out.ts';
import type { Line } from './text.ts';

type Fork = Status['forks'][number];

/** How long the reports of forks may take, in milliseconds. */
const FORKS_MS = 2000;

/** One stop: what it names, and what it has said of itself so far. */
interface Beginning extends Aimed {
  told: string | null;
  matched: Matched | null;
}

/**
 * The first lines of the answer to stops: printed as soon as it is known what is recorded and what it hits, while
 * executors are waited for; in their order. Whoever stops something in a fork must see that before all.
 */
export class Beginnings {
  readonly #context: Context;
  readonly #stops: readonly Beginning[];
  #forks: readonly Fork[] | null = null;
  #looking: Promise<void> | null = null;
  #said = 0;
  /** The writes of what was said, each of which gives why it failed, or null. */
  readonly #writes: Promise<unknown>[] = [];

  constructor(context: Context, aimed: readonly Aimed[]) {
    this.#context = context;
    this.#stops = aimed.map((each) => ({ ...each, told: null, matched: null }));
  }

  /** What is recorded so far, for an answer that cannot be printed. */
  get recorded(): string {
    return this.#stops.flatMap(({ told }) => told ?? []).join(' ');
  }

  recordedAt(at: number, told: string): void {
    const stop = this.#stops[at];
    if (stop) stop.told = told;
  }

  matchedAt(at: number, matched: Matched, control: ControlPlane): void {
    const stop = this.#stops[at];
    if (stop) stop.matched = matched;
    // Failing to read the reports of forks undoes no stop.
    this.#looking ??= within(control.forks(), FORKS_MS, () => new Error('late')).then(
      ({ forks }) => {
        this.#forks = forks;
      },
      () => {
        this.#forks = [];
      },
    );
    void this.#looking.then(() => this.#say());
  }

  /** Resolves with the forks when all is printed that can be. @throws CommandError NOT_PRINTED */
  async end(): Promise<readonly Fork[]> {
    await this.#looking;
    this.#say(true);
    const failure = (await Promise.all(this.#writes)).find((error) => error !== null);
    if (failure !== undefined) throw asError(failure);
    return this.#forks ?? [];
  }

  #say(also = false): void {
    if (this.#forks === null) return;
    for (; this.#said < this.#stops.length; this.#said += 1) {
      const stop = this.#stops[this.#said];
      if (!stop || ((stop.told === null || stop.matched === null) && !also)) return;
      const lines = this.#linesOf(stop);
      if (lines.length === 0) continue; // it failed: the end of the answer says how
      const written = this.#context.say(lines, this.recorded);
      this.#writes.push(
        written.then(
          () => null,
          (error: unknown) => error,
        ),
      );
    }
  }

  #linesOf({ told, matched, ...aimed }: Beginning): readonly Line[] {
    const { advice } = this.#context;
    const forks = this.#said === 0 ? forkLines({ forks: this.#forks ?? [] }, advice) : [];
    const first = [...forks, ...(matched ? warnings(matched, aimed, advice) : [])].map(alarming);
    const rest = matched ? [hits(matched, aimed), beforeAll(matched, aimed)] : [];
    return [...first, ...[told ?? '', ...rest].filter((line) => line !== '')];
  }
}
