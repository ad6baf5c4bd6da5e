import { type DrillKind, isCanary, KILL_RETURN_MS, readTarget, shownId } from '../../flags/index.ts';
import { isChangeRefusedError } from '../refusals.ts';
import { isUndone } from '../rollback-outcomes.ts';
import { Baseline, entriesOf, isWorkOf, lastEntries, lastInterventions, ofRun } from './evidence.ts';
import { exfiltration } from './exfiltration.ts';
import { KINDS } from './kinds.ts';
import { partition } from './partition.ts';
import { canaryLandings, type Phase, POLL_MS } from './phase.ts';
import { type DrillSoFar, DrillStopped } from './so-far.ts';
import { Watching } from './watching.ts';

/** How long work is waited for before anything is stopped, in milliseconds. */
const BASELINE_MS = 10_000;

/** How many windows work in flight may take to end. */
const DRAIN_WINDOWS = 6;

/** How often the drill's own work has to have landed before it is stopped, and beside what is cut. */
const ENOUGH = 3;

/** How long after it has acknowledged an executor has to be heard once more, in milliseconds. */
const AGAIN_MS = 500;

const baseline: Phase = {
  name: 'baseline',
  says: 'Watching the work that is done now.',
  async run(so) {
    const { asked, parts, performer } = so;
    const { work } = KINDS[asked.kind];
    const target = readTarget(asked.target);
    const seen = new Baseline(target);
    const since = so.elapsed;
    const before = new Set((await lastInterventions(parts.connection)).map(({ id }) => id));
    for (;;) {
      const { beats } = await parts.hearing.hear();
      const { starts, in_flight } = seen.take(beats);
      const canary = (await canaryLandings(so)).length;
      const answered = (await lastInterventions(parts.connection)).filter(({ id }) => !before.has(id));
      const interventions = answered.filter((record) => isWorkOf(target, record)).length;
      so.report = { ...so.report, baseline: { starts, in_flight, interventions, canary } };
      const hasOthers = work === 'own' || starts + in_flight + interventions > 0;
      if (hasOthers && (performer === null || canary >= ENOUGH)) return;
      if (so.elapsed - since > BASELINE_MS) {
        if (!hasOthers)
          throw new DrillStopped(
            `No work of ${asked.target} was seen within ${BASELINE_MS} ms, so stopping it would show nothing: nothing was stopped.`,
          );
        throw new DrillStopped(
          `${performer?.name} has done the drill's own work ${canary} times within ${BASELINE_MS} ms, not ${ENOUGH} times: nothing was stopped.`,
        );
      }
      await so.pause(4 * POLL_MS);
    }
  },
};

const press: Phase = {
  name: 'press',
  says: 'Stopping, and hearing who obeys.',
  async run(so) {
    const { asked, parts } = so;
    const { target, windowMs } = asked;
    await so.step('press');
    const { head, event } = await parts.append({ type: 'drill_press', target, ...so.mark });
    so.stands.add(target);
    const since = so.elapsed;
    so.report = { ...so.report, pressed_ms: since };
    const pressed = { target: readTarget(target), head, at: Date.parse(event.at), windowMs };
    const watching = new Watching(pressed);
    const keep = (): void => {
      const { executors, more } = watching.measured();
      so.report = {
        ...so.report,
        executors: [...executors],
        more_executors: more,
        error_ms: POLL_MS + watching.errorMs,
      };
    };
    try {
      for (let drainedAt: number | null = null; ; ) {
        watching.take(await parts.hearing.hear());
        keep();
        const passed = so.elapsed - since;
        if (watching.isDrained) drainedAt ??= passed;
        const isLate = passed > windowMs && !watching.isAcknowledged;
        // Once all have come to rest, each is heard once more: what had started by then would show.
        const isSettled =
          drainedAt !== null &&
          passed >= KILL_RETURN_MS &&
          (watching.hasHeardAgain(AGAIN_MS) || passed > drainedAt + windowMs);
        if (isLate || isSettled || passed > (1 + DRAIN_WINDOWS) * windowMs) break;
        await so.pause(POLL_MS);
      }
      if (asked.kind === 'scoped') await restGoesOn(so, Date.parse(event.at));
    } finally {
      so.lookAgain = async () => {
        const heard = await parts.hearing.hear();
        watching.take(heard);
        watching.takeEntries(await lastEntries(parts.connection, heard.beats));
        watching.takeInterventions(await lastInterventions(parts.connection), String(event.data['id']));
        keep();
        return watching.measured().findings;
      };
      so.findings.push(...(await so.lookAgain()));
    }
  },
};

/** One permission is cut: what else the same run does has to go on, and nothing may be left half done. */
async function restGoesOn(so: DrillSoFar, pressedAt: number): Promise<void> {
  const { asked, parts } = so;
  const { journals } = parts.connection;
  const cut = asked.target.slice('action:'.length);
  const isOwn = isCanary(cut);
  const since = so.elapsed;
  for (;;) {
    const entries = journals ? await entriesOf(journals, so.run) : [];
    const after = entries.filter(({ intended_at }) => Date.parse(intended_at) > pressedAt);
    const went = after.filter(({ action, state }) => action !== cut && state === 'landed').length;
    const refused = ofRun(await lastInterventions(parts.connection), so.run).filter(
      ({ action, cause }) => action === cut && cause['kind'] === 'kill',
    ).length;
    if (went >= ENOUGH && (refused > 0 || !isOwn)) {
      const half = entries.filter(({ state }) => state === 'unknown' || state === 'failed').length;
      if (half > 0) so.findings.push(`The journal of ${so.run} has ${half} entries that ended neither way.`);
      return;
    }
    if (so.elapsed - since > asked.windowMs + BASELINE_MS) {
      if (went < ENOUGH)
        so.findings.push(`The rest of the run did not go on: ${went} of its actions have landed since ${cut} was cut.`);
      if (isOwn && refused === 0) so.findings.push(`The run was not refused what was cut: no record says so.`);
      return;
    }
    await so.pause(4 * POLL_MS);
  }
}

const rollBack: Phase = {
  name: 'roll back',
  says: "Undoing the drill's own work.",
  async run(so) {
    const { parts, performer, asked } = so;
    if (!performer) return;
    await so.step('roll_back');
    const landed = (await canaryLandings(so)).length;
    const refused = ofRun(await lastInterventions(parts.connection), so.run).length;
    const report = { executor: performer.name, landed, refused, reversed: 0 };
    so.report = { ...so.report, canary: report };
    if (landed === 0) return;
    so.stands.add(`run:${so.run}`);
    const answer = await parts.rollBack(asked, asked.signal);
    const reversed = answer.actions.filter(({ outcome }) => outcome === 'reversed').length;
    so.report = { ...so.report, canary: { ...report, landed: answer.actions.length, reversed } };
    if (!isUndone(answer.actions) || reversed < landed)
      so.findings.push(
        `Of ${answer.actions.length} effects of the drill's own work ${reversed} are undone${answer.stopped === null ? '' : `: ${answer.stopped}`}.`,
      );
    const wrong = await outOfOrder(so);
    if (wrong !== null) so.findings.push(wrong);
  },
};

/** What was done last has to be undone first. */
async function outOfOrder(so: DrillSoFar): Promise<string | null> {
  const { journals } = so.parts.connection;
  const entries = journals ? await entriesOf(journals, so.run) : [];
  const at = new Map(entries.map(({ id }, place) => [id, place]));
  const undone = entries.flatMap(({ rollback, state }) =>
    rollback?.undoes != null && state === 'landed' ? [at.get(rollback.undoes) ?? -1] : [],
  );
  const isReverse = undone.every((place, i) => i === 0 || place < (undone[i - 1] ?? 0));
  return isReverse ? null : 'The effects were not undone in the reverse order in which they had landed.';
}

const restore: Phase = {
  name: 'restore',
  says: 'Giving back what the drill has stopped.',
  async run(so) {
    const { parts, asked } = so;
    const since = (await so.lookAgain?.()) ?? [];
    so.findings.push(...since.filter((finding) => !so.findings.includes(finding)));
    await so.step('restore');
    let lifted: number | null = null;
    for (const target of [...so.stands]) {
      try {
        const { event } = await parts.append({ type: 'drill_lift', target, ...so.mark });
        lifted = event.seq;
        so.stands.delete(target);
      } catch (error) {
        if (!isChangeRefusedError(error)) throw error;
        const { refusal } = error;
        if (refusal.kind === 'drill_touched')
          so.findings.push(
            `${shownId(target)} stays stopped: ${refusal.by} has stopped it too, or changed that, meanwhile.`,
          );
        else if (refusal.kind === 'not_killed') {
          so.stands.delete(target);
          so.findings.push(`${shownId(target)} was given back by somebody else while the drill ran.`);
        } else throw error;
      }
    }
    if (lifted === null) return;
    const liftedAt = so.elapsed;
    for (;;) {
      const { beats, head } = await parts.hearing.hear();
      const behind = beats.filter(
        ({ applied, problem }) =>
          problem !== undefined || applied?.generation !== head?.generation || (applied?.epoch ?? 0) < Number(lifted),
      );
      if (behind.length === 0) break;
      if (so.elapsed - liftedAt > asked.windowMs) {
        so.findings.push(
          `${behind
            .map(({ name }) => name)
            .slice(0, 5)
            .join(', ')} had not applied within ${asked.windowMs} ms that the stop was lifted.`,
        );
        return;
      }
      await so.pause(POLL_MS);
    }
    so.report = { ...so.report, restored_ms: so.elapsed - liftedAt };
  },
};

/** What is done in each kind of drill, in order. */
export const PHASES: { readonly [K in DrillKind]: readonly Phase[] } = {
  stop: [baseline, press, rollBack, restore],
  scoped: [baseline, press, rollBack, restore],
  rollback: [baseline, press, rollBack, restore],
  partition: [baseline, partition, rollBack, restore],
  exfiltration: [exfiltration],
};
