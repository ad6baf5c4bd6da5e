import { Option } from 'commander';
import { idProblem, invalid } from '../../../flags/index.ts';
import { executorUser, operatorUser } from '../../../store/redis/acl.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addOption(
      new Option('--executor <name>', 'the user for executors of this name; without it, the user for operators'),
    )
    .action(
      perform((context, { executor }: { readonly executor?: string }) => {
        const { redis } = context.store;
        if (!redis) throw invalid('Users of Redis are for a store in Redis: give its URL (--store redis://…).');
        const problem = executor === undefined ? null : idProblem(executor);
        if (problem) throw invalid(`The name of an executor ${problem}.`);
        const scope = { organizationId: context.organizationId, ...redis };
        const user = executor === undefined ? operatorUser(scope) : executorUser(scope, executor);
        context.note(
          'Put a password of its own for PASSWORD, then the line into the ACL file of Redis (or run it as ACL SETUSER), and switch the user "default" off.',
        );
        return Promise.resolve({ value: { users: [user] }, text: `user ${user.name} ${user.rules.join(' ')}` });
      }),
    );
};
