#!/usr/bin/env node
import { userInfo } from 'node:os';
import { runCommand } from './program.ts';
import { stdoutWriter } from './stdout.ts';

process.stderr.on('error', () => {});

let interrupted: AbortController | undefined;

process.exitCode = await runCommand({
  argv: process.argv.slice(2),
  env: process.env,
  user() {
    try {
      return userInfo().username;
    } catch {
      return `uid-${process.getuid?.() ?? 'unknown'}`; // a container may run under a uid without a name
    }
  },
  out: stdoutWriter(),
  err: (text) => void process.stderr.write(text),
  watched: process.stderr.isTTY === true,
  untilInterrupted() {
    if (!interrupted) {
      const controller = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
      interrupted = controller;
    }
    return interrupted.signal;
  },
});

// The process ends by itself when nothing is left to do. If a driver has left something open, this ends it.
setTimeout(() => process.exit(), 500).unref();
