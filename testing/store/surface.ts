import type { SurfaceRecord } from '../../flags/index.ts';

/** What an executor reports of an action that was defined with nothing but its name, and never used. */
export const plainSurface = (action: string): SurfaceRecord => ({
  action,
  effect: 'write',
  surface: 'tool',
  feature: null,
  irreversible: false,
  draft: false,
  redirect: false,
  reverse: false,
  limits: [],
  last_used: null,
});
