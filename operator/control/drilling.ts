import { randomUUID } from 'node:crypto';
import { type Drill, drillReportSchema, type DrillReport, parseTarget, runningDrill } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { examine } from '../doctor/examine.ts';
import { diagnose } from '../doctor/index.ts';
import { runDrill } from '../drill/drill.ts';
import { drillingOf } from '../drill/drilling.ts';
import { drillTarget, KINDS } from '../drill/kinds.ts';
import { preflight } from '../drill/preflight.ts';
import { drillAnswer, drillRecords, scheduleRecords } from '../drill/records.ts';
import {
  givenDrill,
  givenDrillId,
  givenDrillSchedule,
  givenDrillScope,
  type GivenScope,
  scheduleName,
} from '../given/drill.ts';
import { givenList } from '../given/list.ts';
import { whoIsNamed } from '../hit.ts';
import { partOf } from '../lists.ts';
import { ChangeRefusedError } from '../refusals.ts';
import { whatIsLeft } from '../what-is-left.ts';
import { type Acting, answerTo } from './acting.ts';

type DrillMethods =
  | 'drill'
  | 'previewDrill'
  | 'drills'
  | 'drillReport'
  | 'drillSchedules'
  | 'scheduleDrill'
  | 'removeDrillSchedule';

/** Deliberate, measured exercises of stopping. */
export function drilling(acting: Acting): Pick<ControlPlane, DrillMethods> {
  const { connection, opened, organizationId, operator } = acting;

  async function looked({ kind, target: given }: GivenScope) {
    const id = randomUUID();
    const target = drillTarget(kind, given, id);
    const { state, time } = await opened.whole();
    const hear = () => opened.hearing.hear();
    const unsafe = diagnose(await examine(opened, [])).filter(({ level }) => level === 'unsafe');
    const found = await preflight({ state, time, hear, connection }, { id, kind, target });
    const before = { ...found, notes: [...unsafe.map(({ says }) => `doctor: ${says}`), ...found.notes] };
    return { id, target, state, time, before };
  }

  /** The report of a drill, where the log has it. */
  async function reportOf({ id, report }: Drill): Promise<DrillReport | null> {
    if (report === null) return null;
    for await (const { type, seq, data } of whatIsLeft((after) => connection.log(after))(report - 1)) {
      if (seq > report) return null;
      if (type === 'drill' && data['id'] === id) return drillReportSchema.safeParse(data['report']).data ?? null;
    }
    return null;
  }

  return {
    async previewDrill(options = {}) {
      const given = givenDrillScope('previewDrill', options);
      acting.requireRight('stop', 'drill');
      const { target, state, time, before } = await looked(given);
      const matched = await whoIsNamed(acting.known, parseTarget(target));
      const running = runningDrill(state.drills, time);
      return {
        ...{ kind: given.kind, target, window_ms: given.windowMs, stops: KINDS[given.kind].stops, matched },
        ...{ performer: before.performer, findings: before.findings, notes: before.notes },
        running: running ? { id: running.id, by: running.asked_by, until: running.until } : null,
        killed: state.get('kill', target) !== undefined,
      };
    },

    async drill(options = {}) {
      const given = givenDrill(options);
      acting.requireRight('stop', 'drill');
      const { id, target, before } = await looked(given);
      const asked = { ...given, id, target, schedule: null };
      const { drill, report } = await runDrill(drillingOf(opened, operator, organizationId), asked, before);
      return drillAnswer(drill, report, await opened.whole());
    },

    async drills(options = {}) {
      const page = givenList('drills', options, {});
      const { state, time } = await opened.whole();
      return partOf(drillRecords(state.drills, time), page);
    },

    async drillReport(id) {
      const wanted = givenDrillId(id);
      const whole = await opened.whole();
      const drill = whole.state.drills.last.find((each) => each.id === wanted);
      if (!drill) throw new ChangeRefusedError({ kind: 'no_drill', id: wanted });
      return drillAnswer(drill, await reportOf(drill), whole);
    },

    async drillSchedules(options = {}) {
      const page = givenList('drillSchedules', options, {});
      const { state, time } = await opened.whole();
      return partOf(scheduleRecords(state.drills, time), page);
    },

    async scheduleDrill(options) {
      return answerTo(await acting.append(givenDrillSchedule(options)));
    },

    async removeDrillSchedule(name) {
      return answerTo(await acting.append({ type: 'drill_schedule', name: scheduleName(name), schedule: null }));
    },
  };
}
