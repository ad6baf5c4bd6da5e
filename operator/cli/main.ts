#!/usr/bin/env node
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { missingPackage } from '../../store/optional-package.ts';
import { COMPLETE } from './completion/name.ts';
import { liveTerminal } from './live/terminal.ts';
import { stdoutWriter } from './stdout.ts';

process.stderr.on('error', () => {});

/** Asks on the terminal. Ctrl-C, and the end of what is typed, are no answer. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ending = new AbortController();
  for (const event of ['close', 'SIGINT'] as const) lines.once(event, () => ending.abort());
  try {
    return await lines.question(question, { signal: ending.signal });
  } catch {
    return '';
  } finally {
    lines.close();
  }
}

let interrupted: AbortController | undefined;
const argv = process.argv.slice(2);

// Loaded here and not above: nothing can catch that a static import finds no package.
const { runCommand } = await import('./program.ts').catch((error: unknown) => {
  const missing = missingPackage(error);
  if (missing === null) throw error;
  const detail = `kill-switch needs the package ${missing}, which is not installed: npm install ${missing}`;
  if (argv.includes('--json')) console.log(JSON.stringify({ detail, code: 'MISSING_PACKAGE' }));
  console.error(detail);
  process.exit(1);
});

process.exitCode = await runCommand({
  argv,
  env: process.env,
  cwd: () => process.cwd(),
  user() {
    try {
      return userInfo().username;
    } catch {
      return `uid-${process.getuid?.() ?? 'unknown'}`; // a container may run under a uid without a name
    }
  },
  out: stdoutWriter(),
  err: (text) => void process.stderr.write(text),
  watched: process.stderr.isTTY === true && process.env['TERM'] !== 'dumb', // which cannot clear a line
  // `hasColors` heeds NO_COLOR, FORCE_COLOR and TERM=dumb. A terminal that does not tell its width says 0.
  screen: process.stdout.isTTY ? { columns: process.stdout.columns || 80, colours: process.stdout.hasColors() } : null,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  live: liveTerminal(),
  untilInterrupted() {
    if (!interrupted) {
      const controller = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
      interrupted = controller;
    }
    return interrupted.signal;
  },
});

// The process ends by itself when nothing is left to do. If a driver has left something open, this ends it. Whoever has
// pressed Tab waits for that end.
setTimeout(() => process.exit(), argv[0] === COMPLETE ? 0 : 500).unref();
