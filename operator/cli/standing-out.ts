import type { Mode } from '../../flags/index.ts';
import type { ExecutorState } from '../acknowledge.ts';
import type { Cell } from './table.ts';
import type { Line, Style } from './text.ts';

// What stands out on a terminal. All the rest is plain.

const MODES: Readonly<Partial<Record<Mode, Style>>> = { full_stop: 'alarm', paused: 'heed', read_only: 'heed' };

const STATES: Readonly<Partial<Record<ExecutorState, Style>>> = { silent: 'alarm', draining: 'heed', behind: 'heed' };

export const modeStyle = (mode: Mode): Style | undefined => MODES[mode];

export const modeCell = (mode: Mode): Cell => ({ ready: mode, style: MODES[mode] });

export const stateStyle = (state: ExecutorState): Style | undefined => STATES[state];

/** A whole line that stands out. */
export const alarming = (line: string): Line => (line === '' ? line : [{ text: line, style: 'alarm' }]);
