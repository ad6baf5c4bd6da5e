import type { Verb } from '../command.ts';
import { isKillSwitchError, KillSwitchError, quoteId, shellWord } from '../../../flags/index.ts';
import { firstProgram } from '../first-program.ts';
import type { FoundFolder } from '../find-folder.ts';
import { holdsSwitch } from '../where.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const { location, hasCredentials, code, redis } = context.store;
      const { folder, profile } = context.place;
      if (folder !== null && folder.up > 0) throw foundAbove(folder, context.organizationId);
      const answer = await (await context.control()).init().catch((error: unknown) => {
        throw redis === null ? error : withAlternative(error);
      });
      const settings = [
        ...(folder !== null
          ? []
          : [
              `export KILL_SWITCH_STORE=${shellWord(location)}${hasCredentials ? '   # with its user and password' : ''}`,
            ]),
        ...(context.organizationId === 'default'
          ? []
          : [`export KILL_SWITCH_ORGANIZATION=${shellWord(context.organizationId)}`]),
      ];
      return {
        value: { ...answer, organization_id: context.organizationId, store: location },
        recorded: `The control plane is created, at epoch ${answer.epoch}.`,
        text: [
          `The control plane is created in ${location}. Its mode is ${answer.mode}: agents can think and propose, nothing lands.`,
          'Agents that use another store are not stopped by anything that is done here.',
          '',
          'In your service:',
          ...[
            ...(redis === null ? [] : ['// npm install ioredis']),
            ...firstProgram({ code }, context.organizationId),
          ].map((line) => (line === '' ? line : `  ${line}`)),
          '',
          'Then, as an operator:',
          ...[
            // What is exported need not be typed; a profile that was typed is typed again.
            ...(profile === null ? [...settings, ...FIRST_STEPS] : FIRST_STEPS.map(context.advice)),
          ].map((line) => `  ${line}`),
        ].join('\n'),
      };
    }),
  );
};

const FIRST_STEPS = [
  'kill-switch status',
  'kill-switch mode live --reason "launch"',
  'kill-switch kill agent:returns-bot',
  'kill-switch revive agent:returns-bot --reason "rule fixed"',
];

/** Commands in this folder act on one above it. A second one would take them from it, so whoever wants that says so. */
function foundAbove({ directory, up }: FoundFolder, organizationId: string): KillSwitchError {
  const isThere = holdsSwitch(directory, organizationId);
  const store = shellWord(`file:${directory}`);
  return new KillSwitchError(
    isThere ? 'ALREADY_INITIALISED' : 'INVALID_STATE',
    `Commands in this folder act on file:${directory}, ${up === 1 ? 'one folder' : `${up} folders`} up, which has ${isThere ? 'a' : 'no'} control plane of the organization ${quoteId(organizationId)}${isThere ? ' already' : ''}. Nothing was changed. ${isThere ? '' : `To create one there: kill-switch init --store ${store}. `}To create another one in this folder, on which commands act here and below from then on: kill-switch init --store ${HERE}`,
  );
}

const HERE = 'file:.kill-switch';

/** A beginner may want to try the switch without a Redis. */
const withAlternative = (error: unknown): unknown =>
  isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE'
    ? new KillSwitchError(
        error.code,
        `${error.message} To begin without Redis, in a folder of this machine: kill-switch init --store ${HERE}`,
        { cause: error },
      )
    : error;
