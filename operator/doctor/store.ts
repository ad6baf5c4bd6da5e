import { NOT_BELIEVED } from '../../flags/index.ts';
import { type Check, judging, unsafe, warning } from './finding.ts';

/** Whether there is a switch that can be read and takes changes: without that nobody can be killed. */
export const store: Check = {
  name: 'store',
  well: 'The store can be read and takes changes.',
  judge: ({ switch: read, store: inspected }) => {
    if ('problem' in read) return [unsafe(`The switch cannot be read: ${read.problem}`, 'Do what that sentence says.')];
    return judging(inspected, ({ takesNone }) => {
      if (takesNone === null) return [];
      const { why, notPermitted } = takesNone;
      return notPermitted
        ? [
            warning(
              `This user may change nothing: ${why}`,
              'To see whether the store takes changes, ask as an operator.',
            ),
          ]
        : [unsafe(`The store takes no changes: ${why}`, 'Mend that: until then no kill can be recorded.')];
    });
  },
};

/** Whether the store has lost changes that executors had seen. */
export const forks: Check = {
  name: 'forks',
  well: 'No executor has seen a change that the store has lost.',
  judge: ({ forks: read }) =>
    judging(read, ({ forks: reports, ignored_forks: others }) => [
      ...reports.map(({ executor }) =>
        unsafe(
          `${executor} has seen a change that this store has lost; everything is stopped.`,
          'Look what is lost (kill-switch status), then: kill-switch recover --reason "…"',
        ),
      ),
      ...others
        .filter(({ why }) => why !== NOT_BELIEVED)
        .map(({ executor, why }) =>
          warning(
            `A report of ${executor} says that this store has lost a change. It is no proof, so nobody else goes by it: ${why}. An executor that has seen that itself stays stopped.`,
            'Compare the log with an export that you trust: kill-switch log verify --against FILE. If the log is right, remove the anchor of that executor; if it is not, put the log back.',
          ),
        ),
    ]),
};

/** Whether an archiving was ended before it had dropped anything. */
export const archive: Check = {
  name: 'archive',
  well: 'Nothing is left in the log of what is archived.',
  judge: ({ undropped }) =>
    judging(undropped, (epoch) =>
      epoch === null
        ? []
        : [
            warning(
              `The log is archived up to epoch ${epoch}, and what comes before that is still there.`,
              'Archive again with the same file, which drops it: kill-switch log archive FILE --reason "…"',
            ),
          ],
    ),
};
