import { type Fault, quoteId } from '../../flags/index.ts';

/** The members of an export's metadata that name its log. */
interface Origin {
  readonly generation: string;
  readonly first: string;
  readonly fromNothing: boolean;
  readonly epoch: number;
}

/** The generation and epoch of the last answer before flagd was asked. */
export interface Seen {
  readonly generation: string;
  readonly epoch: number;
}

/**
 * Follows one switch through flagd's answers. It refuses an answer of another switch, whose export has taken the file,
 * and one that goes back: an old text that was put over a newer one. It follows a `recover`, which begins another
 * generation.
 */
export class Lineage {
  /** Every generation of this switch that has been served, and its first one. */
  readonly #known = new Set<string>();
  #seen: Seen | null = null;

  /**
   * Read before flagd is asked, and given to `follow` with the answer: one that another answer has overtaken meanwhile
   * is late, and no step back.
   */
  get seen(): Seen | null {
    return this.#seen;
  }

  /**
   * Takes the metadata of an answer, and `seen` from before it was asked for. Returns why the answer does not follow;
   * null when it does.
   */
  follow(metadata: Readonly<Record<string, unknown>>, seen: Seen | null): Fault | null {
    const origin = originOf(metadata);
    const last = this.#seen;
    if (!last) return origin && this.#take(origin);
    if (!origin) return foreign('names no generation, as those before did');
    const { generation, first, fromNothing, epoch } = origin;
    if (generation === seen?.generation && epoch < seen.epoch) {
      return stale(
        `of epoch ${epoch}, after epoch ${seen.epoch} was served: an old text is in the place of a newer one`,
      );
    }
    if (generation === last.generation) return epoch > last.epoch ? this.#take(origin) : null;
    if (generation === seen?.generation) return null; // asked before the change
    if (this.#known.has(generation)) {
      return stale(
        `of generation ${quoteId(generation)}, which ended with a recover: an old text is in the place of a newer one`,
      );
    }
    if (this.#known.has(first) || fromNothing) return this.#take(origin);
    return foreign(
      `is of another switch (generation ${quoteId(generation)}, which did not go on from ${quoteId(last.generation)}); if that is meant, start this process anew`,
    );
  }

  #take({ generation, first, epoch }: Origin): null {
    this.#known.add(first).add(generation);
    this.#seen = { generation, epoch };
    return null;
  }
}

function originOf(metadata: Readonly<Record<string, unknown>>): Origin | null {
  const { generation, first_generation: first = generation, from_nothing: fromNothing, epoch } = metadata;
  if (typeof generation !== 'string' || typeof first !== 'string' || typeof epoch !== 'number') return null;
  return { generation, first, fromNothing: fromNothing === true, epoch };
}

const stale = (what: string): Fault => ({ code: 'STALE', message: `flagd's definition is ${what}` });

/** The fault of an answer that is not the switch's. */
export const foreign = (what: string): Fault => ({
  code: 'FOREIGN_ANSWER',
  message: `flagd's answer ${what}: another of its sources has the same flag, or what it serves is no "kill-switch flagd export --watch" of this switch. Look with: kill-switch flagd validate FILE… (all of them, in flagd's order)`,
});
