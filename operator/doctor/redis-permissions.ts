import type { InspectedUser, RedisInspection } from '../../store/capabilities/inspection.ts';
import { useOf } from '../../store/redis/acl-names.ts';
import { type Found, named, unknown, unsafe, warning } from './finding.ts';

const USERS = 'docs/redis.md, "Users": kill-switch redis acl';

/** Whether a credential of this Redis could give authority back that should not. */
export function redisPermissions({ user, users }: RedisInspection): readonly Found[] {
  if (users !== null)
    return [...users.flatMap((one) => (one.may.length === 0 ? [] : judged(one))), ...administers(user)];
  const notAsked = unknown(
    'What the users of this Redis may do, and whether `default` is on, was not asked: this user may not (ACL LIST).',
    'Ask as one who administers it: kill-switch doctor --store redis://ADMINISTRATOR:PASSWORD@HOST; or by hand: ACL LIST',
  );
  const use = user === null ? null : useOf(user);
  return use?.role === 'executor'
    ? [unsafe(`This process has the user of an executor, ${user}.`, `Give operators theirs: ${USERS}`), notAsked]
    : [notAsked];
}

function judged({ name, needsPassword, may }: InspectedUser): readonly Found[] {
  const can = `may ${named(may)}`;
  const use = useOf(name);
  if (name === 'default' && !needsPassword)
    return [
      unsafe(
        `The user \`default\` is on without a password: whoever reaches this Redis ${can}.`,
        `Give everybody a user of their own (${USERS}), then: ACL SETUSER default off`,
      ),
    ];
  if (name === 'default')
    return [
      warning(
        `The user \`default\` is on: every executor that has its password ${can}.`,
        `Give everybody a user of their own (${USERS}), then: ACL SETUSER default off`,
      ),
    ];
  if (use?.role === 'operator' || use?.role === 'archiver') return [];
  if (use)
    return [
      unsafe(
        `${name} is for ${use.role}s, and ${can}.`,
        `Apply its line anew: kill-switch redis acl --only ${use.role}`,
      ),
    ];
  return needsPassword
    ? [warning(`${name} ${can}.`, 'Only who administers this Redis should have its password; else: ACL DELUSER')]
    : [unsafe(`${name} takes any password, and ${can}.`, `ACL SETUSER ${name} off`)];
}

const administers = (user: string | null): readonly Found[] =>
  user !== null && useOf(user) !== null
    ? []
    : [
        warning(
          'This process may administer this Redis, which no verb of this command needs.',
          `For anything but this check use the user of operators: ${USERS}`,
        ),
      ];
