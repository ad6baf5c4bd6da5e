import { quoteId, shellWord } from '../../flags/index.ts';
import { REDIS_ROLES, type RedisRole } from './access.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { escapeId, nameOf, redisKeys } from './keys.ts';

/** Which keys a user is for: the organization's, under this prefix, in this database. */
export interface AclScope {
  readonly organizationId: string;
  readonly keyPrefix: string;
  readonly db: number;
}

/** What a user of Redis is for. Users belong to the whole server, so their names say all of this. */
export interface AclUse extends AclScope {
  readonly role: RedisRole;
  /** The name of the executors; null for other roles. */
  readonly executor: string | null;
}

/** The name of the user for this use. */
export function userNameOf({ organizationId, keyPrefix, db, role, executor }: AclUse): string {
  const parts = ['kill-switch', escapeId(organizationId), ...(db === 0 ? [] : [`db${db}`]), role];
  return escapeId(keyPrefix) + [...parts, ...(executor === null ? [] : [escapeId(executor)])].join('+');
}

/** What a user is for, by its name; null for a name that `userNameOf` did not make. */
export function useOf(userName: string): AclUse | null {
  const [, keyPrefix = '', organizationId = '', db = '0', role = '', executor] =
    /^([^+]*)kill-switch\+([^+]+)(?:\+db(\d+))?\+([a-z]+)(?:\+([^+]+))?$/.exec(userName) ?? [];
  const known = REDIS_ROLES.find((each) => each === role);
  if (!known || (known === 'executor') !== (executor !== undefined)) return null;
  return {
    organizationId: nameOf(organizationId),
    keyPrefix: nameOf(keyPrefix),
    db: Number(db),
    role: known,
    executor: executor === undefined ? null : nameOf(executor),
  };
}

const PEOPLE: Readonly<Record<RedisRole, string>> = {
  executor: 'executors',
  operator: 'operators',
  viewer: 'those who only look',
  archiver: 'those who archive the log',
};

function differences(is: AclUse, needed: AclUse): string[] {
  const named = is.executor === null ? '' : ` named ${quoteId(is.executor)}`;
  const who =
    needed.executor === null
      ? `this is something for ${PEOPLE[needed.role]}`
      : `this ${is.executor === null ? 'is an executor' : 'one is'} named ${quoteId(needed.executor)}`;
  return [
    ...(is.role === needed.role && is.executor === needed.executor ? [] : [`${PEOPLE[is.role]}${named}, and ${who}`]),
    ...(is.organizationId === needed.organizationId
      ? []
      : [`the organization ${quoteId(is.organizationId)}, and this is ${quoteId(needed.organizationId)}`]),
    ...(is.keyPrefix === needed.keyPrefix
      ? []
      : [`the key prefix ${quoteId(is.keyPrefix)}, and here it is ${quoteId(needed.keyPrefix)}`]),
    ...(is.db === needed.db ? [] : [`database ${is.db}, and this is database ${needed.db}`]),
  ];
}

/**
 * What an error says where Redis does not permit something: what this user is for, what it would have to be for, and
 * how to get the right one.
 */
export function permissionHint({ user, location }: Pick<RedisEndpoint, 'user' | 'location'>, needed: AclUse): string {
  const { organizationId, executor, role } = needed;
  const organization = organizationId === 'default' ? '' : ` --organization ${shellWord(organizationId)}`;
  const print = `kill-switch redis acl --only ${executor === null ? role : `executor --executor ${shellWord(executor)}`}${organization} --store ${shellWord(location)}`;
  const lesser = role === 'operator' ? ' (to look or verify, --only viewer is enough)' : '';
  const keys = redisKeys(organizationId, needed);
  const own = executor === null ? '' : ` It writes ${keys.executor(executor).prefix}* and hears ${keys.channel}.`;
  const is = user === null ? null : useOf(user);
  if (!is) return `ACL LOG says what was denied.${own} The user that is needed${lesser} is printed by: ${print}`;
  const differs = differences(is, needed);
  return differs.length === 0
    ? `By its name it is the right one, so its rules are not those of this version. ACL LOG says what was denied; apply anew what is printed by: ${print}`
    : `That user is for ${differs.join('; and for ')}.${own} The user that is needed${lesser} is printed by: ${print}`;
}
