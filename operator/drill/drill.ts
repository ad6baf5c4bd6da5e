import { type Drill, type DrillReport, messageOf } from '../../flags/index.ts';
import { notify } from '../../flags/callbacks.ts';
import type { CommandOf } from '../commands/index.ts';
import { PHASES } from './phases.ts';
import type { Preflight } from './preflight.ts';
import { type Begun, type Drilling, DrillSoFar } from './so-far.ts';

/** A drill that is over. */
export interface Ended {
  readonly drill: Drill;
  readonly report: DrillReport;
}

/**
 * Runs a drill from its beginning to its end. A phase in which something has failed is the last one, so such a drill
 * leaves stopped what it has stopped: only the last of all gives anything back.
 * @throws ChangeRefusedError where it is not begun; KillSwitchError where its end cannot be recorded
 */
export async function runDrill(parts: Drilling, asked: Begun, before: Preflight): Promise<Ended> {
  const { id, kind, target, windowMs, recipient, schedule } = asked;
  const begins: CommandOf<'drill'> = {
    ...{ type: 'drill', id, kind, target, window_ms: windowMs, performer: before.performer, recipient },
    ...{ schedule: schedule?.name ?? null, due: schedule?.due ?? null },
  };
  await parts.append(before.findings.length === 0 ? begins : { ...begins, performer: null });
  const so = new DrillSoFar(parts, asked, before);
  so.findings.push(...before.findings);
  if (so.findings.length === 0) await go(so);
  const state = so.findings.length === 0 ? 'passed' : 'failed';
  const report = so.whole();
  const { view } = await parts.append({ type: 'drill_end', id, state, report });
  const drill = view.get('drills')?.last.find((each) => each.id === id);
  if (!drill) throw new Error(`The drill ${id} was recorded, and is no longer among the last ones.`);
  return { drill, report };
}

async function go(so: DrillSoFar): Promise<void> {
  const { onProgress } = so.asked;
  try {
    for (const { name, says, run } of PHASES[so.asked.kind]) {
      so.mustGoOn();
      notify(onProgress, says);
      const at_ms = so.elapsed;
      try {
        await run(so);
      } finally {
        so.report = { ...so.report, phases: [...so.report.phases, { name, at_ms, ms: so.elapsed - at_ms }] };
      }
      if (so.findings.length > 0) return;
    }
  } catch (error) {
    // Whatever it is: a drill that says why it has failed is better than one that only ends.
    so.findings.push(messageOf(error));
  }
}
