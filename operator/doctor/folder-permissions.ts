import type { FileInspection, InspectedPlace } from '../../store/capabilities/inspection.ts';
import { shellWord } from '../../flags/index.ts';
import { type Examined, type Found, named, unsafe, warning } from './finding.ts';

const [GROUP, OTHERS, STICKY] = [0o020, 0o002, 0o1000];

/** Whether anybody but operators could write the switch in a folder. */
export function folderPermissions({ user, places, above }: FileInspection, { heard }: Examined): readonly Found[] {
  const open = places.flatMap(({ path, mode, isFolder }): Found[] => {
    const kept = isFolder && (mode & STICKY) !== 0; // what is in there only its owner can replace
    const who = [...(mode & GROUP ? ['its group'] : []), ...(mode & OTHERS ? ['everybody on this machine'] : [])];
    return who.length === 0 || kept
      ? []
      : [
          unsafe(
            `${path} may be written by ${who.join(' and ')} (mode ${mode.toString(8)}): whoever does can lift any kill.`,
            `chmod go-w ${shellWord(path)}`,
          ),
        ];
  });
  const owners = new Set(places.map(({ owner }) => owner));
  const beats = 'value' in heard ? heard.value.beats : [];
  const same = beats.filter(({ writer }) => [...owners, 0].some((uid) => writer === `uid ${uid}`));
  const shared =
    same.length === 0
      ? []
      : [
          warning(
            `${named(same.map(({ name }) => name))} ${same.length === 1 ? 'runs' : 'run'} as a user who may write the switch (${named([...new Set(same.map(({ writer }) => writer ?? ''))])}): what runs there could lift its own kill.`,
            'Run executors as a user of their own, with a control/ that only operators may write: docs/redis.md, "Users".',
          ),
        ];
  const foreign = places.filter(({ owner }) => user !== null && user !== 0 && owner !== user);
  const others = foreign.map(({ path, owner }) =>
    warning(
      `${path} belongs to uid ${owner}, and this process runs as uid ${user}: that user can write the switch too.`,
      'Let one user own it who is an operator.',
    ),
  );
  return [...open, ...shared, ...others, ...above.flatMap((place) => replaceable(place, user))];
}

/** Whoever may write a folder can put another one in the place of what is in it, also of a switch. */
function replaceable({ path, owner, mode }: InspectedPlace, user: number | null): readonly Found[] {
  const moved = 'can put another switch in the place of this one';
  const mend = `chmod go-w ${shellWord(path)}`;
  const foreign =
    owner === 0 || user === null || user === 0 || owner === user
      ? []
      : [
          warning(
            `${path} belongs to uid ${owner}, who ${moved}.`,
            'Put the switch below folders of root and operators.',
          ),
        ];
  if ((mode & STICKY) !== 0) return foreign;
  if (mode & OTHERS) return [...foreign, unsafe(`${path} may be written by everybody: whoever does ${moved}.`, mend)];
  return mode & GROUP ? [...foreign, warning(`${path} may be written by its group, which ${moved}.`, mend)] : foreign;
}
