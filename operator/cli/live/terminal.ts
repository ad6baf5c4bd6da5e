import type { LiveTerminal } from '../io.ts';

// The other screen, without a cursor, where a line that is too long does not go on in the next one; and back.
const [ENTER, LEAVE] = ['\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J', '\u001b[?7h\u001b[?25h\u001b[?1049l'];

/** Ctrl-Z, which a terminal that hands out each key does not make a signal. */
const SUSPEND = '\u001a';

/** A process that runs on for so long was not suspended: nobody is there who could continue it. */
const UNSTOPPED_MS = 200;

/** The process's terminal; null where stdout is none, or one that can only print lines. */
export function liveTerminal(): LiveTerminal | null {
  const { stdin, stdout } = process;
  if (!stdout.isTTY || process.env['TERM'] === 'dumb') return null;
  return {
    // One that does not tell its size says 0.
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    write: (text) => void stdout.write(text),
    take({ onKey, onRedraw, onHangup }) {
      let inPlace = false;
      const enter = (): void => {
        if (stdin.isTTY) stdin.setRawMode(true);
        stdout.write(ENTER);
        inPlace = true;
      };
      const leave = (): void => {
        if (!inPlace) return;
        inPlace = false;
        stdout.write(LEAVE);
        if (stdin.isTTY) stdin.setRawMode(false);
      };
      let resuming: NodeJS.Timeout | undefined;
      const suspend = (whom: number): void => {
        leave();
        process.off('SIGTSTP', onSuspend);
        process.kill(whom, 'SIGTSTP');
        resuming = setTimeout(onContinue, UNSTOPPED_MS);
      };
      const onSuspend = (): void => suspend(process.pid);
      const onData = (text: string): void => {
        if (text === SUSPEND)
          suspend(0); // the whole job, as the terminal itself would
        else onKey(text);
      };
      const onContinue = (): void => {
        clearTimeout(resuming);
        process.off('SIGTSTP', onSuspend).on('SIGTSTP', onSuspend);
        leave();
        enter();
        onRedraw();
      };
      process.once('exit', leave); // also after an error that nobody has caught
      process.on('SIGCONT', onContinue).on('SIGTSTP', onSuspend).once('SIGHUP', onHangup);
      stdout.on('resize', onRedraw);
      if (stdin.isTTY) stdin.setEncoding('utf8').on('data', onData);
      enter();
      return () => {
        process.off('exit', leave);
        clearTimeout(resuming);
        process.off('SIGCONT', onContinue).off('SIGTSTP', onSuspend).off('SIGHUP', onHangup);
        stdout.off('resize', onRedraw);
        if (stdin.isTTY) stdin.off('data', onData).pause();
        leave();
      };
    },
  };
}
