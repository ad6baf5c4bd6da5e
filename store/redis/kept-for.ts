import { OWN_KEYS, type OwnKey } from './keys.ts';
import { rowsOf } from './table.ts';

const DAY_MS = 86_400_000;

/**
 * How long something stays when nothing is heard any more under the name that it is kept under, so that names which
 * never come back (those of pods) leave nothing for ever. What an executor has counted with and said stays until it
 * leaves or an operator says that it is gone: beats, surfaces, reports of forks.
 */
export const KEPT_FOR_MS = {
  interventions: 14 * DAY_MS,
  checkpoints: 14 * DAY_MS,
  checkpointTimes: 14 * DAY_MS,
  proposals: 90 * DAY_MS,
} as const satisfies Partial<Record<OwnKey, number>>;

const table = rowsOf(KEPT_FOR_MS)
  .map(([key, ms]) => `{ ':${OWN_KEYS[key]}', ${ms} }`)
  .join(', ');

/**
 * Puts off the end of what is kept under a living name, about once a day: each time would be four more writes with each
 * beat.
 */
export const KEEP_ALIVE = `
local function keepAlive(own)
  for _, kept in ipairs({ ${table} }) do
    local left = redis.call('PTTL', own .. kept[1])
    if left == -1 or (left >= 0 and left < kept[2] - ${DAY_MS}) then redis.call('PEXPIRE', own .. kept[1], kept[2]) end
  end
end
`;
