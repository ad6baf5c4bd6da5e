import { type FlagdValidation, validateFlagd } from '../../flagd-validate.ts';
import { EXIT, type Verb } from '../command.ts';
import { count, printable } from '../output.ts';
import { readText } from '../read-definition.ts';

export const verb: Verb = (command, perform) => {
  command.argument('<file>', 'a flagd definition').action(
    perform(async (_context, file: string) => {
      const value = validateFlagd(await readText(file));
      return { value, text: report(file, value), exitCode: value.ok ? EXIT.done : EXIT.failed };
    }),
  );
};

function report(file: string, { ok, problems, missing, unsafe }: FlagdValidation): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const found = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  return [
    `${printable(file)} ${ok ? 'is a definition that flagd can serve' : 'must not be served'}${found.length > 0 ? `: ${found.join(', ')}` : ''}.`,
    ...problems.map(
      ({ severity, path, message }) => `${severity.padEnd(7)}  ${printable(path || '/')}  ${printable(message)}`,
    ),
    ...(missing.length > 0 ? [`Missing kill-switch flags: ${missing.map(printable).join(', ')}`] : []),
    ...(unsafe.length > 0 ? [`Kill-switch flags with an unsafe default: ${unsafe.map(printable).join(', ')}`] : []),
  ].join('\n');
}
