import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './file-errors.ts';

/** How often the file is looked at, whatever the system reports, in milliseconds. */
const POLL_MS = 100;

/**
 * Calls back when the file may have changed, appeared or gone. The system reports that at once where it can. Because it
 * misses some changes (a folder that was replaced, no watches left), the file is looked at every 100 ms as well. Keeps
 * no process alive. The returned function ends it.
 * @param folder what the system is asked to report on; default: the one that the file is in
 */
export function watchLog(path: string, onChange: () => void, folder = dirname(path)): () => void {
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let known = '';

  const disarm = (): void => {
    watcher?.close();
    watcher = null;
  };
  const arm = (): void => {
    try {
      watcher = watch(folder, { persistent: false }, () => onChange());
      watcher.on('error', disarm);
    } catch {
      disarm(); // no such folder yet, or no watches left: tried again with the next look at the file
    }
  };
  const poll = async (): Promise<void> => {
    const found = await signature(path);
    if (ended) return;
    const another = found.file !== known.split(' ', 1)[0];
    if (another) disarm(); // the folder may be another one too
    if (!watcher) arm();
    if (found.whole !== known) {
      known = found.whole;
      onChange();
    }
    schedule(POLL_MS);
  };
  const schedule = (ms: number): void => {
    timer = setTimeout(() => void poll(), ms);
    timer.unref();
  };

  arm();
  schedule(0);
  return () => {
    ended = true;
    clearTimeout(timer);
    disarm();
  };
}

/** `file` differs between files, `whole` also between two states of one file. Never rejects. */
async function signature(path: string): Promise<{ readonly file: string; readonly whole: string }> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return { file: `${dev}:${ino}`, whole: `${dev}:${ino} ${size} ${mtimeNs} ${ctimeNs}` };
  } catch (error) {
    const errno = errnoOf(error) ?? 'unknown';
    return { file: errno, whole: errno };
  }
}
