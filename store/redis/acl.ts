import { invalid, quoteId } from '../../flags/index.ts';
import { grantsOf, keylessOf, type RedisRole, selectors } from './access.ts';
import { type AclScope, userNameOf } from './acl-names.ts';
import { type RedisKeys, redisKeys } from './keys.ts';

/** One user of Redis, as an ACL file has it after `user`. */
export interface AclUser {
  readonly name: string;
  readonly rules: readonly string[];
}

/** Stands for the password, to be replaced by the person who applies the rules. */
const PASSWORD = '>PASSWORD';

/**
 * Channels are reset first: where new users have all of them (`acl-pubsub-default allchannels`), Redis refuses to add
 * one.
 */
const BEGIN = ['reset', 'resetchannels', 'on', PASSWORD] as const;

/**
 * Escapes what has a meaning in a pattern. Ids have no such characters once `redisKeys` has escaped them; a prefix,
 * which a person chose, may.
 */
const literal = (key: string): string => key.replace(/[*?[\]\\^]/g, '\\$&');

/** @throws KillSwitchError INVALID_ARGUMENT */
function userOf(scope: AclScope, role: RedisRole, executor: string | null): AclUser {
  const { organizationId, keyPrefix, db } = scope;
  if (/[\s"']/.test(keyPrefix))
    throw invalid(
      `The key prefix ${quoteId(keyPrefix)} has white space or quotes, which no line of rules can name: choose another.`,
    );
  const keys = redisKeys(organizationId, { keyPrefix, db });
  return { name: userNameOf({ ...scope, role, executor }), rules: rules(role, { keys, db }, executor ?? '') };
}

/**
 * The rules that permit all that `access.ts` lists for this role, and nothing else on the server. `executor`: the name
 * of the executors, for their own keys.
 */
function rules(
  role: RedisRole,
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
    ...[...keylessOf(role), ...(db === 0 ? [] : [`select|${db}`])].map((command) => `+${command}`),
    `&${literal(keys.channel)}`,
    `&${literal(keys.stopsChannel)}`,
    ...selectors(grants),
    ...(role === 'executor' ? [`(+publish &${literal(keys.stopsChannel)})`] : []),
  ];
}

/**
 * The user for executors of one name. It may read the switch and subscribe to it, write what is kept under that name,
 * and add to what all executors share. So a beat, a report of a fork, a proposal or a checkpoint under that name comes
 * from somebody who has this user's password. It can run no scripts but the functions of the library.
 */
export function executorUser(scope: AclScope, name: string): AclUser {
  return userOf(scope, 'executor', name);
}

/**
 * The user for operators of one organization. It may append to the log, forget executors and end reports of forks, but
 * not administer the server. An append needs XADD on the log, SET on the head, HSET and HDEL on the state, and PUBLISH:
 * Redis cannot tell XADD from XADD … MAXLEN, nor a SET that follows the log from one that does not. So this user cannot
 * delete, rename or rewrite an event, but could cut the log short by adding to it; `kill-switch log verify` tells, and
 * executors stop where what they hold is gone.
 */
export function operatorUser(scope: AclScope): AclUser {
  return userOf(scope, 'operator', null);
}

/** The user for viewers: may run what lists and watches need, and change nothing. */
export function viewerUser(scope: AclScope): AclUser {
  return userOf(scope, 'viewer', null);
}

/**
 * The user for those who archive the log: an operator who may also drop its first part (XTRIM), and keep the state from
 * which it goes on. Whoever has it can cut the log so that it still verifies, which an operator cannot: so it is
 * printed only when it is asked for.
 */
export function archiverUser(scope: AclScope): AclUser {
  return userOf(scope, 'archiver', null);
}

/** Nobody is `default`, the user of connections without a name, who may do everything on a new server. */
export const DEFAULT_OFF: AclUser = { name: 'default', rules: ['off'] };
