import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { vi } from 'vitest';
import { mayMount } from '../store/file/harness.ts';
import type { Scene } from './scene.ts';

/** Prints once, where it is so, that full and read-only disks cannot be tested. */
export function canMount(): boolean {
  if (!mayMount)
    console.warn(
      'No file system can be mounted here (that takes root, and a container that permits it): full and read-only disks are skipped.',
    );
  return mayMount;
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** A disk of its own in place of this folder. */
export function mountDisk(scene: Scene, folder: string, size: string): void {
  mkdirSync(folder, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder);
  scene.own(folder, () => run('umount', '-l', folder));
}

/** Makes a folder a mount of its own, so that it can be made read-only. */
export function mountItself(scene: Scene, folder: string): void {
  mkdirSync(folder, { recursive: true });
  run('mount', '--bind', folder, folder);
  scene.own(folder, () => run('umount', '-l', folder));
}

/** The kernel refuses it while a file there is just being written. */
export function remount(folder: string, as: 'ro' | 'rw'): Promise<void> {
  return vi.waitFor(() => run('mount', '-o', `remount,${as},bind`, folder), { timeout: 5000, interval: 5 });
}

/** Writes until not one page more fits. */
export function fill(file: string): void {
  for (const size of [1024 * 1024, 4096]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
