import { parseArgs } from 'node:util';
import { startRedis, type RedisServer, stopAll, temporaryFolder } from '../test/servers/index.ts';
import { appends } from './appends.ts';
import { approvals } from './approvals.ts';
import { drill } from './drill.ts';
import { evaluations } from './evaluations.ts';
import { fanOut } from './fan-out.ts';
import { guard } from './guard.ts';
import { journal } from './journal.ts';
import { loading } from './loading.ts';
import { longLog } from './long-log.ts';
import { machine, versions } from './machine.ts';
import type { Bench, Measurement, Switches } from './measurement.ts';
import { millionKills } from './million-kills.ts';
import { oneMoreKill } from './one-more-kill.ts';
import { PAGE, writePage } from './page.ts';
import { makeSwitches } from './switches.ts';
import { reservations } from './reservations.ts';
import { formatTable, type Report, type Result } from './results.ts';

/** Every number, in the order in which they are shown. To add one, write its file and name it here. */
const MEASUREMENTS: readonly Measurement[] = [
  millionKills,
  evaluations,
  guard,
  journal,
  approvals,
  fanOut,
  drill,
  loading,
  oneMoreKill,
  appends,
  longLog,
  reservations,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    /** Puts the table into docs/performance.md. */
    write: { type: 'boolean', default: false },
    /** Shows that everything runs; the numbers mean nothing. */
    quick: { type: 'boolean', default: false },
  },
});

const known = MEASUREMENTS.map(({ name }) => name);
const unknown = positionals.find((name) => !known.includes(name));
if (unknown !== undefined) throw new Error(`There is no measurement ${unknown}. There are: ${known.join(', ')}.`);
if (values.write && (values.quick || positionals.length > 0)) {
  throw new Error(`${PAGE} quotes a whole run: leave out --quick and names.`);
}

const started = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};
const folder = temporaryFolder('bench');
let redis: Promise<RedisServer> | undefined;
let switches: Promise<Switches> | undefined;
const bench: Bench = {
  quick: values.quick,
  folder: folder.path,
  redis: () => (redis ??= startRedis()),
  switches: () => (switches ??= fill(values.quick ? 300 : 100_000)),
  say,
};

async function fill(kills: number): Promise<Switches> {
  say(`a switch with ${kills} kills and one with none, in Redis and in folders`);
  return makeSwitches(await bench.redis(), bench.folder, kills);
}

const results: Result[] = [];
try {
  for (const measurement of MEASUREMENTS) {
    if (positionals.length > 0 && !positionals.includes(measurement.name)) continue;
    results.push(...(await measurement.run({ ...bench, say: (text) => say(`${measurement.name}: ${text}`) })));
  }
} finally {
  await stopAll();
  folder.remove();
}
say('done');

const report: Report = { machine: machine(), versions: versions(), results };
if (values.write) writePage(report);
process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : formatTable(report)}\n`);
