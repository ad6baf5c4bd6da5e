import type { Beat, Head } from '../../flags/index.ts';
import { answerOf, claimText, endText } from '../approvals.ts';
import { CATCH_UP_EVENTS, sameHead } from '../answers.ts';
import type { Claim, ClaimAsked } from '../capabilities/approvals.ts';
import type { Confirmation } from '../confirmation.ts';
import { stopsIn } from '../stop-texts.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { corrupt, requireReplicated, stateIsGone } from './errors.ts';
import { JudgedForks, type Judgement, type ReportedFork } from './judge-forks.ts';
import { escapeId } from './keys.ts';
import type { RedisReader } from './reader.ts';
import { headText, logId, reply, type StreamEntry } from './replies.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, type ScriptCall, waitMs } from './scripts.ts';
import { keptStops } from './stops.ts';

/**
 * What Redis holds where the answer is not one of CONFIRM. A library of another name may have taken the names of our
 * functions: only a user who may delete it can mend that.
 */
const NO_ANSWER =
  'something that is not the switch, or functions that are not those of this version. Any command of an operator puts these there; where that does not help, FUNCTION LIST says which library has their names: FUNCTION DELETE it';

/** What the script `CONFIRM` returns. */
interface Answer {
  readonly head: Head | null;
  /** The log's last id. */
  readonly tail: string | null;
  readonly hasState: boolean;
  /** The log from the held head on, that head's event included. */
  readonly entries: readonly StreamEntry[];
  readonly changes: string;
  readonly reports: readonly ReportedFork[];
  readonly control: string | null;
  /** True when there were more reports than are judged. */
  readonly isFlood: boolean;
  /** When Redis ran the script, by its own clock, RFC 3339 UTC. */
  readonly time: string;
  /** Null: as they were when the reports were last judged. */
  readonly stops: ReadonlyArray<readonly [name: string, lines: string]> | null;
  /** Whether the held head is in the part of the log that is archived. */
  readonly isArchived: boolean;
}

/** Makes the confirmations of one executor's connection. */
export class Confirmations {
  readonly #endpoint: RedisEndpoint;
  readonly #parts: RedisReader;
  readonly #executorName: string;
  readonly #forks = new JudgedForks();
  #stops: Confirmation['stops'] = [];

  constructor(endpoint: RedisEndpoint, parts: RedisReader, executorName: string) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#executorName = executorName;
  }

  async confirm(beat: Beat, nonce: string): Promise<Confirmation> {
    const { answer, ...asked } = await this.#ask(beat, { script: LIBRARY.scripts.confirm, keys: [], args: [] });
    return this.#confirmation({ beat, nonce }, { answer: this.#read(answer), ...asked });
  }

  /** Claims what was approved, in the same step. */
  async claim(asked: ClaimAsked, confirming: { readonly beat: Beat; readonly nonce: string }): Promise<Claim> {
    const { keys, replies } = this.#parts;
    const claim = claimText(asked, { name: this.#executorName, id: confirming.beat.id });
    const over = endText('expired', this.#executorName);
    const { answer, ...about } = await this.#ask(confirming.beat, {
      script: LIBRARY.scripts.claim,
      keys: [keys.claims],
      args: [asked.id, claim, asked.times ?? 0, Date.parse(asked.until), over],
    });
    const [confirmed, kept, use] = replies.parse(reply.claim, answer, NO_ANSWER);
    const confirmation = this.#confirmation(confirming, { answer: this.#read(confirmed), ...about });
    return { ...confirmation, claim: answerOf(kept, claim, use) };
  }

  #confirmation(
    { beat, nonce }: { readonly beat: Beat; readonly nonce: string },
    { answer, stream, judged }: { answer: Answer; stream: unknown; judged: Judgement | null },
  ): Confirmation {
    const held = beat.applied;
    const { head, time } = answer;
    if (answer.stops) this.#stops = stopsIn(keptStops(answer.stops));
    const about = { nonce, time, ageMs: 0, stops: this.#stops };
    if (head === null) return { ...about, head, events: held ? null : 'reload', forkReported: false };
    this.#requireWhole(head, answer);
    const forkReported = this.#forks.isProven({ ...answer, head, stream }, judged);
    return { ...about, head, events: held ? this.#way(held, head, answer) : 'reload', forkReported };
  }

  /**
   * Asks the store. `judged`: what was known of the reports already, on this connection; the store then hands them out
   * only if they have changed.
   */
  async #ask(
    beat: Beat,
    also: Pick<ScriptCall, 'script' | 'keys' | 'args'>,
  ): Promise<{ answer: unknown; stream: unknown; judged: Judgement | null }> {
    const { connection, keys } = this.#parts;
    const { replicas } = this.#endpoint;
    const own = keys.executor(this.#executorName);
    const held = beat.applied;
    let stream: unknown;
    let judged: Judgement | null = null;
    const answer = await connection.request({
      access: 'write',
      send: async (client, leftMs) => {
        stream = client.stream;
        judged = this.#forks.known(stream, held?.generation);
        const result = await runScript(client, {
          script: also.script,
          keys: [own.beats, own.forks, keys.names, keys.changes, keys.head, keys.state, keys.log, ...also.keys],
          args: [
            beat.id,
            JSON.stringify(beat),
            escapeId(beat.id),
            beat.fork ? JSON.stringify(beat.fork) : '',
            held ? headText(held) : '',
            held ? logId(held.epoch) : '',
            CATCH_UP_EVENTS,
            own.escaped,
            keys.executorPrefix,
            judged?.changes ?? '',
            ...also.args,
          ],
          replicas,
          waitMs: waitMs(leftMs),
        });
        return requireReplicated(result, this.#endpoint, 'The confirmation does not count.');
      },
    });
    return { answer, stream, judged };
  }

  #read(answer: unknown): Answer {
    const { replies } = this.#parts;
    const [head, tail, hasState, entries, changes, reports, control, more, time, stops, archived] = replies.parse(
      reply.confirm,
      answer,
      NO_ANSWER,
    );
    return {
      head: replies.head(head),
      tail,
      hasState: hasState === 1,
      entries,
      changes,
      reports,
      control,
      isFlood: more === 1,
      time: replies.time(time),
      stops,
      isArchived: archived === 1,
    };
  }

  /** @throws KillSwitchError CORRUPT where the head is not that of this log, or has no state */
  #requireWhole({ epoch }: Head, { hasState, tail }: Answer): void {
    if (!hasState) throw stateIsGone(this.#endpoint, this.#parts.keys);
    if (tail === logId(epoch)) return;
    throw corrupt(
      this.#endpoint,
      `holds a head ${epoch}, but a log that ends in ${tail ?? 'nothing'}: an operator must look at it and then run: kill-switch recover --reason "…"`,
    );
  }

  /**
   * The events from the held head, whose own event comes first in `entries`, to the store's head; null where the held
   * one is not in the chain.
   */
  #way(held: Head, head: Head, { entries, isArchived }: Answer): Confirmation['events'] {
    const { replies } = this.#parts;
    if (sameHead(held, head)) return [];
    const [first, ...missing] = entries;
    if (isArchived) return 'reload'; // loading says that nobody can tell
    if (held.epoch >= head.epoch || first?.[0] !== logId(held.epoch) || replies.event(first).hash !== held.hash)
      return null;
    if (missing.length > CATCH_UP_EVENTS) return 'reload';
    const events = missing.map((entry) => replies.event(entry));
    if (events.at(-1)?.hash !== head.hash)
      throw corrupt(this.#endpoint, `holds a log that does not lead to its head ${head.epoch}.`);
    return events;
  }
}
