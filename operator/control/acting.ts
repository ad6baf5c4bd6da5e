import { notify } from '../../flags/callbacks.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { entryKey, KILL_RETURN_MS, loosens, parseTarget } from '../../flags/index.ts';
import type { ControlConnection, Replication } from '../../store/ports.ts';
import type { Acknowledgements } from '../acknowledge.ts';
import type { ChangeAnswer, TighteningAnswer } from '../answers.ts';
import type { Order, Recorded } from '../change-queue.ts';
import { type Command, reachOf, restricts } from '../commands/index.ts';
import { type Copied, copyStops } from '../copy-stops.ts';
import type { GivenWaiting } from '../given/change.ts';
import { type Known, whatIsHit } from '../hit.ts';
import type { Matched } from '../matched.ts';
import type { OpenedSwitch } from '../opened-switch.ts';
import type { Operator } from '../operators.ts';
import { ChangeRefusedError, refusalCode } from '../refusals.ts';
import { hasRight, type Right, withoutRight } from '../roles.ts';
import { within } from '../../store/with-deadline.ts';
import { stopHeard } from '../stop-heard.ts';

/** How long the copy of a stop is tried that somebody needs, in milliseconds. */
const COPY_RETRY_MS = 10_000;

/** How long to wait at most for what replicas say, in milliseconds; where they answer it takes less than the kill. */
const REPLICATION_MS = 1000;

/** What a stop has hit, and who has obeyed it. */
interface Heard {
  readonly matched: Matched;
  readonly acknowledgements: Acknowledgements;
}

/** Commands that name the epoch that their operator had read. */
type Setting = Extract<Command, { readonly epoch?: number | undefined }>;

interface SetOrStopped {
  readonly command: Setting;
  readonly waiting: GivenWaiting;
}

/** A switch in a store, as one operator acts on it. */
export class Acting {
  readonly opened: OpenedSwitch;
  readonly operator: Operator;

  constructor(opened: OpenedSwitch, operator: Operator) {
    this.opened = opened;
    this.operator = operator;
  }

  get connection(): ControlConnection {
    return this.opened.connection;
  }

  get organizationId(): string {
    return this.opened.place.organizationId;
  }

  /** Where it is read whether anybody has a name. */
  get known(): Known {
    return { hearing: this.opened.hearing, ledger: this.connection.ledger };
  }

  /** For what no event says. @throws ChangeRefusedError ROLE_REQUIRED */
  requireRight(right: Right, verb: string): void {
    if (hasRight(this.operator, right)) return;
    const refusal = withoutRight(this.operator, right, verb);
    this.opened.noteAttempt(this.operator, { command: verb, target: null, code: refusalCode(refusal) });
    throw new ChangeRefusedError(refusal);
  }

  /** Reads what somebody has asked for. That it is no target is recorded as an attempt. */
  read<Given>(verb: 'kill' | 'revive', options: { readonly target: string }, given: () => Given): Given {
    try {
      return given();
    } catch (error) {
      const target = mistyped(options);
      if (target !== null) this.opened.noteAttempt(this.operator, { command: verb, target, code: 'INVALID_ARGUMENT' });
      throw error;
    }
  }

  append(command: Command): Promise<Recorded> {
    return this.opened.append({ command, actor: this.operator });
  }

  /** Records what executors have stopped by themselves. `target`: only what stops that; default: all. */
  copyStops(target?: string): Promise<Copied> {
    const { connection, opened } = this;
    const append = (order: Order): Promise<Recorded> => opened.append(order);
    return copyStops({ connection, append, retryMs: COPY_RETRY_MS, target });
  }

  /** A change at the epoch that it names, or else at that of the head as it is. */
  async set(command: Setting): Promise<Recorded> {
    const epoch = command.epoch ?? (await this.connection.read([entryKey('control')])).head?.epoch;
    return this.append({ ...command, epoch });
  }

  /** Sets a value. A change that takes authority away is heard as a kill is; so is one whose direction is not known. */
  async setOrStop({ command, waiting }: SetOrStopped): Promise<TighteningAnswer> {
    const recorded = await this.set(command);
    const answer = answerTo(recorded);
    notify(waiting.onRecorded, answer);
    const { change } = recorded;
    if (change && (loosens(change) || (change.already && !restricts(command)))) return answer;
    return { ...answer, ...(await this.heard(command, recorded, waiting)) };
  }

  /** Which replicas have a change. It is recorded, whether or not that can be known now. */
  replication({ head }: Recorded): Promise<Replication | { readonly replicas: null; readonly replicated: null }> {
    const unknown = { replicas: null, replicated: null };
    return within(this.connection.replication(head), REPLICATION_MS, () => new Error('nobody has said')).then(
      (replication) => replication ?? unknown,
      () => unknown,
    );
  }

  /** Waits for executors to obey a stop, and reads meanwhile what it has hit. */
  async heard(
    command: Command,
    { head }: Recorded,
    { onMatched, ...waiting }: Omit<GivenWaiting, 'onRecorded'>,
  ): Promise<Heard> {
    const { hearing, pace } = this.opened;
    const reach = reachOf(command);
    const [matched, acknowledgements] = await Promise.all([
      whatIsHit(hearing, command, Math.max(KILL_RETURN_MS, waiting.waitMs)).then((known) => {
        notify(onMatched, known);
        return known;
      }),
      stopHeard(hearing, { head, reach, ...waiting }, pace),
    ]);
    return { matched, acknowledgements };
  }
}

/** A text that was given as a target, and is none; null for anything else. */
function mistyped(options: unknown): string | null {
  try {
    const target = isJsonObject(options) ? options['target'] : undefined;
    if (typeof target !== 'string') return null;
    return isTarget(target) ? null : target;
  } catch {
    return null; // the caller's own getter has thrown
  }
}

function isTarget(text: string): boolean {
  try {
    parseTarget(text);
    return true;
  } catch {
    return false;
  }
}

export const answerTo = ({ event, change }: Recorded): ChangeAnswer => ({
  epoch: event.seq,
  already: change?.already ?? false,
});
