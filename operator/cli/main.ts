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
      return `uid-${process.getuid?.() ?? 'unknown'}`; // a container may run under a number that has no name
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

// It ends by itself when nothing is left to do; should a driver have left something open, it ends all the same.
setTimeout(() => process.exit(), 500).unref();
