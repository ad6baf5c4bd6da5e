import { ALREADY, type CommandRow, event, type Loosening, nameRefused } from './row.ts';

export const limit: CommandRow<{ readonly name: string; readonly value: number } & Loosening> = {
  changes: ({ name }) => ['limit', name],
  wish: ({ name, value }, view) =>
    nameRefused('a limit', name) ??
    (view.get('limit', name)?.value === value ? ALREADY : event('limit', { name, value })),
};
