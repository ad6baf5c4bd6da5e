import { cpSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { canMount, fill, mountDisk, mountItself, remount } from './mounts.ts';
import { type Fault, play, Scene, type Subject } from './scene.ts';

/** The paths of a store. */
interface Place {
  readonly directory: string;
  readonly controls: string;
  readonly executors: string;
  readonly log: string;
  /** A copy of the log as it was before its last change. */
  readonly older: string;
  readonly copy: string;
}

interface FileFault extends Fault<Place> {
  /** Prepares the folder before the store is made. */
  readonly prepare?: (place: Place, scene: Scene) => void;
}

/** Puts something in the log's place in one step: executors look all the time, and must not see it half written. */
function replace(log: string, content: string | Buffer): void {
  writeFileSync(`${log}.new`, content);
  renameSync(`${log}.new`, log);
}

const damaged = (name: string, damage: (log: string) => string | Buffer): FileFault => ({
  name,
  cause: 'STORE_CORRUPT',
  says: /log\.jsonl is damaged\. .* kill-switch recover/,
  begin({ log, copy }) {
    cpSync(log, copy);
    replace(log, damage(readFileSync(log, 'utf8')));
  },
  end: ({ log, copy }) => replace(log, readFileSync(copy)),
});

const lost = (name: string, begin: FileFault['begin'], end?: FileFault['end']): FileFault => ({
  name,
  cause: 'GENERATION_CHANGED',
  says: /(store is empty|store has lost).*kill-switch recover/,
  recover: true,
  begin,
  ...(end && { end }),
});

const FAULTS: readonly FileFault[] = [
  lost('with a log that was emptied', ({ log }) => truncateSync(log, 0)),
  lost('with a log that was cut off in an event', ({ log }) => truncateSync(log, readFileSync(log).length - 5)),
  lost('with a log that was deleted', ({ log }) => rmSync(log)),
  lost('restored from an older copy', ({ log, older }) => replace(log, readFileSync(older))),
  lost(
    'moved away, and back',
    ({ controls, copy }) => renameSync(controls, copy),
    ({ controls, copy }) => renameSync(copy, controls),
  ),
  lost('gone with everything in it', ({ directory, copy }) => renameSync(directory, copy)),
  damaged('with a log of text that is not JSON', () => 'hello\n'),
  damaged('with a log that is not UTF-8', () => Buffer.from([0xff, 0xfe, 0x0a])),
  damaged('with a log of JSON of the wrong shape', () => '{"flags":{}}\n'),
  damaged('with a log that was changed', (log) => log.replace('unverified:dana', 'unverified:evil')),
  {
    name: 'with a file in place of the executors’ folder',
    cause: 'STORE_CORRUPT',
    says: /a file where a folder belongs/,
    begin: ({ executors, copy }) => putFileInPlaceOf(executors, copy),
    end: ({ executors }) => rmSync(executors),
  },
];

/** Executors make their folder anew all the time, so this tries until it was quicker. */
function putFileInPlaceOf(folder: string, away: string): void {
  for (let tries = 0; ; tries += 1) {
    renameSync(folder, `${away}.${tries}`);
    try {
      writeFileSync(folder, '', { flag: 'wx' });
      return;
    } catch (error) {
      if (tries === 100) throw error;
    }
  }
}

const DISK_FAULTS: readonly FileFault[] = [
  {
    name: 'on a disk that became read-only',
    cause: 'STORE_READ_ONLY',
    says: /mounted read-only/,
    prepare: ({ controls }, scene) => mountItself(scene, controls),
    begin: ({ controls }) => remount(controls, 'ro'),
    end: ({ controls }) => remount(controls, 'rw'),
  },
  {
    name: 'where executors may no longer write',
    cause: 'STORE_READ_ONLY',
    says: /mounted read-only/,
    prepare: ({ executors }, scene) => mountItself(scene, executors),
    begin: ({ executors }) => remount(executors, 'ro'),
    end: ({ executors }) => remount(executors, 'rw'),
  },
  {
    name: 'on a disk that is full',
    cause: 'STORE_READ_ONLY',
    says: /disk .*is full/,
    prepare: ({ controls }, scene) => mountDisk(scene, controls, '1m'),
    begin: ({ controls }) => fill(join(controls, 'filler')),
    end: ({ controls }) => rmSync(join(controls, 'filler')),
  },
  {
    name: 'where the executors’ disk is full',
    cause: 'STORE_READ_ONLY',
    says: /disk is full/,
    prepare: ({ executors }, scene) => mountDisk(scene, executors, '16m'),
    begin: ({ executors }) => fill(join(executors, 'filler')),
    end: ({ executors }) => rmSync(join(executors, 'filler')),
  },
];

async function setUp(scene: Scene, prepare: FileFault['prepare']): Promise<Subject & Place> {
  const folder = scene.folder('faults');
  const directory = join(folder, 'switch');
  const place: Place = {
    directory,
    controls: join(directory, 'control/default'),
    executors: join(directory, 'executors/default'),
    log: join(directory, 'control/default/log.jsonl'),
    older: join(folder, 'older'),
    copy: join(folder, 'copy'),
  };
  prepare?.(place, scene);
  const control = await scene.live(fileControlStore({ directory }));
  cpSync(place.log, place.older);
  const executor = await scene.executor({ store: fileStore({ directory }) });
  const observer = await scene.observer({ store: fileStore({ directory }) });
  await scene.seen(control, [executor, observer]);
  const newcomer = () => scene.executor({ store: fileStore({ directory }), name: 'newcomer' });
  return { ...place, newcomer, control, executor, observer };
}

describe.concurrent('a file store', () => {
  for (const fault of FAULTS) {
    test(fault.name, { timeout: 60_000 }, async (context) => {
      await play(fault, await setUp(new Scene(context), fault.prepare));
    });
  }
});

describe.skipIf(!canMount()).concurrent('a file store', () => {
  for (const fault of DISK_FAULTS) {
    test(fault.name, { timeout: 60_000 }, async (context) => {
      await play(fault, await setUp(new Scene(context), fault.prepare));
    });
  }
});
