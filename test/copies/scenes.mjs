// Two copies of the built package in one process. Plays one scene and prints what it saw as JSON.
// node scenes.mjs SCENE FOLDER-OF-THE-FIRST-COPY FOLDER-OF-THE-SECOND FOLDER-OF-THE-STORE
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [scene, firstFolder, secondFolder, directory] = process.argv.slice(2);
/** @type {(folder: string | undefined, file: string) => Promise<any>} */
const load = async (folder, file) => import(pathToFileURL(`${folder}/dist/${file}`).href);
/** @type {(folder: string | undefined) => Promise<any>} */
const copy = async (folder) => ({
  ...(await load(folder, 'index.js')),
  ...(await load(folder, 'store/file/index.js')),
});
const [first, second] = [await copy(firstFolder), await copy(secondFolder)];
const { OpenFeature, InMemoryProvider } = await import('@openfeature/server-sdk');

const { openControlPlane } = await load(firstFolder, 'operator/index.js');
const { fileControlStore } = await load(firstFolder, 'store/file/control.js');
const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'ann' } });
await control.init();
await control.setMode({ mode: 'live', reason: 'test' });

/** @type {(copy: any, domain?: string) => Promise<any>} */
const onStore = ({ createKillSwitch, fileStore }, domain) =>
  createKillSwitch({
    store: fileStore({ directory }),
    domain,
    agentId: 'worker',
    executor: { name: `e-${Math.random()}` },
  });
/** @type {(copy: any, mode: string, domain?: string) => Promise<any>} */
const onProvider = ({ createKillSwitch }, mode, domain) => {
  const variants = { live: 'live', full_stop: 'full_stop' };
  const flag = { variants, defaultVariant: mode, disabled: false };
  return createKillSwitch({ provider: new InMemoryProvider({ 'kill-switch.mode': flag }), domain, agentId: 'worker' });
};
/** @type {(opening: Promise<any>) => Promise<any>} */
const tried = async (opening) => {
  try {
    return await opening;
  } catch (error) {
    const { code, message } = Object(error);
    return { refused: { code, message } };
  }
};
/** @type {(opening: Promise<any>) => Promise<any>} */
const refusal = async (opening) => (await tried(opening)).refused ?? 'it opened';
/** @type {(killSwitch: any) => Promise<any>} */
const act = async (killSwitch) => {
  const { status, decision } = await killSwitch.action({ name: 'work.do', execute: () => 1 }).attempt(undefined);
  return { status, cause: decision.cause };
};
/** The answer to a careless client on a domain for which nobody has set a provider. */
const careless = () => OpenFeature.getClient('nobody').getStringValue('kill-switch.mode', 'live');

/** @type {Record<string, () => Promise<unknown>>} */
const SCENES = {
  async 'one domain'() {
    const mine = await onStore(first);
    const refused = await refusal(onStore(second));
    return { refused, after: await act(mine) };
  },
  async 'one domain, a provider alone'() {
    const mine = await onProvider(first, 'live');
    const refused = await refusal(onProvider(second, 'live'));
    const again = await refusal(onProvider(first, 'live'));
    return { refused, again, after: await act(mine) };
  },
  async 'at the same time'() {
    const opened = await Promise.all([onStore(first), onStore(second), onStore(first)].map(tried));
    const [mine, ...others] = opened;
    return { others: others.map(({ refused }) => refused?.code), after: await act(mine) };
  },
  async 'closed before'() {
    await (await onStore(first)).close();
    return { after: await act(await onStore(second)) };
  },
  async 'two domains'() {
    const switches = [await onStore(first, 'a'), await onStore(second, 'b'), await onProvider(second, 'live', 'c')];
    const before = await Promise.all(switches.map(act));
    await control.kill({ target: 'agent:worker', reason: 'test' });
    const killed = await Promise.all(switches.slice(0, 2).map(act));
    return { hooks: OpenFeature.getHooks().length, careless: await careless(), before, killed };
  },
  async 'taken over'() {
    const mine = await onStore(first);
    const before = await act(mine);
    const other = await tried(onStore(second));
    const taken = await act(mine);
    await other.close?.();
    const afterwards = await act(mine);
    await mine.close();
    return { before, taken, afterwards, anew: await act(await onStore(first)), careless: await careless() };
  },
  async 'taken over, a provider alone'() {
    const mine = await onProvider(first, 'full_stop');
    await onProvider(second, 'live');
    return { taken: await act(mine) };
  },
  async 'taken over while it works'() {
    const mine = await onProvider(first, 'live');
    const working = mine
      .action({
        name: 'work.long',
        execute: (/** @type {unknown} */ _, /** @type {any} */ { signal }) =>
          new Promise((end) => signal.addEventListener('abort', end)),
      })
      .attempt(undefined);
    await sleep(50);
    OpenFeature.setProvider('kill-switch', new InMemoryProvider({}));
    const { status, decision } = await working;
    return { status, cause: decision.cause };
  },
  async 'a store of the other'() {
    const mine = await onStore({ createKillSwitch: first.createKillSwitch, fileStore: second.fileStore });
    const acted = await act(mine);
    await control.kill({ target: 'agent:worker', reason: 'test' });
    const error = await mine
      .action({ name: 'a.b', execute: () => 1 })(undefined)
      .catch((/** @type {unknown} */ thrown) => thrown);
    return { acted, known: second.isActionStoppedError(error) };
  },
};
console.log(JSON.stringify(await SCENES[scene ?? '']?.()));
process.exit(0);
