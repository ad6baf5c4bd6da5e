import { invalid, quoteId } from '../../flags/index.ts';
import { grantsOf, KEYLESS, type Role, selectors } from './access.ts';
import { type AclScope, userNameOf } from './acl-names.ts';
import { type RedisKeys, redisKeys } from './keys.ts';

/** One user of Redis, as an ACL file has it after `user`. */
export interface AclUser {
  readonly name: string;
  readonly rules: readonly string[];
}

/** Stands for a password that whoever applies the rules puts there. */
const PASSWORD = '>PASSWORD';

/**
 * Channels are taken away first: where Redis gives them to all (`acl-pubsub-default allchannels`), it refuses to add
 * one.
 */
const BEGIN = ['reset', 'resetchannels', 'on', PASSWORD] as const;

/**
 * What is meant literally must mean nothing in a pattern. What `redisKeys` makes of ids means nothing in one; a prefix
 * is a person's.
 */
const literal = (key: string): string => key.replace(/[*?[\]\\^]/g, '\\$&');

/** @throws KillSwitchError INVALID_ARGUMENT */
function userOf(scope: AclScope, role: Role, executor: string | null): AclUser {
  const { organizationId, keyPrefix, db } = scope;
  if (/[\s"']/.test(keyPrefix))
    throw invalid(
      `The key prefix ${quoteId(keyPrefix)} has white space or quotes, which no line of rules can name: choose another.`,
    );
  const keys = redisKeys(organizationId, { keyPrefix, db });
  return { name: userNameOf({ ...scope, role, executor }), rules: rules(role, { keys, db }, executor ?? '') };
}

/**
 * All that this role may, and nothing else of that server; `access.ts` says what that is. `executor`: whose keys an
 * executor's own are.
 */
function rules(
  role: Role,
  { keys, db }: { readonly keys: RedisKeys; readonly db: number },
  executor: string,
): string[] {
  const organization = literal(keys.head.slice(0, -'head'.length));
  const grants = grantsOf(role, {
    shared: (name) => organization + name,
    own: (name, whose) =>
      `${literal(keys.executorPrefix)}${whose === 'any' ? '*' : literal(keys.executor(executor).escaped)}:${name}`,
  });
  return [
    ...BEGIN,
    ...[...KEYLESS[role], ...(db === 0 ? [] : [`select|${db}`])].map((command) => `+${command}`),
    `&${literal(keys.channel)}`,
    ...selectors(grants),
  ];
}

/**
 * Who runs executors of one name: may read the switch and hear it, write what is kept under that name, and add to what
 * all executors share. So a beat, a report of a fork, a proposal or a checkpoint under a name comes from whoever has
 * that user's password. It can run nothing but the functions of the library.
 */
export function executorUser(scope: AclScope, name: string): AclUser {
  return userOf(scope, 'executor', name);
}

/**
 * Who operates one organization: may append to the log, forget executors and end reports of forks, and nothing of the
 * server itself. An append needs XADD on the log, SET on the head, HSET and HDEL on the state, and PUBLISH: Redis
 * cannot tell XADD from XADD … MAXLEN, nor a SET that follows the log from one that does not. So this user cannot
 * delete, rename or rewrite an event, but could cut the log short by adding to it; `kill-switch log verify` tells, and
 * executors stop where what they hold is gone.
 */
export function operatorUser(scope: AclScope): AclUser {
  return userOf(scope, 'operator', null);
}

/** Who only looks: what lists and watches need, and nothing that changes anything. */
export function viewerUser(scope: AclScope): AclUser {
  return userOf(scope, 'viewer', null);
}
