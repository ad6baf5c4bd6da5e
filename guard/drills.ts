import { setTimeout as sleep } from 'node:timers/promises';
import { CANARY, cutMs, type Drill, drillRun, drillWorker, readTarget, runningDrill } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { AskedWork } from './asked-work.ts';
import { CANARIES, type CanaryWork, sendingAs } from './canary.ts';
import { decide } from './decide.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import type { NormalisedAction } from './action.ts';
import { perform } from './perform.ts';
import { stepsFor } from './steps/index.ts';
import { subjectOf } from './subject.ts';

/** How often a drill's own work is tried, and how often after it was refused, in milliseconds. */
const [EVERY_MS, REFUSED_EVERY_MS] = [200, 500];

/** How often it may land, and be refused, in one drill: a drill that goes wrong must not go on. */
const [MOST_LANDED, MOST_REFUSED] = [60, 8];

/** The same for a drill that cuts an executor off: it is refused until it is back. */
const MOST_CUT_OFF = 150;

type Act = NormalisedAction<CanaryWork, CanaryWork>;

export interface DrillsParts {
  readonly guard: Guard;
  readonly executorId: string;
  readonly replica: Pick<Replica, 'state' | 'on' | 'storeNow' | 'reading' | 'cutOff' | 'leaseMs'>;
}

/** What has come of a drill's own work so far. */
interface Done {
  landed: number;
  refused: number;
}

/**
 * The drills that name this executor: it does their own work, which changes nothing but its records, through the steps
 * of every call, so that what stops others stops it. It ends with the drill, and also where that says nothing more.
 */
export class Drills {
  readonly #parts: DrillsParts;
  readonly #work: AskedWork;

  constructor(parts: DrillsParts) {
    this.#parts = parts;
    this.#work = new AskedWork(parts.replica, () => {
      const drill = this.#asked();
      if (drill) this.#work.add(drill.id, () => this.#perform(drill)); // what came of it is in its records
    });
  }

  close(): Promise<void> {
    return this.#work.close();
  }

  /** The drill that asks this executor, as it is now; null: none does. */
  #asked(): Drill | null {
    const { replica, executorId } = this.#parts;
    const now = replica.storeNow();
    if (this.#work.signal.aborted || now === null || !replica.state) return null;
    const drill = runningDrill(replica.state.drills, new Date(now).toISOString());
    return drill?.performer?.id === executorId ? drill : null;
  }

  async #perform({ id, kind }: Drill): Promise<void> {
    const { replica } = this.#parts;
    const done: Done = { landed: 0, refused: 0 };
    const isCut = kind === 'partition';
    let hasCut = false;
    for (let step = 1; ; step += 1) {
      const drill = this.#asked();
      if (drill?.id !== id || (drill.step !== 'baseline' && drill.step !== 'press')) return;
      if (isCut && drill.step === 'press' && !hasCut) {
        hasCut = true;
        replica.cutOff(cutMs(replica.leaseMs));
      }
      const before = done.refused;
      const mayGoOn = isCut
        ? done.landed + done.refused < MOST_CUT_OFF
        : done.landed < MOST_LANDED && done.refused < MOST_REFUSED;
      if (mayGoOn) for (const action of actsOf(drill)) await this.#try(drill, { action, step }, done);
      if (kind === 'exfiltration' && done.landed + done.refused > 0) return;
      const pauseMs = done.refused > before ? REFUSED_EVERY_MS : EVERY_MS;
      await sleep(pauseMs, undefined, { ref: false, signal: this.#work.signal }).catch(() => {});
    }
  }

  /** One try. What would ask a person, or leave them something to do, is not tried. */
  async #try(
    drill: Drill,
    { action, step }: { readonly action: Act; readonly step: number },
    done: Done,
  ): Promise<void> {
    const { guard, replica } = this.#parts;
    const who = identityOf(drill);
    const subject = subjectOf(action, guard.organizationId, who);
    const { verdict } = decide(subject, replica.reading(subject));
    if (verdict !== 'allow' && verdict !== 'block' && verdict !== 'pause') return;
    const asking: Guard = { ...guard, identity: () => who };
    const work: CanaryWork = { drill: drill.id, step, ...(drill.recipient !== null && { to: drill.recipient }) };
    const options = { waitMs: 0, idempotencyKey: `${drillRun(drill.id)}:${step}:${action.name}` };
    const { status } = await guard.within(who, () =>
      perform({ guard: asking, action, steps: stepsFor(action, true) }, work, options),
    );
    if (status === 'executed') done.landed += 1;
    else done.refused += 1;
  }
}

/** What is tried each time: where one permission is cut, something else goes on beside it. */
function actsOf({ kind, target }: Drill): readonly Act[] {
  if (kind === 'exfiltration') {
    const { id } = readTarget(target);
    return [id === CANARY.send ? CANARIES.send : sendingAs(id)];
  }
  if (kind === 'scoped' && target === `action:${CANARY.send}`) return [CANARIES.act, CANARIES.send];
  return [CANARIES.act];
}

const identityOf = (drill: Drill): Identity => ({
  ...{ ...drillWorker(drill), lineageAgents: [], lineageMissions: [] },
  ...(drill.recipient !== null && { context: { recipient: drill.recipient } }),
});
