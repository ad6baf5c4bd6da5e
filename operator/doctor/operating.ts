import { type Check, judging, warning } from './finding.ts';

/** How long an operating process may take for what is due, in milliseconds. */
const DUE_MS = 30_000;
/** A window that is compiled for less than this is about to run out, in milliseconds: a week. */
const SOON_MS = 7 * 86_400_000;

const kills = (many: number): string =>
  many === 1 ? '1 kill is past its end and still stands' : `${many} kills are past their end and still stand`;
const stopsOf = (many: number): string =>
  many === 1 ? '1 stop of an executor is not in the log yet' : `${many} stops of executors are not in the log yet`;

const START = 'Run an operating process, and keep it running: kill-switch watch';

/** Whether an operating process runs, and what waits for one. */
export const operating: Check = {
  name: 'operating process',
  well: 'An operating process runs, and nothing that is due waits for it.',
  judge: ({ switch: read, stops, operating: says }) => [
    ...judging(says, ({ runs, last_at: last }) => {
      if (runs) return [];
      const since = last === null ? 'none has said so in the last hour' : `the last one said so at ${last}`;
      return [warning(`No operating process runs (${since}): nothing ends by its time until one does.`, START)];
    }),
    ...judging(read, ({ state, time }) => {
      const due = new Date(Date.parse(time) - DUE_MS).toISOString();
      const late = [...state.activeKills()].filter(({ expires_at }) => expires_at !== null && expires_at < due);
      return [
        ...(late.length === 0 ? [] : [warning(`${kills(late.length)}.`, START)]),
        ...judging(stops, (held) => {
          const waiting = held.filter(({ at }) => at !== null && at < due);
          return waiting.length === 0 ? [] : [warning(`${stopsOf(waiting.length)}.`, START)];
        }),
      ];
    }),
  ],
};

/** Whether the windows of rules are known far enough ahead. Afterwards a rule applies at every hour. */
export const rules: Check = {
  name: 'rules',
  well: 'The hours of every rule are known for at least a week ahead.',
  judge: ({ switch: read }) =>
    judging(read, ({ state, time }) =>
      [...state.rules].flatMap(([name, { window }]) => {
        if (window?.kind !== 'weekly') return [];
        const left = Date.parse(window.until) - Date.parse(time);
        if (left > SOON_MS) return [];
        const says =
          left <= 0
            ? `The hours of ${name} were known until ${window.until}: it applies at every hour now.`
            : `The hours of ${name} are known until ${window.until}: then it applies at every hour.`;
        return [warning(says, START)];
      }),
    ),
};
