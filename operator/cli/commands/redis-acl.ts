import { Option } from 'commander';
import { idProblem, invalid } from '../../../flags/index.ts';
import type { AclScope } from '../../../store/redis/acl-names.ts';
import { type AclUser, executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import type { Verb } from '../command.ts';

interface Whose {
  readonly executor?: string;
  readonly viewer?: true;
}

export const verb: Verb = (command, perform) => {
  command
    .addOption(
      new Option(
        '--executor <name>',
        'the user for executors of this name; without it, the user for operators',
      ).conflicts('viewer'),
    )
    .option('--viewer', 'the user for whoever only looks: lists, log verify, watch')
    .action(
      perform((context, whose: Whose) => {
        const { redis } = context.store;
        if (!redis) throw invalid('Users of Redis are for a store in Redis: give its URL (--store redis://…).');
        const user = userOf(whose, { organizationId: context.organizationId, ...redis });
        context.note(
          'Put a password of its own for PASSWORD, then the line into the ACL file of Redis (or run it as ACL SETUSER), and switch the user "default" off.',
        );
        return Promise.resolve({ value: { users: [user] }, text: `user ${user.name} ${user.rules.join(' ')}` });
      }),
    );
};

function userOf({ executor, viewer }: Whose, scope: AclScope): AclUser {
  if (viewer) return viewerUser(scope);
  if (executor === undefined) return operatorUser(scope);
  const problem = idProblem(executor);
  if (problem) throw invalid(`The name of an executor ${problem}.`);
  return executorUser(scope, executor);
}
