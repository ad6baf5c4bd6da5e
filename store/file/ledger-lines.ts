import { z } from 'zod';
import type { Reserved } from '../capabilities/ledger.ts';
import { type BookText, LedgerBook } from '../ledger-book.ts';
import { costsSchema, givenCosts, reservationSchema } from '../ledger-requests.ts';

/** A request as it is written into the file: when, and a word by which its writer knows the line again. */
const common = { at: z.int().min(0), mark: z.string().max(100) };

const lineSchema = z.discriminatedUnion('is', [
  z.object({ is: z.literal('reserve'), ...common, ...reservationSchema.shape }),
  z.object({ is: z.literal('settle'), ...common, id: z.string(), costs: costsSchema }),
  z.object({ is: z.literal('release'), ...common, id: z.string() }),
  /** Ends the file: no line after it counts, and the next file begins with what this one came to. */
  z.object({ is: z.literal('close'), ...common }),
]);

/** What {@link lineSchema} accepts. */
export type LedgerLine = z.infer<typeof lineSchema>;

/** What a line came to: null for one that answers nothing. */
export type LineOutcome = Reserved | null;

const carrySchema = z.object({ is: z.literal('carry'), of: z.int().min(0), text: z.custom<BookText>(isObject) });

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** The first line of a file: what all files before it came to. */
export const carryLine = (of: number, text: BookText): string => JSON.stringify({ is: 'carry', of, text });

/** The book with which a file begins; null where its first line is none. */
export function readCarry(line: string): LedgerBook | null {
  try {
    return new LedgerBook(carrySchema.parse(JSON.parse(line)).text);
  } catch {
    return null;
  }
}

/**
 * Takes the lines of one file of the ledger, in its order, which decides for everybody alike. A line that cannot be
 * read was cut short by a crash, and is passed over: its writer was told nothing of it.
 */
export class LedgerLines {
  readonly book: LedgerBook;
  #isClosed = false;

  constructor(book: LedgerBook) {
    this.book = book;
  }

  /** True once a line has ended the file. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes the next line. @returns its writer's mark and what it came to; null for one that does not count */
  take(text: string): { readonly mark: string; readonly outcome: LineOutcome } | null {
    const line = text === '' || this.#isClosed ? null : readLine(text);
    return line && { mark: line.mark, outcome: this.#apply(line) };
  }

  #apply(line: LedgerLine): LineOutcome {
    switch (line.is) {
      case 'reserve':
        return this.book.reserve(line, line.at);
      case 'settle':
        this.book.settle(line.id, givenCosts(line.costs), line.at);
        return null;
      case 'release':
        this.book.release(line.id, line.at);
        return null;
      case 'close':
        this.#isClosed = true;
        return null;
      default:
        return line satisfies never;
    }
  }
}

function readLine(text: string): LedgerLine | null {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
