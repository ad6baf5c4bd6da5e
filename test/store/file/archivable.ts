import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../../operator/index.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { appendHistory, lastEvent } from './generate-log.ts';

/** So many events make a log of which a state is kept. */
const WORTH = 8000;

const opened = (directory: string): Promise<ControlPlane> =>
  openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });

/** An operator of a folder, until the test is over. */
export async function planeOf(directory: string): Promise<ControlPlane> {
  const control = await opened(directory);
  onTestFinished(() => control.close());
  return control;
}

/** Lets a log grow until another state is kept. Returns its epoch. */
export async function growToState(directory: string, log: string): Promise<number> {
  appendHistory(log, lastEvent(log), WORTH);
  const operator = await opened(directory);
  const { epoch } = await operator.kill({ target: `run:${randomUUID()}` });
  await operator.settled();
  await operator.close();
  return epoch;
}

/** Lets it grow so far that the last state may be archived. */
export const growOn = (log: string): void => void appendHistory(log, lastEvent(log), 1200);

/** A switch in a folder, with a log that can be archived up to `epoch`. */
export async function archivable() {
  const { path } = temporaryFolder('archive');
  const directory = join(path, 'switch');
  const log = join(directory, 'control', 'default', 'log.jsonl');
  const first = await opened(directory);
  await first.init();
  await first.close();
  const epoch = await growToState(directory, log);
  growOn(log);
  return {
    ...{ path, directory, log, epoch },
    control: dirname(log),
    file: join(path, 'archive.jsonl'),
    /** How many bytes of the disk the log takes. */
    onDisk: (): number => statSync(log).blocks * 512,
  };
}
