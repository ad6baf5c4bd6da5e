import { Option } from 'commander';
import { idProblem, invalid, shellWord } from '../../../flags/index.ts';
import { REDIS_ROLES, type RedisRole } from '../../../store/redis/access.ts';
import type { AclScope } from '../../../store/redis/acl-names.ts';
import {
  type AclUser,
  archiverUser,
  DEFAULT_OFF,
  executorUser,
  operatorUser,
  viewerUser,
} from '../../../store/redis/acl.ts';
import type { Verb } from '../command.ts';

interface Whose {
  readonly executor?: readonly string[];
  readonly only?: RedisRole;
  readonly viewer?: true;
}

export const verb: Verb = (command, perform) => {
  command
    .addOption(
      new Option('--executor <name>', 'also the user for executors of this name; may be given several times')
        .argParser((name, before: readonly string[] | undefined) => [...(before ?? []), name])
        .conflicts('viewer'),
    )
    .addOption(
      new Option('--only <role>', 'only the users of one role: to add them to a Redis that has the others').choices(
        REDIS_ROLES,
      ),
    )
    .option('--viewer', 'as --only viewer: who only reads (lists, log verify, watch)')
    .action(
      perform((context, whose: Whose) => {
        const { organizationId, store } = context;
        const { redis, location } = store;
        if (whose.executor && whose.only && whose.only !== 'executor')
          throw invalid(`--executor is for --only executor, or for the whole file, not for --only ${whose.only}.`);
        if (!redis) throw invalid('Users of Redis are for a store in Redis: give its URL (--store redis://…).');
        const users = usersOf(whose, { organizationId, ...redis });
        const isFile = users.includes(DEFAULT_OFF);
        const words = commandOf(whose, organizationId, location);
        for (const line of isFile ? fileHowTo(words, location) : userHowTo(words, location)) context.note(line);
        const [first] = users;
        if (first && users.length === 1)
          context.note(
            `In a URL this user is written ${encodeURIComponent(first.name)}, and its whole URL is in --json.`,
          );
        else context.note('The URL of each user, in which its name is percent-encoded, is in --json.');
        return Promise.resolve({
          value: { users: users.map((user) => ({ ...user, url: urlOf(user, location) })) },
          text: users.map(({ name, rules }) => `user ${name} ${rules.join(' ')}`).join('\n'),
        });
      }),
    );
};

/** The lines, in the order in which they are printed: together they are an ACL file, unless some are left out. */
function usersOf({ executor = [], viewer, only = viewer && 'viewer' }: Whose, scope: AclScope): readonly AclUser[] {
  if (only === 'executor' && executor.length === 0)
    throw invalid('There is a user for each name of executors: say which (--executor NAME).');
  const executors = [...new Set(executor)].map((name) => {
    const problem = idProblem(name);
    if (problem) throw invalid(`The name of an executor ${problem}.`);
    return executorUser(scope, name);
  });
  const others = { operator: [operatorUser(scope)], viewer: [viewerUser(scope)], archiver: [archiverUser(scope)] };
  if (only) return { executor: executors, ...others }[only];
  return [...executors, ...others.operator, ...others.viewer, DEFAULT_OFF];
}

/** The store's URL for that user; null for one that nobody may be. */
const urlOf = (user: AclUser, location: string): string | null =>
  user === DEFAULT_OFF ? null : location.replace('//', () => `//${encodeURIComponent(user.name)}:PASSWORD@`);

/** The words of the command that prints the same. */
function commandOf({ executor = [], viewer, only }: Whose, organizationId: string, location: string): string {
  return [
    ...['kill-switch', 'redis', 'acl', '--store', shellWord(location)],
    ...(organizationId === 'default' ? [] : ['--organization', shellWord(organizationId)]),
    ...executor.flatMap((name) => ['--executor', shellWord(name)]),
    ...(only ? ['--only', only] : []),
    ...(viewer ? ['--viewer'] : []),
  ].join(' ');
}

const FORGETS =
  'Redis forgets a user that was made so when it is started again, unless that is saved: ACL SAVE (with an aclfile) or CONFIG REWRITE (without).';

/** How to put the whole file into a Redis. The lines that begin with spaces can be pasted into a shell. */
function fileHowTo(command: string, location: string): string[] {
  return [
    'These lines are a whole ACL file. Put a password of its own into each, and keep the file: Redis itself keeps only their hashes.',
    `  (umask 077; ${command} | while IFS= read -r line; do echo "$line" | sed "s/>PASSWORD/>$(openssl rand -hex 24)/"; done > users.acl)`,
    'The last line switches off the user who may do everything, also for you, for replicas and for Sentinels. Before that, so that nobody is locked out: add a user of your own who administers this server (its rules: on >… ~* &* +@all); give replicas theirs (masteruser, masterauth) and Sentinels theirs (sentinel auth-user, auth-pass); and give operators and executors their new URLs.',
    'Then name the file in redis.conf (aclfile …/users.acl) and start Redis with it; or put the lines into a Redis that runs, as one of its administrators:',
    `  sed "s/^user /ACL SETUSER /" users.acl | ${redisCli(location)}`,
    FORGETS,
    'Who is locked out nevertheless takes the last line out of the file and starts Redis again.',
  ];
}

/** How to add the users to a Redis that has others. */
function userHowTo(command: string, location: string): string[] {
  return [
    'Each line goes into the ACL file of Redis (aclfile, then ACL LOAD), with a password of its own in the place of PASSWORD; or into a Redis that runs, as one of its administrators:',
    '  PASSWORD=$(openssl rand -hex 24)',
    `  ${command} | sed "s/^user /ACL SETUSER /; s/>PASSWORD/>$PASSWORD/" | ${redisCli(location)}`,
    FORGETS,
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
