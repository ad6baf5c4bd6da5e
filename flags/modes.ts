import { deepFreeze } from './freeze.ts';

/** Every mode, loosest first: a mode's place in this list is its strictness. */
export const MODES = Object.freeze([
  'live',
  'approval_gated',
  'test_mode',
  'draft_only',
  'read_only',
  'paused',
  'full_stop',
] as const);

/** How much authority is left. */
export type Mode = (typeof MODES)[number];

/** What an action does to the world: nothing (`read`), nothing yet (`draft`: it prepares), or a change (`write`). */
export const EFFECTS = Object.freeze(['read', 'draft', 'write'] as const);

/** One of {@link EFFECTS}. */
export type Effect = (typeof EFFECTS)[number];

/** What becomes of one call. */
export const VERDICTS = Object.freeze(['allow', 'redirect', 'hold', 'draft', 'pause', 'block'] as const);

/** One of {@link VERDICTS}. */
export type Verdict = (typeof VERDICTS)[number];

/** The one table of the switch: mode × effect → verdict. To add a mode, add its name above and its row here. */
const TABLE: Readonly<Record<Mode, Readonly<Record<Effect, Verdict>>>> = deepFreeze({
  live: { read: 'allow', draft: 'allow', write: 'allow' },
  approval_gated: { read: 'allow', draft: 'allow', write: 'hold' },
  test_mode: { read: 'allow', draft: 'allow', write: 'redirect' },
  draft_only: { read: 'allow', draft: 'allow', write: 'draft' },
  read_only: { read: 'allow', draft: 'block', write: 'block' },
  paused: { read: 'pause', draft: 'pause', write: 'pause' },
  full_stop: { read: 'block', draft: 'block', write: 'block' },
});

/** What every fault means. */
export const SAFE_MODE: Mode = 'full_stop';

/** The base mode of a freshly initialised control plane: agents can think and propose, nothing lands. */
export const INITIAL_MODE: Mode = 'draft_only';

const RANK = new Map<unknown, number>(MODES.map((mode, rank) => [mode, rank]));

/** True for one of {@link MODES}. */
export const isMode = (value: unknown): value is Mode => RANK.has(value);

const EFFECT_SET: ReadonlySet<unknown> = new Set(EFFECTS);

/** True for one of {@link EFFECTS}. */
export const isEffect = (value: unknown): value is Effect => EFFECT_SET.has(value);

/** 0 for `live`, 6 for `full_stop`; anything that is not a mode ranks as `full_stop`. */
export const strictness = (mode: unknown): number => RANK.get(mode) ?? MODES.length - 1;

/** True when `mode` leaves less authority than `than`. Most compared modes are equal, so that is asked first. */
export const isStricter = (mode: unknown, than: unknown): boolean =>
  mode !== than && strictness(mode) > strictness(than);

/** The strictest of these modes; `full_stop` for an empty list. Anything that is not a mode counts as `full_stop`. */
export const strictestMode = (...modes: readonly unknown[]): Mode =>
  modes.length === 0 ? SAFE_MODE : (MODES[Math.max(...modes.map(strictness))] ?? SAFE_MODE);

/** What a call with this effect gets in this mode; `block` for a mode or an effect that is not in the table. */
export const verdictFor = (mode: Mode, effect: Effect): Verdict =>
  isMode(mode) && isEffect(effect) ? TABLE[mode][effect] : 'block';
