import { Option } from 'commander';
import { idProblem, invalid, shellWord } from '../../../flags/index.ts';
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
    .option('--viewer', 'the user for viewers, who only read: lists, log verify, watch')
    .action(
      perform((context, whose: Whose) => {
        const { organizationId, store } = context;
        const { redis, location } = store;
        if (!redis) throw invalid('Users of Redis are for a store in Redis: give its URL (--store redis://…).');
        const user = userOf(whose, { organizationId, ...redis });
        const url = urlOf(user, location);
        for (const line of howTo(whose, organizationId, location)) context.note(line);
        context.note(`In a URL this user is written ${encodeURIComponent(user.name)}, and its whole URL is in --json.`);
        return Promise.resolve({
          value: { users: [{ ...user, url }] },
          text: `user ${user.name} ${user.rules.join(' ')}`,
        });
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

/** The store's URL for that user. */
const urlOf = ({ name }: AclUser, location: string): string =>
  location.replace('//', () => `//${encodeURIComponent(name)}:PASSWORD@`);

/** How to put the line into a Redis. The lines that begin with spaces can be pasted into a shell. */
function howTo({ executor, viewer }: Whose, organizationId: string, location: string): string[] {
  const words = [
    ...['kill-switch', 'redis', 'acl', '--store', shellWord(location)],
    ...(organizationId === 'default' ? [] : ['--organization', shellWord(organizationId)]),
    ...(executor === undefined ? [] : ['--executor', shellWord(executor)]),
    ...(viewer ? ['--viewer'] : []),
  ];
  return [
    'The line goes into the ACL file of Redis (aclfile, then ACL LOAD), with a password of its own in the place of PASSWORD; or into a Redis that runs, as one of its administrators:',
    '  PASSWORD=$(openssl rand -hex 24)',
    `  ${words.join(' ')} | sed "s/^user /ACL SETUSER /; s/>PASSWORD/>$PASSWORD/" | ${redisCli(location)}`,
    'Redis forgets a user that was made so when it is started again, unless that is saved: ACL SAVE (with an aclfile) or CONFIG REWRITE (without).',
    'Once operators have their user, switch off the one that may do everything: ACL SETUSER default off',
  ];
}

/** The redis-cli command that reaches this Redis; behind Sentinels without a node, which is not known. */
function redisCli(location: string): string {
  const [where = '', query = ''] = location.split('?');
  if (where.startsWith('redis+unix://')) return `redis-cli -s ${shellWord(where.slice('redis+unix://'.length))}`;
  if (/(^|&)sentinels=/.test(query)) return 'redis-cli';
  const ca = new URLSearchParams(query).get('ca');
  return `redis-cli -u ${shellWord(where)}${ca === null ? '' : ` --cacert ${shellWord(ca)}`}`;
}
