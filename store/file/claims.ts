import { answerOf, atTime, claimId, claimText, endIn, endText } from '../approvals.ts';
import type { ApprovalEnd, ClaimAnswer, ClaimAsked } from '../capabilities/approvals.ts';
import { inFolder, inKeptFolder, type OpenFolder } from './folder.ts';
import { putOnce, readKeptNow, removeKept } from './kept.ts';
import { type FilePaths, fileName } from './paths.ts';
import { ENDING } from './report-names.ts';

/** The longest claim that is read, in bytes. */
const LONGEST_CLAIM = 8192;

const nameOf = (id: string): string => fileName(id) + ENDING;

/** Who claims. */
export interface Claimer {
  readonly name: string;
  readonly id: string;
}

/**
 * Who has used what was approved: for each id one file, which the first makes that claims it. A file that cannot be
 * read counts as used by somebody. It belongs to whoever claimed, so that in a folder whose files only their owners can
 * remove nobody takes back the claim of another user.
 */
export class Claims {
  readonly #paths: FilePaths;

  constructor(paths: FilePaths) {
    this.#paths = paths;
  }

  /** Takes the first free place, or this claim's own. @param now the store's time, in milliseconds */
  claim(asked: ClaimAsked, by: Claimer, now: number): Promise<ClaimAnswer> {
    const claim = claimText(asked, by);
    const isOver = now >= Date.parse(asked.until);
    return this.#made(async (open) => {
      for (let use = 1; use <= (asked.times ?? 1); use += 1) {
        const id = claimId(asked, use);
        let kept = textIn(open, id);
        if (kept === null && isOver) {
          if (asked.times === null) await putOnce(open, nameOf(id), atTime(endText('expired', by.name), now));
          return { is: 'ended', as: 'expired' };
        }
        if (kept === null) {
          if (await putOnce(open, nameOf(id), atTime(claim, now))) return { is: 'claimed', use };
          kept = textIn(open, id) ?? '';
        }
        const answer = answerOf(kept, claim, use);
        if (answer.is === 'claimed' || asked.times === null) return answer;
      }
      return { is: 'ended', as: 'used' };
    });
  }

  /** Ends it, where nobody has claimed it. Resolves to how it has ended. */
  end(
    id: string,
    as: Exclude<ApprovalEnd, 'used'>,
    { by, now }: { readonly by: string; readonly now: number },
  ): Promise<ApprovalEnd> {
    return this.#made(async (open) => {
      const made = await putOnce(open, nameOf(id), atTime(endText(as, by), now));
      return made ? as : endIn(textIn(open, id) ?? '');
    });
  }

  /** How it has ended; null where nobody has claimed it. */
  async endOf(id: string): Promise<ApprovalEnd | null> {
    return (await this.endsOf([id])).get(id) ?? null;
  }

  /** How those of these have ended that have. */
  async endsOf(ids: Iterable<string>): Promise<ReadonlyMap<string, ApprovalEnd>> {
    const ends = new Map<string, ApprovalEnd>();
    await inFolder(this.#paths.root, this.#paths.claims, async (open) => {
      for (const id of ids) {
        const text = textIn(open, id);
        if (text !== null) ends.set(id, endIn(text));
      }
    });
    return ends;
  }

  async forget(ids: Iterable<string>): Promise<void> {
    await inFolder(this.#paths.root, this.#paths.claims, async (open) => {
      for (const id of ids) await removeKept(open, nameOf(id));
    });
  }

  #made<T>(work: (open: OpenFolder) => Promise<T>): Promise<T> {
    const { root, claims: path, made } = this.#paths;
    return inKeptFolder({ root, path, made }, work);
  }
}

/** What stands there; null where nobody has claimed it. */
function textIn(open: OpenFolder, id: string): string | null {
  const kept = readKeptNow(open, nameOf(id), LONGEST_CLAIM);
  return kept === null ? null : 'text' in kept ? kept.text : '';
}
