import type { LastChange } from '../../flags/index.ts';

/** What an entry says of its last change, where a test does not care. */
export const LAST_CHANGE: LastChange = { epoch: 1, by: 'unverified:test', at: '2026-01-01T00:00:00.000Z' };
