import type { ControlPlane } from '../control-plane.ts';
import { type Answer, type Context, EXIT, type ExitCode } from './command.ts';
import { ENDS_AGAIN } from './ends-again.ts';
import type { LiveTerminal } from './io.ts';
import { Canvas } from './live/canvas.ts';
import { frame } from './live/frame.ts';
import { firstView, keepLooking } from './live/look.ts';
import type { View } from './live/view.ts';

/** Ages tick once a second; what comes in between is drawn this often at most, in milliseconds. */
const [TICK_MS, DRAW_MS] = [1000, 200];

/** The byte of Ctrl-C, which a terminal that hands out each key does not make a signal. */
const INTERRUPT = '\u0003';

/** Shows the switch on the whole terminal, and shows it anew as it changes, until `q`, Ctrl-C or SIGTERM. */
export async function watchLive(context: Context, control: ControlPlane, terminal: LiveTerminal): Promise<Answer> {
  let view = await firstView(control); // where there is nothing to see, that is said on the screen as it was
  const ending = new AbortController();
  const interrupted = context.untilInterrupted();
  const signal = AbortSignal.any([interrupted, ending.signal]);
  let exitCode: ExitCode = EXIT.interrupted;
  const canvas = new Canvas(terminal, context.screen?.colours === true);
  const { location } = context.store;
  let next: NodeJS.Timeout | null = null;
  const draw = (): void => {
    if (next) clearTimeout(next);
    next = null;
    canvas.draw(frame(view, terminal.size(), Date.now(), { location, advice: context.advice }));
  };
  const change = (changed: View): void => {
    view = { ...changed, note: view.note };
    next ??= setTimeout(draw, DRAW_MS);
  };
  const giveBack = terminal.take({
    onKey(key) {
      if (key === 'q' || key === 'Q') exitCode = EXIT.done;
      else if (!key.includes(INTERRUPT)) return;
      ending.abort();
    },
    onRedraw() {
      canvas.forget();
      draw();
    },
    onHangup: () => ending.abort(),
  });
  context.divertNotes((note) => {
    view = { ...view, note: note === ENDS_AGAIN ? '' : note };
  });
  const ticking = setInterval(draw, TICK_MS);
  try {
    draw();
    await keepLooking(view, { control, signal, note: context.note, onView: change });
  } finally {
    clearInterval(ticking);
    if (next) clearTimeout(next);
    context.divertNotes(null);
    giveBack();
  }
  return { value: null, text: '', exitCode };
}
