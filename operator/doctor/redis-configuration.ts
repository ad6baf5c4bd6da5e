import type { RedisInspection } from '../../store/capabilities/inspection.ts';
import { type Check, type Found, judging, unknown, unsafe, warning } from './finding.ts';

/** Whether this Redis keeps what it has acknowledged. */
export const redisConfiguration: Check = {
  name: 'redis configuration',
  well: 'The store keeps what it has acknowledged, as far as it says.',
  judge: ({ store }) => judging(store, ({ of }) => (of?.is === 'redis' ? judge(of) : [])),
};

function judge({ info, config }: RedisInspection): readonly Found[] {
  if (info.size === 0)
    return [unknown('This user may not ask for INFO.', 'Print its rules anew: kill-switch redis acl --only operator')];
  return [...eviction(info), ...persistence({ info, config }), ...replicas({ info, config })];
}

function eviction(info: RedisInspection['info']): readonly Found[] {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy === 'noeviction' || (info.get('maxmemory') ?? '0') === '0') return [];
  return [
    unsafe(
      `It removes keys when its memory is full (maxmemory-policy ${policy}): approvals would be used and budgets spent once more.`,
      'CONFIG SET maxmemory-policy noeviction, and in redis.conf',
    ),
  ];
}

type Asked = Pick<RedisInspection, 'info' | 'config'>;

function persistence({ info, config }: Asked): readonly Found[] {
  if (info.get('aof_enabled') !== '1')
    return [
      unsafe(
        'It has no append-only file: after a restart kills are gone, or the state is an old one.',
        'CONFIG SET appendonly yes, and in redis.conf (appendonly yes, appendfsync always)',
      ),
    ];
  if (info.get('aof_last_write_status') === 'err')
    return [unsafe('Its append-only file could not be written.', 'Make room on its disk, and look into its log.')];
  const fsync = config?.get('appendfsync');
  if (fsync === undefined)
    return [
      unknown(
        'How often its append-only file is synced was not asked: this user may not.',
        'redis-cli CONFIG GET appendfsync',
      ),
    ];
  return fsync === 'always'
    ? []
    : [
        warning(
          `Its append-only file is synced ${fsync === 'no' ? 'when the system likes to' : 'once a second'} (appendfsync ${fsync}): a crash may lose the last kills, which is then a fork.`,
          'CONFIG SET appendfsync always, and in redis.conf',
        ),
      ];
}

function replicas({ info, config }: Asked): readonly Found[] {
  if ((info.get('connected_slaves') ?? '0') === '0')
    return [
      warning(
        'It has no replica: where its machine is lost everything stops until a backup is restored.',
        'Run a replica, and Sentinels: docs/redis.md, "Replicas and failover"',
      ),
    ];
  // Redis has this field only where it needs so many good replicas to write.
  if (!info.has('min_slaves_good_slaves'))
    return [
      warning(
        'Cut off from its replicas it goes on to take changes, which the next master does not have.',
        'CONFIG SET min-replicas-to-write 1, CONFIG SET min-replicas-max-lag 1, and in redis.conf',
      ),
    ];
  const lag = config?.get('min-replicas-max-lag');
  if (lag === undefined)
    return [
      unknown(
        'Its min-replicas-max-lag was not asked: this user may not.',
        'redis-cli CONFIG GET min-replicas-max-lag',
      ),
    ];
  return Number(lag) <= 5
    ? []
    : [
        warning(
          `Cut off from its replicas it goes on to take changes for ${lag} s (min-replicas-max-lag).`,
          'CONFIG SET min-replicas-max-lag 1, and in redis.conf',
        ),
      ];
}
