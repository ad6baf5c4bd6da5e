import { type CommandRow, event, type Loosening } from './row.ts';

/** What the app's own flags mean is not known here, so each time is a change. */
export const flags: CommandRow<{ readonly definition: Record<string, unknown> } & Loosening> = {
  changes: () => ['flags'],
  wish: ({ definition }) => event('flags', { definition }),
};
