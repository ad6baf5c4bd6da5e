import { printable, shownId } from '../../../flags/index.ts';
import { type FlagdValidation, validateFlagd } from '../../flagd-validate.ts';
import { type FlagdFilesValidation, validateFlagdFiles } from '../../flagd-validate-files.ts';
import { EXIT, type ExitCode, type Verb } from '../command.ts';
import { count } from '../output.ts';
import { readText } from '../read-definition.ts';

export const verb: Verb = (command, perform) => {
  command
    .argument('<file>', 'a flagd definition')
    .argument('[more...]', 'the other files that the same flagd reads, all in its order')
    .option('--strict', 'exit 1 also for warnings, missing kill-switch flags, and unsafe defaults')
    .action(
      perform(async (_context, file: string, more: readonly string[], { strict }: { strict?: true }) => {
        if (more.length === 0) {
          const value = validateFlagd(await readText(file));
          const passes = value.ok && (!strict || isSafe(value));
          return { value, text: report(file, value) + unlessPassed(value.ok, passes), exitCode: exitOf(passes) };
        }
        const texts = await Promise.all([file, ...more].map(async (one) => ({ file: one, text: await readText(one) })));
        const value = validateFlagdFiles(texts);
        const passes = value.ok && (!strict || (value.shared.length === 0 && value.files.every(isSafe)));
        return { value, text: reportAll(value) + unlessPassed(value.ok, passes), exitCode: exitOf(passes) };
      }),
    );
};

const exitOf = (passes: boolean): ExitCode => (passes ? EXIT.done : EXIT.failed);

const isSafe = ({ problems, missing, unsafe }: FlagdValidation): boolean =>
  problems.length + missing.length + unsafe.length === 0;

/** Says why the exit code is 1 although the definition can be served. */
const unlessPassed = (ok: boolean, passes: boolean): string =>
  ok && !passes ? '\nThat is refused because of --strict.' : '';

const reportAll = ({ files, shared }: FlagdFilesValidation): string =>
  [
    ...files.map((validation) => report(validation.file, validation)),
    ...(shared.length === 0
      ? ['No flag is in two of these files.']
      : shared.flatMap(({ severity, key, message, files: owners, wins }) => [
          `${severity.padEnd(7)}  ${shownId(key)}  ${printable(message)}`,
          ...owners.map((owner) => `  ${printable(owner)}${owner === wins ? '  (is served)' : ''}`),
        ])),
  ].join('\n');

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
    ...(missing.length > 0 ? [`Missing kill-switch flags: ${missing.map(shownId).join(', ')}`] : []),
    ...(unsafe.length > 0 ? [`Kill-switch flags with an unsafe default: ${unsafe.map(shownId).join(', ')}`] : []),
  ].join('\n');
}
