import { entryKey, KillSwitchError } from '../../flags/index.ts';
import { openRuns } from '../agents.ts';
import type { Command } from '../commands/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenList } from '../given/list.ts';
import { givenResolve } from '../given/resolve.ts';
import { givenRollback, givenScope } from '../given/rollback.ts';
import { NotInitialisedError } from '../refusals.ts';
import { previewOf, rollBack } from '../rollback.ts';
import { runRows } from '../run-rows.ts';
import {
  type Beside,
  givenRun,
  journalsOf,
  noRun,
  type ResolvedIntents,
  runEntry,
  toResolve,
  wholeRun,
} from '../runs.ts';
import { type Acting, answerTo } from './acting.ts';
import { killing } from './killing.ts';

/** What runs have done, and how it is undone. */
export function runs(acting: Acting): Pick<ControlPlane, 'runs' | 'run' | 'resolve' | 'previewRollback' | 'rollback'> {
  const { connection, opened } = acting;
  const { hearing } = opened;

  /** @throws NotInitialisedError */
  async function resolved(): Promise<ResolvedIntents> {
    const view = await connection.read([entryKey('resolutions')]);
    if (!view.head) throw new NotInitialisedError(opened.place);
    return new Map((view.get('resolutions')?.resolved ?? []).map((each) => [each.intent, each]));
  }

  const beside = async (): Promise<Beside> => ({ resolved: await resolved(), heard: await opened.hearing.hear() });

  return {
    async runs(options = {}) {
      const { skip, limit } = givenList('runs', options, {});
      const known = await beside();
      const { records } = await opened.hearing.seen();
      return runRows(journalsOf(connection), { skip, limit }, { ...known, open: openRuns(known.heard, records) });
    },

    async run(runId, options = {}) {
      const run_id = givenRun('run', runId);
      const { skip, limit } = givenList('run', options, {});
      const entries = await wholeRun(journalsOf(connection), run_id, await beside());
      if (entries.length === 0) throw new KillSwitchError('NOT_FOUND', noRun(run_id));
      return { run_id, entries: entries.slice(skip, skip + limit), count: entries.length };
    },

    async resolve(options) {
      const { run, key, landed, ...given } = givenResolve(options);
      const entry = await toResolve(journalsOf(connection), { run, key }, await beside());
      const recorded = await acting.append({ type: 'resolve', runId: run, key, intent: entry.id, landed, ...given });
      return { ...answerTo(recorded), entry: runEntry(entry, await beside()) };
    },

    async previewRollback(options) {
      const scope = givenScope('previewRollback', options);
      await resolved(); // where there is no control plane, that is said
      return previewOf({ connection, hearing }, scope);
    },

    async rollback(options) {
      const given = givenRollback(options);
      const { closed } = opened;
      const { kill } = killing(acting);
      const append = (command: Command) => acting.append(command);
      const copied = () => acting.copyStops();
      return rollBack({ connection, hearing, closed, append, kill, copyStops: copied }, given);
    },
  };
}
