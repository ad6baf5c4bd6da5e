import { type Check, judging, named, unsafe, warning } from './finding.ts';

/** By how much clocks may differ, in milliseconds: less is noise, and more than the second is a mistake. */
const [SKEW_MS, WRONG_MS] = [2000, 60_000];

const seconds = (ms: number): string => `${Math.round(Math.abs(ms) / 100) / 10} s`;

/**
 * Whether clocks agree. Leases do not depend on it (each counts by its own machine's steady clock); hours of rules and
 * ends of kills go by the store's.
 */
export const clocks: Check = {
  name: 'clocks',
  well: 'This machine, the store and the executors agree on the time.',
  judge: ({ switch: read, heard }) => [
    ...judging(read, ({ time, askedAt, answeredAt, ownClock }) => {
      const at = Date.parse(time);
      const off = at < askedAt ? at - askedAt : Math.max(0, at - answeredAt);
      if (!ownClock || Math.abs(off) <= SKEW_MS) return [];
      const says = `The store's clock is ${seconds(off)} ${off < 0 ? 'behind' : 'ahead of'} this machine's; hours of rules and ends of kills go by the store's.`;
      return [(Math.abs(off) > WRONG_MS ? unsafe : warning)(says, 'Set the wrong one of the two by NTP.')];
    }),
    ...judging(read, ({ state, time }) => {
      let last = '';
      for (const [, { at }] of state.entries()) if (at > last) last = at;
      const ahead = last === '' ? 0 : Date.parse(last) - Date.parse(time);
      if (ahead <= SKEW_MS) return [];
      const says = `What was changed last is dated ${last}, ${seconds(ahead)} in the future: it was changed by a clock that was wrong then, or this one is wrong now. Until then nothing that it began comes to its end.`;
      const mend = 'Set the wrong clock by NTP; see who made the change: kill-switch log --limit 3.';
      return [(ahead > WRONG_MS ? unsafe : warning)(says, mend)];
    }),
    ...judging(heard, ({ beats, time }) => {
      const wrong = beats.filter(({ at, heard_at, problem }) => {
        if (problem !== undefined) return false;
        const off = Date.parse(at) - Date.parse(heard_at ?? time);
        return heard_at === undefined ? off > SKEW_MS : Math.abs(off) > SKEW_MS;
      });
      if (wrong.length === 0) return [];
      const says = `Clocks of executors differ from the store's by more than ${seconds(SKEW_MS)}: ${named(wrong.map(({ name, host }) => `${name} on ${host}`))}.`;
      return [warning(says, 'Set the clocks of those machines by NTP.')];
    }),
  ],
};
