import type { Mode } from './modes.ts';
import { deepFreeze } from './freeze.ts';

/** How far an opt-in feature has come, least authority first. */
export const FEATURE_STAGES = Object.freeze(['dark', 'shadow', 'gated', 'live'] as const);

/** One of {@link FEATURE_STAGES}. */
export type FeatureStage = (typeof FEATURE_STAGES)[number];

/** How closely people watch one action, least authority first. */
export const AUTONOMY_STAGES = Object.freeze([
  'human_in_the_loop',
  'human_on_the_loop',
  'autonomous',
  'trusted',
] as const);

/** One of {@link AUTONOMY_STAGES}. */
export type AutonomyStage = (typeof AUTONOMY_STAGES)[number];

/** A stage is only a named floor on the mode; `live` is no floor. */
export const FEATURE_FLOORS: Readonly<Record<FeatureStage, Mode>> = deepFreeze({
  dark: 'full_stop',
  shadow: 'draft_only',
  gated: 'approval_gated',
  live: 'live',
});

/** `live` is no floor: the later stages differ in what notifies, not in what is let through. */
export const AUTONOMY_FLOORS: Readonly<Record<AutonomyStage, Mode>> = deepFreeze({
  human_in_the_loop: 'approval_gated',
  human_on_the_loop: 'live',
  autonomous: 'live',
  trusted: 'live',
});

/** True for one of {@link FEATURE_STAGES}. */
export const isFeatureStage = (value: unknown): value is FeatureStage =>
  (FEATURE_STAGES as readonly unknown[]).includes(value);

/** True for one of {@link AUTONOMY_STAGES}. */
export const isAutonomyStage = (value: unknown): value is AutonomyStage =>
  (AUTONOMY_STAGES as readonly unknown[]).includes(value);
