import { acknowledge, EVERYTHING } from '../acknowledge.ts';
import { VERSION } from '../../store/version.ts';
import type { Heard } from '../hearing.ts';
import { type Check, type Found, judging, named, warning } from './finding.ts';

/** From which lease on it is very long, in milliseconds, and from which ratio on leases are very different. */
const [LONG_MS, DIFFERENT] = [30_000, 10];

/** Whether executors stop soon where they lose the store. */
export const leases: Check = {
  name: 'leases',
  well: 'Every executor is heard of, with a lease of at most 30 s.',
  judge: ({ heard }) => judging(heard, judgeLeases),
};

function judgeLeases({ beats, head, time }: Heard): readonly Found[] {
  if (!head) return [];
  const { executors } = acknowledge(beats, { head, reach: EVERYTHING, store: head, time }, 0);
  const silent = executors.filter(({ state }) => state === 'silent').map(({ name }) => name);
  const long = executors
    .filter(({ lease_ms }) => lease_ms > LONG_MS)
    .map(({ name, lease_ms }) => `${name} ${lease_ms / 1000} s`);
  const all = executors.map(({ lease_ms }) => lease_ms).filter((ms) => ms > 0);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return [
    ...(silent.length === 0
      ? []
      : [
          warning(
            `Silent, so whether they have stopped is not known by report: ${named(silent)}.`,
            'Start them again, or take those that are gone for good out of the count: kill-switch executors forget --silent',
          ),
        ]),
    ...(long.length === 0
      ? []
      : [
          warning(
            `Without the store these go on for longer than ${LONG_MS / 1000} s: ${named(long)}.`,
            'Give them a shorter lease: createKillSwitch({ leaseMs: 5000 })',
          ),
        ]),
    ...(all.length > 1 && most / least >= DIFFERENT
      ? [
          warning(
            `Leases are from ${least / 1000} s to ${most / 1000} s: a kill without the store holds everywhere only after the longest.`,
            'Give all executors about the same lease: createKillSwitch({ leaseMs })',
          ),
        ]
      : []),
  ];
}

/** Whether a restarted executor would recognise a backup that was restored. */
export const anchors: Check = {
  name: 'anchors',
  well: 'Every executor keeps an anchor, or none is there.',
  judge: ({ heard }) =>
    judging(heard, ({ beats }) => {
      const none = beats.filter(({ anchored, export: exported }) => anchored === false && exported === undefined);
      const names = named([...new Set(none.map(({ name }) => name))]);
      return none.length === 0
        ? []
        : [
            warning(
              `Without an anchor, so after a restart they believe a restored backup: ${names}.`,
              'Give each a file that outlives a restart: redisStore({ url, anchor: FILE })',
            ),
          ];
    }),
};

/** The numbers of a version; null for a text that is none. */
const numbersOf = (version: string): readonly number[] | null =>
  /^\d+\.\d+\.\d+/.test(version) ? version.split(/[.+-]/).slice(0, 3).map(Number) : null;

function isOlder(version: string): boolean {
  const [its, ours] = [numbersOf(version), numbersOf(VERSION)];
  if (!its || !ours) return false;
  const at = its.findIndex((number, index) => number !== ours[index]);
  return at >= 0 && (its[at] ?? 0) < (ours[at] ?? 0);
}

/** Whether executors know all that this version may record. */
export const versions: Check = {
  name: 'versions',
  well: `No executor is of an older version than this command (${VERSION}).`,
  judge: ({ heard }) =>
    judging(heard, ({ beats }) => {
      const older = beats.filter(({ version }) => isOlder(version)).map(({ name, version }) => `${name} ${version}`);
      return older.length === 0
        ? []
        : [
            warning(
              `Older than this command (${VERSION}), so they stop at the first change that they do not know: ${named(older)}.`,
              'Update them before anything new is recorded: docs/upgrading.md',
            ),
          ];
    }),
};
