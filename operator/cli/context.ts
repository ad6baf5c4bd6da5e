import { dirname } from 'node:path';
import { oddity, printable, shownId } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { openControlPlane } from '../open.ts';
import { withReach } from './advice.ts';
import type { Context } from './command.ts';
import { ENDS_AGAIN } from './ends-again.ts';
import { withoutCredentials } from './output.ts';
import { write } from './print.ts';
import { profilesFile } from './profiles.ts';
import { written } from './text.ts';
import { cleared, type Io } from './io.ts';
import type { Typed, Where } from './where.ts';

/** The options that every verb takes. */
export type Globals = Typed & { readonly json?: true };

/** After so many milliseconds without an answer, a note says what the command waits for. */
const PATIENCE_MS = 1000;
const CLOSE_MS = 2000;
/** How long to wait for a snapshot, which spares the next command reading the whole log. */
const SETTLE_MS = 30_000;
/** Progress is shown for a log of at least so many bytes, at most this often, in milliseconds. */
const [LONG_LOG_BYTES, SHOWN_EVERY_MS] = [16 * 1024 * 1024, 250];

/** How long a store is asked that somebody does not wait for, in milliseconds. */
const HASTE = { requestTimeoutMs: 500, retryMs: 500 } as const;

/** What a verb is run with. */
interface Running {
  readonly json: boolean;
  readonly where: Where;
  readonly io: Io;
  /** Added to by what is warned of. */
  readonly warnings: string[];
  /** True: a store that does not answer at once is given up. */
  readonly haste?: true;
}

/** Runs a verb with its context, and closes what that has opened. */
export async function withContext(
  { json, where, io, warnings, haste }: Running,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  let opened: Promise<ControlPlane> | undefined;
  let waiting: NodeJS.Timeout | undefined;
  let diverted: ((line: string) => void) | null = null;
  const context: Context = {
    get organizationId() {
      return where.found.organizationId;
    },
    json,
    screen: io.screen,
    live: io.live,
    get store() {
      return where.found.store;
    },
    get settings() {
      return dirname(profilesFile(io.env));
    },
    get place() {
      return where.found;
    },
    control({ operate, alerts = false } = { operate: false }) {
      opened ??= (async () => {
        const { store, organizationId, operatorId, notes } = where.found;
        const operator = { id: operatorId ?? io.user() };
        for (const id of [organizationId, operator.id]) warnOf(id, context.note, warnings);
        for (const line of notes) context.note(line);
        const { location } = store;
        where.acted = { location, organizationId };
        waiting = setTimeout(() => context.note(`Waiting for ${location} … (Ctrl-C gives up)`), PATIENCE_MS);
        const onTrouble = (problem: string): void => context.note(problem === '' ? ENDS_AGAIN : problem);
        return openControlPlane({
          store: await store.control(),
          organizationId,
          operator,
          operate,
          alerts,
          onTrouble,
          onReading: shown(context, io.watched),
          ...(haste && HASTE),
        });
      })();
      return opened;
    },
    advice: (sentence) => withReach(sentence, where.reach),
    note(line) {
      const text = withoutCredentials(printable(withReach(line, where.reach)));
      if (diverted) diverted(text);
      else io.err(`${cleared(io)}${text}\n`);
    },
    divertNotes: (to) => void (diverted = to),
    async say(lines, recorded) {
      if (context.json) return;
      context.progress('');
      await write(io, `${written(lines, io.screen?.colours === true)}\n`, recorded);
    },
    async ask(lines) {
      clearTimeout(waiting);
      if (!io.ask || json) return null;
      const shown = lines.map((line) => withoutCredentials(printable(withReach(line, where.reach))));
      return io.ask(`${cleared(io)}${shown.join('\n')}`);
    },
    progress(line) {
      clearTimeout(waiting);
      if (io.watched) io.err(`${cleared(io)}${printable(line)}`);
    },
    reached(line) {
      context.progress(line);
      if (!io.watched) context.note(line);
    },
    untilInterrupted({ waits } = { waits: false }) {
      if (!waits) clearTimeout(waiting);
      return io.untilInterrupted();
    },
  };
  try {
    await work(context);
  } finally {
    clearTimeout(waiting);
    await closeQuietly(opened);
  }
}

/** Warns of an id that is easily mistaken for another. It is used exactly as typed. */
export function warnOf(id: unknown, note: Context['note'], warnings: string[]): void {
  if (typeof id !== 'string') return;
  const problem = oddity(id);
  if (problem === null) return;
  const warning = `Warning: ${shownId(id)} ${problem}. It is used exactly as it was typed; an id that only looks the same is another one.`;
  warnings.push(warning);
  note(warning);
}

/** Closes the connection. Failing to close it in time does not change the answer. */
async function closeQuietly(opened: Promise<ControlPlane> | undefined): Promise<void> {
  for (const [ms, end] of [
    [SETTLE_MS, (control: ControlPlane) => control.settled()],
    [CLOSE_MS, (control: ControlPlane) => control.close()],
  ] as const) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([opened?.then(end).catch(() => {}), late]);
    clearTimeout(timer);
  }
}

/**
 * Shows the progress of reading a long log, so that the command does not seem to hang. Without a terminal it notes one
 * line for each tenth.
 */
function shown(context: Context, watched: boolean): (bytes: number, of: number) => void {
  const begun = performance.now();
  let last = begun;
  let noted = -1;
  return (bytes, of) => {
    const now = performance.now();
    if (of < LONG_LOG_BYTES || now - last < SHOWN_EVERY_MS) return;
    last = now;
    const line = `Reading the log: ${Math.round(bytes / 1e6)} of ${Math.round(of / 1e6)} MB`;
    context.progress(line);
    const part = Math.floor((10 * bytes) / of);
    if (!watched && now - begun > PATIENCE_MS && part > noted) {
      noted = part;
      context.note(line);
    }
  };
}
