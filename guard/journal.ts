import { randomUUID } from 'node:crypto';
import { KillSwitchError, messageOf, shownId } from '../flags/index.ts';
import type { Journal, JournalEnd, JournalEntry, JournalIntent } from '../store/capabilities/journal.ts';
import { answering } from '../store/journal-entries.ts';
import { reversalKey, undoneBy } from '../store/reversals.ts';
import { Rounds } from '../store/rounds.ts';
import { type Asked, answerOf, type JournalAnswer, type Resolution } from './journal-answer.ts';

/** How long until an end that could not be stored is tried again, in milliseconds: at first, and at most. */
const [RETRY_MS, LONGEST_RETRY_MS] = [250, 5000];

/** How often an attempt of a key may be found taken by somebody else who was quicker. */
const MOST_LOST = 20;

/** How many ends wait for the store; further ones are given up, unless they have landed. */
const MOST_UNSTORED = 10_000;

/** How many ends that are not stored are named in a message. */
const MOST_NAMED = 10;

/** What a call intends; which attempt that is, the journal finds out. */
export type Intending = Omit<JournalIntent, 'id' | 'attempt'> & Pick<Asked, 'idempotent'>;

/** Why nothing is intended. */
export type NotBegun =
  /** The key was intended before. */
  | (Exclude<JournalAnswer, { is: 'again' }> & { readonly entry: JournalEntry })
  /** It has landed, and a rollback has undone it. */
  | { readonly is: 'undone'; readonly entry: JournalEntry }
  /** It is not known to be written, so nothing may start. */
  | { readonly is: 'unavailable'; readonly why: string };

/** What came of an intent. */
export type Begun = { readonly is: 'intended'; readonly intent: JournalIntent } | NotBegun;

/** What has ended here and is not stored yet. */
interface Unstored {
  readonly intent: JournalIntent;
  readonly end: JournalEnd;
}

/** What an operator has said of an attempt, as the local copy of the switch has it; null: nothing. */
export type Resolutions = (entry: JournalEntry) => Resolution | null;

/**
 * The journal of this executor. Ends that the store does not take are kept in memory and tried again; while what has
 * landed is among them, nothing else is intended.
 */
export class OwnJournal {
  readonly #journal: Journal;
  readonly #resolutions: Resolutions;
  readonly #unstored = new Map<string, Unstored>();
  readonly #storing = new Rounds<void>({
    round: () => this.#store(),
    goesOn: (_ended, asked) => asked,
    onRest: () => this.#retryLater(),
  });
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #lastError = '';
  #isPrepared = false;

  constructor(journal: Journal, resolutions: Resolutions) {
    this.#journal = journal;
    this.#resolutions = resolutions;
  }

  /** Has a store that must read what is there before it can answer begin with that before the first call. */
  prepare(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    this.#journal.attemptsOf('').catch(() => {}); // the first call will say what is wrong
  }

  /** Intends one attempt of this key, durably. Never rejects. */
  async intend({ idempotent, ...asked }: Intending): Promise<Begun> {
    const held = this.#landings()[0] ?? (await this.#unstoredOf(asked.idempotency_key));
    if (held) return { is: 'unavailable', why: this.#notStored(held) };
    for (let attempt = 1, lost = 0; lost < MOST_LOST; lost += 1) {
      const intent: JournalIntent = { ...asked, id: randomUUID(), attempt };
      const found = await this.#journal.intend(intent).catch((error: unknown) => messageOf(error));
      if (typeof found === 'string') {
        // It may have been written all the same. Nobody waits for this: the store is asked for the next call anyway.
        this.#keep({ intent, end: { state: 'not_started' } });
        return { is: 'unavailable', why: found };
      }
      if (found.is === 'new') return { is: 'intended', intent };
      const { entry } = found;
      const answer = answerOf(entry, { ...asked, idempotent }, this.#resolutions(entry));
      if (answer.is !== 'again') return this.#unlessUndone({ ...answer, entry });
      attempt = entry.attempt + 1;
    }
    return { is: 'unavailable', why: `others have taken each of ${MOST_LOST} attempts of this key` };
  }

  /** What an earlier call with this key means for one that is not intended yet. Never rejects. */
  async known({
    idempotency_key,
    ...asked
  }: Asked & Pick<JournalIntent, 'idempotency_key'>): Promise<NotBegun | { readonly is: 'again' }> {
    const held = this.#landings()[0] ?? (await this.#unstoredOf(idempotency_key));
    if (held) return { is: 'unavailable', why: this.#notStored(held) };
    try {
      const entry = answering(await this.#journal.attemptsOf(idempotency_key));
      if (!entry) return { is: 'again' };
      const answer = answerOf(entry, asked, this.#resolutions(entry));
      return answer.is === 'again' ? answer : await this.#unlessUndone({ ...answer, entry });
    } catch (error) {
      return { is: 'unavailable', why: messageOf(error) };
    }
  }

  /**
   * What has landed and was undone, by the word of whoever has undone it or of a person, is no answer any more: to
   * repeat it would be to say what is no longer so.
   */
  async #unlessUndone(answer: Extract<NotBegun, { readonly entry: JournalEntry }>): Promise<NotBegun> {
    if (answer.is !== 'landed') return answer;
    const { entry } = answer;
    try {
      const tries = await this.#journal.attemptsOf(reversalKey(entry.id));
      const words = new Map(tries.map((each) => [each.id, this.#resolutions(each)]));
      const { state } = undoneBy(tries, (intent) => {
        const word = words.get(intent) ?? null;
        return word === null ? undefined : { landed: word === 'landed' };
      });
      return state === 'reversed' ? { is: 'undone', entry } : answer;
    } catch (error) {
      return { is: 'unavailable', why: messageOf(error) };
    }
  }

  /** Writes the end of an intent. False: it is not stored; where it can be, it is tried again. Never rejects. */
  async end(intent: JournalIntent, end: JournalEnd): Promise<boolean> {
    try {
      return await this.#put({ intent, end });
    } catch (error) {
      this.#lastError = messageOf(error);
      this.#keep({ intent, end });
      return false;
    }
  }

  /**
   * An intent that the store has lost meanwhile is written once more, since what may have landed under its key must not
   * run again. False: somebody else has the attempt by now.
   */
  async #put({ intent, end }: Unstored): Promise<boolean> {
    if ((await this.#journal.end(intent, end)) || end.state === 'not_started') return true;
    const again = await this.#journal.intend(intent);
    return again.is === 'new' && this.#journal.end(intent, end);
  }

  /**
   * Tries a last time to store what is not stored.
   * @throws KillSwitchError JOURNAL_UNAVAILABLE for what has landed and is not recorded
   */
  async close(): Promise<void> {
    if (this.#unstored.size > 0) {
      this.#storing.ask();
      await this.#storing.rest();
    }
    await this.#storing.close();
    clearTimeout(this.#timer);
    const left = this.#landings();
    if (left.length === 0) return;
    const named = left
      .slice(0, MOST_NAMED)
      .map(({ intent: { action, idempotency_key } }) => `${shownId(idempotency_key)} (${action})`);
    const more = left.length > MOST_NAMED ? `, and ${left.length - MOST_NAMED} more` : '';
    throw new KillSwitchError(
      'JOURNAL_UNAVAILABLE',
      `This executor has ended, and the journal could not be told that these have landed: ${named.join(', ')}${more}. They are shown as unknown. Resolve each: kill-switch runs resolve RUN KEY --landed --reason "…". The last failure: ${this.#lastError}`,
    );
  }

  #landings(): Unstored[] {
    if (this.#unstored.size === 0) return [];
    return [...this.#unstored.values()].filter(({ end }) => end.state === 'landed');
  }

  /** What was not stored of this key, after one more try; a call with a key that has it would be told a wrong end. */
  async #unstoredOf(key: string): Promise<Unstored | undefined> {
    const find = (): Unstored | undefined =>
      [...this.#unstored.values()].find(({ intent }) => intent.idempotency_key === key);
    if (this.#unstored.size === 0 || !find()) return undefined;
    this.#storing.ask();
    await this.#storing.rest();
    return find();
  }

  #notStored({ intent, end }: Unstored): string {
    const what = `${intent.action} under the idempotency key ${shownId(intent.idempotency_key)}`;
    const state = end.state === 'landed' ? 'has landed' : `has ended (${end.state})`;
    return `${what} ${state}, and the journal could not be told yet: ${this.#lastError}`;
  }

  #keep(unstored: Unstored): void {
    // Without its end an intent is unknown, which is safe; what has landed is always kept.
    if (unstored.end.state !== 'landed' && this.#unstored.size >= MOST_UNSTORED) return;
    this.#unstored.set(unstored.intent.id, unstored);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#unstored.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#storing.ask();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  async #store(): Promise<void> {
    for (const [id, unstored] of [...this.#unstored]) {
      try {
        await this.#put(unstored);
      } catch (error) {
        this.#lastError = messageOf(error);
        return; // what the store does not take now, it takes of no other
      }
      if (this.#unstored.get(id) === unstored) this.#unstored.delete(id); // it may have landed meanwhile
    }
    this.#retryMs = RETRY_MS;
  }
}
