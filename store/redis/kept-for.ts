import { OWN_KEYS, type OwnKey } from './keys.ts';
import { rowsOf } from '../../flags/table.ts';

const DAY_MS = 86_400_000;

/**
 * How long things stay after the last beat under their name, so that names which never come back (those of pods) leave
 * nothing for ever. Beats, surfaces and reports of forks stay until the executor leaves or an operator says that it is
 * gone.
 */
export const KEPT_FOR_MS = {
  interventions: 14 * DAY_MS,
  checkpoints: 14 * DAY_MS,
  checkpointTimes: 14 * DAY_MS,
  proposals: 90 * DAY_MS,
  seen: 2 * DAY_MS,
  notices: 14 * DAY_MS,
  shadow: 90 * DAY_MS,
} as const satisfies Partial<Record<OwnKey, number>>;

const table = rowsOf(KEPT_FOR_MS)
  .map(([key, ms]) => `{ ':${OWN_KEYS[key]}', ${ms} }`)
  .join(', ');

/**
 * Puts off the expiry of what is kept under a name, about once a day: doing it with each beat would be seven more
 * writes.
 */
export const KEEP_ALIVE = `
local function keepAlive(own)
  for _, kept in ipairs({ ${table} }) do
    local left = redis.call('PTTL', own .. kept[1])
    if left == -1 or (left >= 0 and left < kept[2] - ${DAY_MS}) then redis.call('PEXPIRE', own .. kept[1], kept[2]) end
  end
end
`;
