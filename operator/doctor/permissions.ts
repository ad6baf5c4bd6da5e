import { type Check, judging } from './finding.ts';
import { folderPermissions } from './folder-permissions.ts';
import { redisPermissions } from './redis-permissions.ts';

/** Who could give authority back without being asked. */
export const permissions: Check = {
  name: 'permissions',
  well: 'Nobody but operators can write the switch, as far as this can be seen from here.',
  judge: (examined) =>
    judging(examined.store, ({ of }) => {
      if (of === null) return [];
      return of.is === 'file' ? folderPermissions(of, examined) : redisPermissions(of);
    }),
};
