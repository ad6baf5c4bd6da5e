import type { AlertsAnswer } from '../answers.ts';
import type { Context } from './command.ts';

/** That nobody sends, where nobody does. */
export function idleAlerts(
  { advice }: Pick<Context, 'advice'>,
  { sending, waiting }: Pick<AlertsAnswer, 'sending'> & { readonly waiting: number | null },
): string[] {
  if (sending !== false) return [];
  const what =
    waiting === null || waiting === 0 ? 'No process sends alerts' : `${waiting} wait, and no process sends alerts`;
  return [`${what}: ${advice('kill-switch watch --alerts')}`];
}
