import { type Check, named, unknown, unsafe, warning } from './finding.ts';

/** Whether definitions of flagd are safe where nobody renews them. */
export const flags: Check = {
  name: 'flags',
  well: 'The definitions of flagd have safe defaults.',
  judge: ({ flagd }) =>
    flagd.length === 0
      ? [unknown('No definition of flagd was named.', 'Where flagd serves flags: kill-switch doctor --flagd FILE')]
      : flagd.flatMap(({ file, validation: { ok, problems, missing, unsafe: open } }) => [
          ...(open.length === 0
            ? []
            : [
                unsafe(
                  `${file}: the default of ${named(open)} allows more than is safe.`,
                  'Give each its safe default, as flags/kill-switch.flagd.json has it, or let kill-switch flagd export --watch keep the file.',
                ),
              ]),
          ...(missing.length === 0
            ? []
            : [unsafe(`${file} lacks ${named(missing)}.`, 'Start from flags/kill-switch.flagd.json.')]),
          ...(!ok && open.length + missing.length === 0
            ? [unsafe(`${file} must not be served: ${problems[0]?.message}`, `kill-switch flagd validate ${file}`)]
            : []),
          ...(ok && problems.length > 0
            ? [warning(`${file}: ${problems[0]?.message}`, `kill-switch flagd validate ${file}`)]
            : []),
        ]),
};
