import { clocks } from './clocks.ts';
import { anchors, leases, versions } from './executors.ts';
import type { Finding } from './answer.ts';
import type { Check, Examined } from './finding.ts';
import { drills } from './drills.ts';
import { flags } from './flags.ts';
import { operating, rules } from './operating.ts';
import { permissions } from './permissions.ts';
import { redisConfiguration } from './redis-configuration.ts';
import { archive, forks, store } from './store.ts';

/** Every check, in the order in which they are shown. docs/doctor.md has a row for each. */
export const DOCTOR_CHECKS: readonly Check[] = [
  store,
  forks,
  archive,
  permissions,
  redisConfiguration,
  clocks,
  leases,
  anchors,
  versions,
  flags,
  operating,
  rules,
  drills,
];

/** What is wrong, and what is well: at least one finding of each check. */
export const diagnose = (examined: Examined): readonly Finding[] =>
  DOCTOR_CHECKS.flatMap(({ name, well, judge }): Finding[] => {
    const found = judge(examined);
    if (found.length === 0) return [{ check: name, level: 'ok', says: well, mend: null }];
    // One reason may keep a check from two things.
    const bySays = new Map(found.map((each) => [each.says, each]));
    return [...bySays.values()].map((each) => ({ check: name, ...each }));
  });
