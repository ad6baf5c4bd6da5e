import { isKillSwitchError, KillSwitchError, type KillSwitchErrorCode, messageOf } from '../../flags/index.ts';

/** The system's name for what went wrong (`ENOENT`), or undefined. */
export const errnoOf = (error: unknown): string | undefined => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
};

/** The error of a connection that has been closed. */
export const closedError = (): KillSwitchError =>
  new KillSwitchError('CLOSED', 'This connection to the file store has been closed.');

const MEND: Readonly<Record<string, string>> = {
  EACCES: 'This user has no permission; give it some, or run as the user who owns the folder.',
  EPERM: 'The system does not permit it; look at the owner and the attributes of the folder.',
  EROFS: 'The file system is mounted read-only; mount it writable.',
  ENOSPC: 'The disk is full; free some space or inodes.',
  EDQUOT: "This user's disk quota is used up; free some space.",
  EFBIG: 'The file has reached the limit for this process (ulimit -f) or this file system.',
  EIO: 'The disk reports an error; look at the system log.',
  EMFILE: 'This process has too many open files; raise its limit.',
  ENFILE: 'The machine has too many open files.',
  EISDIR: 'There is a folder where a file belongs; move it away.',
  ENOTDIR: 'There is a file where a folder belongs; move it away.',
  ENAMETOOLONG: 'The path is too long for this file system; choose a shorter directory.',
};

const CANNOT_WRITE = new Set(['EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EFBIG']);
const WRONG_SHAPE = new Set(['EISDIR', 'ENOTDIR']);

function codeOf(errno: string, doing: 'read' | 'written'): KillSwitchErrorCode {
  if (errno === 'EACCES') return 'NOT_PERMITTED'; // trying again cannot mend it
  if (WRONG_SHAPE.has(errno)) return 'CORRUPT';
  return doing === 'written' && CANNOT_WRITE.has(errno) ? 'STORE_READ_ONLY' : 'STORE_UNREACHABLE';
}

/**
 * An error of the system about a file, as one of this package with the path and how to mend it. Errors of this package
 * pass through.
 */
export function fileError(error: unknown, doing: 'read' | 'written', path: string): KillSwitchError {
  if (isKillSwitchError(error)) return error;
  const errno = errnoOf(error) ?? '';
  const code = codeOf(errno, doing);
  const why = Object.hasOwn(MEND, errno) ? `${errno}. ${MEND[errno]}` : `${messageOf(error)}.`;
  return new KillSwitchError(code, `${path} cannot be ${doing}: ${why}`, { cause: error });
}

/** Says how it is mended: the log goes on from a state of which the file is gone or was changed. */
export class LostBeginning extends KillSwitchError {}

/** The error of a log that could not be read, with how to mend it. */
export const logError = (error: unknown, path: string): KillSwitchError =>
  isKillSwitchError(error) && error.code === 'CORRUPT' && !(error instanceof LostBeginning)
    ? damagedLog(path, error)
    : fileError(error, 'read', path);

const damagedLog = (path: string, error: KillSwitchError): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is damaged. ${error.message} Keep a copy of it, put a good one in its place (or cut it off before the first bad line), kill again what must not run, and only then: kill-switch recover --reason "…"`,
    { cause: error },
  );
