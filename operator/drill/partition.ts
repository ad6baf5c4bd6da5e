import { type Drilled, isCanary } from '../../flags/index.ts';
import { entriesOf, lastInterventions, ofRun } from './evidence.ts';
import { type Phase, POLL_MS } from './phase.ts';
import { DrillStopped } from './so-far.ts';

/** How much longer than its lease an executor may not be heard before it counts as lost, in milliseconds. */
const LOST_MS = 30_000;

/** How long after it is back its own work has to land again, in milliseconds. */
const BACK_MS = 10_000;

/** How far the time of its last report may be from when it began to count its lease, in milliseconds. */
const SENT_MS = 100;

/**
 * One executor does not hear its store for a while. It has to stop by itself when its lease is over, which its own
 * records show afterwards, and to go on by itself when it hears its store again.
 */
export const partition: Phase = {
  name: 'cut off',
  says: 'One executor does not hear its store.',
  async run(so) {
    const { asked, parts, performer } = so;
    if (!performer) throw new DrillStopped('There is no executor that could be cut off.');
    const { id, name, lease_ms: leaseMs } = performer;
    await so.step('press');
    const since = so.elapsed;
    so.report = { ...so.report, pressed_ms: since };
    const beatOf = async () => (await parts.hearing.hear()).beats.find((beat) => beat.id === id);
    let last = await beatOf();
    for (;;) {
      const beat = await beatOf();
      if (!beat) throw new DrillStopped(`${name} (${id}) has left while it was to be cut off.`);
      // It reports each third of its lease, so a gap of a whole one is that it did not hear its store.
      if (last && Date.parse(beat.at) - Date.parse(last.at) >= leaseMs) {
        await judged(so, { id, name, leaseMs, from: Date.parse(last.at), until: Date.parse(beat.at) });
        return;
      }
      last = beat;
      if (so.elapsed - since > 3 * leaseMs + asked.windowMs + LOST_MS)
        throw new DrillStopped(
          `${name} (${id}) was not cut off, or has not come back: it is no longer heard as it was.`,
        );
      await so.pause(POLL_MS);
    }
  },
};

/** An executor that was cut off: its last report before, and the first one after, by its own clock. */
interface Cut {
  readonly id: string;
  readonly name: string;
  readonly leaseMs: number;
  readonly from: number;
  readonly until: number;
}

async function judged(so: Parameters<Phase['run']>[0], { id, name, leaseMs, from, until }: Cut): Promise<void> {
  const { connection } = so.parts;
  const since = so.elapsed;
  const beat = (await so.parts.hearing.hear()).beats.find((each) => each.id === id);
  const ahead = beat?.heard_at === undefined ? 0 : Date.parse(beat.heard_at) - Date.parse(beat.at);
  for (;;) {
    const entries = connection.journals ? await entriesOf(connection.journals, so.run) : [];
    const landed = entries.filter(({ rollback, state, action }) => !rollback && state === 'landed' && isCanary(action));
    const times = landed.map(({ intended_at }) => Date.parse(intended_at) - ahead);
    const late = times.filter((time) => time > from + leaseMs + SENT_MS && time < until);
    const stops = ofRun(await lastInterventions(connection), so.run).filter(
      ({ cause, at }) => cause['kind'] === 'fault' && Date.parse(at) >= from && Date.parse(at) <= until,
    );
    const first = Math.min(...stops.map(({ at }) => Date.parse(at)));
    const isBack = times.some((time) => time >= until);
    if ((stops.length > 0 && isBack) || so.elapsed - since > BACK_MS) {
      const acknowledged_ms = stops.length === 0 ? null : Math.max(0, first - from);
      const measured: Drilled = {
        ...{ id, name, acknowledged_ms, drained_ms: null, late_starts: late.length, refused: stops.length },
      };
      const restored_ms = isBack ? Math.max(0, Math.min(...times.filter((time) => time >= until)) - until) : null;
      so.report = { ...so.report, executors: [measured], restored_ms, error_ms: SENT_MS + Math.abs(ahead) };
      if (stops.length === 0)
        so.findings.push(`${name} (${id}) has refused nothing while it did not hear its store for ${until - from} ms.`);
      if (late.length > 0)
        so.findings.push(
          `${name} (${id}) has started ${late.length} actions after its lease of ${leaseMs} ms was over.`,
        );
      if (!isBack)
        so.findings.push(`${name} (${id}) hears its store again, and its work has not gone on within ${BACK_MS} ms.`);
      return;
    }
    await so.pause(4 * POLL_MS);
  }
}
