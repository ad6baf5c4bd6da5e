import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, readTarget, type Rollback, shownId } from '../flags/index.ts';
import type { JournalIntent, JournalReader, RollbackMark } from '../store/capabilities/journal.ts';
import type { Replica } from '../store/replica.ts';
import { reversalKey, rollbackKey, type Said } from '../store/reversals.ts';
import { type RollbackItem, type RollbackList, rollbackList } from '../store/rollback-list.ts';
import { AskedWork } from './asked-work.ts';
import type { Guard } from './guard.ts';
import type { OwnJournal } from './journal.ts';
import { type Actions, reverseOne, shortened } from './reversal.ts';
import { inputHashOf } from './plain-data.ts';

/** How often a journal that cannot be read is read, and how long after that, in milliseconds. */
const [READINGS, READ_AGAIN_MS] = [3, 1000];

/** The name under which the journal has a rollback itself. */
const ROLLBACK = 'kill-switch.rollback';

export interface RollbacksParts {
  readonly guard: Guard;
  readonly actions: Actions;
  readonly executorId: string;
  readonly replica: Pick<Replica, 'state' | 'on'>;
  /** Where this executor writes, and where it reads what anybody has written. */
  readonly own: OwnJournal;
  readonly journal: JournalReader;
}

/** Why nothing more is tried. */
class Stopped extends Error {}

/**
 * The rollbacks that name this executor: each undoes what was previewed, the last effect first, one after the other.
 * What became of each is in the journal, and so is the end of the rollback itself.
 */
export class Rollbacks {
  readonly #parts: RollbacksParts;
  readonly #work: AskedWork;

  constructor(parts: RollbacksParts) {
    this.#parts = parts;
    this.#work = new AskedWork(parts.replica, () => this.#look());
  }

  /** Begins nothing more. Resolves when what runs has come to its end: the closed guard lets nothing more start. */
  close(): Promise<void> {
    return this.#work.close();
  }

  /** Two at a time would undo their effects in no order, so each waits for the one before it in the log. */
  #look(): void {
    const { replica, executorId } = this.#parts;
    const asked = (replica.state?.rollbacks ?? []).filter(({ performer }) => performer.id === executorId);
    for (const rollback of asked.sort((a, b) => a.epoch - b.epoch))
      this.#work.add(`${rollback.epoch} ${rollback.id}`, () => this.#perform(rollback));
  }

  /** False once another executor has taken it over: nobody asks this one any more. */
  #isAsked({ id, epoch }: Rollback): boolean {
    const { state } = this.#parts.replica;
    return !this.#work.signal.aborted && (state?.rollbacks.some((now) => now.id === id && now.epoch === epoch) ?? true);
  }

  /** Never rejects. */
  async #perform(rollback: Rollback): Promise<void> {
    const { own } = this.#parts;
    if (!this.#isAsked(rollback)) return;
    try {
      // The former one may begin a reversal until it has applied the takeover, and no longer than its lease.
      if (rollback.former) await sleep(rollback.former.lease_ms, undefined, { ref: false, signal: this.#work.signal });
    } catch {
      return; // closed meanwhile
    }
    const intent = await this.#intended(rollback);
    if (!intent) return;
    try {
      await this.#undo(rollback);
      await own.end(intent, {
        state: 'landed',
        landing: { result: null, redirected: false, reverse: { is: 'not_reversible', why: 'it is a rollback' } },
      });
    } catch (error) {
      await own.end(intent, { state: 'failed', why: shortened(messageOf(error)) });
    }
  }

  /** Has the journal say that this executor begins; null: it is asked no more, or the switch is closed. */
  async #intended(rollback: Rollback): Promise<JournalIntent | null> {
    while (this.#isAsked(rollback)) {
      const begun = await this.#parts.own.intend({ ...this.#about(rollback), idempotent: true });
      if (begun.is === 'intended') return begun.intent;
      if (begun.is !== 'unavailable') return null;
      await sleep(READ_AGAIN_MS, undefined, { ref: false, signal: this.#work.signal }).catch(() => {});
    }
    return null;
  }

  /** @throws Stopped, and what the journal rejects with */
  async #undo(rollback: Rollback): Promise<void> {
    const { guard, actions, executorId } = this.#parts;
    const { hash, items } = await this.#list(rollback);
    if (hash !== rollback.hash)
      throw new Stopped(
        'what there is to undo is not what was previewed: something has landed since. Preview it again',
      );
    for (const item of items) {
      if (!item.reverse || item.undone.state === 'reversed') continue;
      // What has thrown is tried again by another rollback only; what another executor could not try, this one may.
      if (item.undone.last?.rollback?.id === rollback.id && item.undone.last.state === 'failed') continue;
      const tried = await reverseOne({ guard, actions, rollback, executorId }, item);
      if (tried.is === 'stopped')
        throw new Stopped(`the rollback stopped at ${shownId(item.entry.idempotency_key)}: ${tried.why}`);
      if (tried.is === 'not tried') await this.#note(rollback, item, tried.why);
    }
  }

  async #list({ target, since }: Rollback): Promise<RollbackList> {
    const { replica, journal } = this.#parts;
    const said: Said = (intent) => replica.state?.resolved.findLast((each) => each.intent === intent);
    for (let left = READINGS; ; left -= 1) {
      try {
        return await rollbackList(journal, { target, since }, said);
      } catch (error) {
        if (left === 1 || this.#work.signal.aborted) throw error;
        await sleep(READ_AGAIN_MS, undefined, { ref: false, signal: this.#work.signal });
      }
    }
  }

  /** Has the journal say why something was not tried. Where it cannot be told, nothing is known of it. */
  async #note(rollback: Rollback, { entry, reverse }: RollbackItem, why: string): Promise<void> {
    const { own } = this.#parts;
    const { run_id, agent_id, mission_id } = entry;
    const action = reverse?.action ?? '';
    const begun = await own.intend({
      ...{ run_id, agent_id, mission_id, action },
      idempotency_key: reversalKey(entry.id),
      input_hash: inputHashOf(reverse?.input ?? null),
      approval_id: null,
      rollback: markOf(rollback, entry.id),
      idempotent: false,
    });
    if (begun.is === 'intended') await own.end(begun.intent, { state: 'not_started', why });
  }

  #about(rollback: Rollback) {
    const { type, id } = readTarget(rollback.target);
    return {
      idempotency_key: rollbackKey(rollback),
      run_id: type === 'run' ? id : null,
      agent_id: type === 'agent' ? id : null,
      mission_id: type === 'mission' ? id : null,
      action: ROLLBACK,
      input_hash: rollback.hash,
      approval_id: null,
      rollback: markOf(rollback, null),
    };
  }
}

const markOf = ({ id, asked_by }: Rollback, undoes: string | null): RollbackMark => ({ id, asked_by, undoes });
