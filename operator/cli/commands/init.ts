import type { Verb } from '../command.ts';
import { isKillSwitchError, KillSwitchError, shellWord } from '../../../flags/index.ts';
import { DEFAULT_STORE, parseStoreUrl } from '../store-url.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const { location, hasCredentials, code, redis } = context.store;
      const answer = await (await context.control()).init().catch((error: unknown) => {
        throw redis === null ? error : withAlternative(error);
      });
      const [driver, expression] = code;
      const organization =
        context.organizationId === 'default' ? '' : `, organizationId: ${JSON.stringify(context.organizationId)}`;
      const settings = [
        ...(location === parseStoreUrl(DEFAULT_STORE).location
          ? []
          : [
              `export KILL_SWITCH_STORE=${shellWord(location)}${hasCredentials ? '   # with its user and password' : ''}`,
            ]),
        ...(organization === '' ? [] : [`export KILL_SWITCH_ORGANIZATION=${shellWord(context.organizationId)}`]),
      ];
      return {
        value: { ...answer, organization_id: context.organizationId, store: location },
        recorded: `The control plane is created, at epoch ${answer.epoch}.`,
        text: [
          `The control plane is created in ${location}. Its mode is ${answer.mode}: agents can think and propose, nothing lands.`,
          'Agents that use another store are not stopped by anything that is done here.',
          '',
          'In your service:',
          ...(redis === null ? [] : ['  // npm install ioredis']),
          "  import { createKillSwitch } from 'openfeature-kill-switch';",
          `  ${driver}`,
          `  const killSwitch = await createKillSwitch({ store: ${expression}${organization} });`,
          '',
          'Then, as an operator:',
          ...[
            ...settings,
            'kill-switch status',
            'kill-switch mode live --reason "launch"',
            'kill-switch kill agent:returns-bot',
            'kill-switch revive agent:returns-bot --reason "rule fixed"',
          ].map((line) => `  ${line}`),
        ].join('\n'),
      };
    }),
  );
};

/** A beginner may want to try the switch without a Redis. */
const withAlternative = (error: unknown): unknown =>
  isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE'
    ? new KillSwitchError(
        error.code,
        `${error.message} To begin without Redis, in a folder of this machine: kill-switch init --store ${DEFAULT_STORE}`,
        { cause: error },
      )
    : error;
