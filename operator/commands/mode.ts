import { type Mode, sameBaseMode } from '../../flags/index.ts';
import { ALREADY, type CommandRow, event, type Loosening } from './row.ts';

export const mode: CommandRow<{ readonly mode: Mode; readonly targeting: unknown } & Loosening> = {
  changes: () => ['mode'],
  reach: () => ({ type: 'all', id: '' }),
  restricts: (command) => command.mode !== 'live' || (command.targeting ?? null) !== null,
  leaves: ({ mode: asked, targeting = null }) => (targeting === null ? asked : 'live'),
  wish: ({ mode: asked, targeting = null }, view) => {
    const before = view.get('mode');
    return before && sameBaseMode(before, { mode: asked, targeting })
      ? ALREADY
      : event('mode', { mode: asked, targeting });
  },
};
