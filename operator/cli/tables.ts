import type { KillRecord } from '../../flags/index.ts';
import type { ExecutorAcknowledgement } from '../acknowledge.ts';
import { formatDuration } from './duration.ts';
import { quoted, shortTime, table } from './output.ts';

/** Active kills; the target comes as it is pasted into `revive`. */
export const killTable = (kills: readonly KillRecord[]): string =>
  table(
    ['MODE', 'TARGET', 'SINCE', 'UNTIL', 'BY', 'REASON'],
    kills.map(({ mode, target, killed_at, expires_at, killed_by, reason }) => [
      mode,
      target,
      shortTime(killed_at),
      expires_at && shortTime(expires_at),
      killed_by,
      reason === null ? null : quoted(reason),
    ]),
  );

/** Executors with their state, and how long ago each was heard. */
export const executorTable = (executors: readonly ExecutorAcknowledgement[]): string =>
  table(
    ['EXECUTOR', 'STATE', 'EPOCH', 'IN FLIGHT', 'DRAINING', 'HEARD', 'PROCESS', 'ID'],
    executors.map(({ id, name, host, pid, state, epoch, in_flight, draining, age_ms }) => [
      name,
      state,
      epoch,
      in_flight,
      draining,
      `${formatDuration(age_ms)} ago`,
      `${host}/${pid}`,
      id,
    ]),
  );
