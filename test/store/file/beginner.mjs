// An operator's process for the tests of two that begin at once: begins or recovers each store that it is given, at the
// moment given with it, and prints what came of it. node beginner.mjs; a line of its input is "init | recover",
// DIRECTORY and MOMENT (by Date.now()), with tabs between
import { createInterface } from 'node:readline';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';

for await (const line of createInterface({ input: process.stdin })) {
  const [what, directory, moment] = line.split('\t');
  const plane = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
  const begin = () => (what === 'init' ? plane.init() : plane.recover({ create: true, reason: 'wiped' }));
  while (Date.now() < Number(moment));
  const outcome = await begin().then(
    () => 'begun',
    (error) => error.code,
  );
  await plane.close();
  process.stdout.write(`${outcome}\n`);
}
