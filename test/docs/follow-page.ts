import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { installPacked } from '../package/install-packed.ts';

/** What a page has fenced, and the text between the fence before it and this one. */
interface Block {
  readonly language: string;
  readonly text: string;
  readonly before: string;
}

function blocksOf(page: string, heading: string): readonly Block[] {
  const [, rest = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = rest.split(/^## /m);
  let end = 0;
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => {
    const before = section.slice(end, match.index);
    end = match.index + match[0].length;
    return { language: match[1] ?? '', text: match[2] ?? '', before };
  });
}

/**
 * What differs from run to run: ids, processes, how long something took, and what an executor has reported by then of
 * the work of the agent that is stopped.
 */
const steady = (text: string): string =>
  text
    .replace(/^(It hits agent [^.;]*).* (In flight there).*/gm, '$1. $2')
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'ID')
    .replace(/\S+\/\d+/g, 'PROCESS')
    .replace(/(applied +\d+ +\d+ +\d+ +)\d+/g, '$1#')
    .replace(/\d+ ms/g, '# ms')
    .replace(/ +/g, ' ');

const includesAll = (output: string, expected: string): boolean => {
  let from = 0;
  return expected.split('\n').every((line) => {
    const at = steady(output).indexOf(steady(line).trimEnd(), from);
    from = at;
    return at >= 0;
  });
};

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Not in ${seconds} s: ${what}`);
    await sleep(50);
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // nothing of it runs any more
  }
}

interface Started {
  readonly line: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output: string;
}

export interface Following {
  /** What stands for a text of the page here, such as an address of a server. */
  readonly edit: (text: string) => string;
  readonly env?: Readonly<Record<string, string>>;
  /** True once a command that is left running can be used. */
  readonly isReady?: (line: string, folder: string) => boolean | Promise<boolean>;
}

/**
 * Does what a section of a page says, block by block, in an empty folder: types its commands, saves its programs, and
 * expects what it shows. A command of a block that is introduced with "leave … running" goes on until the end. Returns
 * what is still running.
 */
export async function follow(page: string, heading: string, { edit, env = {}, isReady }: Following) {
  const blocks = blocksOf(page, heading);
  const [, named = ''] = /^npm install (.*)$/m.exec(blocks[0]?.text ?? '') ?? [];
  const folder = installPacked({ without: ['ioredis'].filter((name) => !named.split(' ').includes(name)) });
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync('../openfeature-kill-switch/dist/operator/cli/main.js', join(folder, 'node_modules/.bin/kill-switch'));
  const variables: NodeJS.ProcessEnv = {
    ...process.env,
    KILL_SWITCH_OPERATOR: 'ann',
    npm_config_offline: 'true',
    ...env,
  };
  for (const name of ['KILL_SWITCH_STORE', 'KILL_SWITCH_PROFILE', 'NO_COLOR']) delete variables[name];

  function start(line: string): Started {
    // In a group of its own, since npx starts another process.
    const child = spawn('sh', ['-c', `exec ${edit(line)}`], { cwd: folder, env: variables, detached: true });
    const started: Started = {
      line,
      child,
      output: '',
      ended: new Promise((resolve) => child.once('close', (code) => resolve(code))),
    };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (started.output += chunk));
    onTestFinished(async () => {
      endGroup(Number(child.pid));
      await started.ended;
    });
    return started;
  }

  const running: Started[] = [];
  const agent = (): Started | undefined => running.find(({ line }) => line.startsWith('node '));
  const lastLine = (): string => agent()?.output.trimEnd().split('\n').at(-1) ?? '';
  let typed = '';
  const answers = async (line: string, wanted?: string): Promise<string> => {
    const seen = lastLine();
    const started = start(line);
    expect(await started.ended, `${line}\n${started.output}`).toBe(0);
    if (agent() && / (mode|kill|revive) /.test(line)) await until(`the agent obeys ${line}`, () => lastLine() !== seen);
    // A change may be on its way to whoever is asked, as through flagd.
    if (wanted === undefined || includesAll(started.output, wanted)) return started.output;
    expect(line.startsWith('node '), `${line}\nprinted\n${started.output}\nand not\n${wanted}`).toBe(true);
    await sleep(200);
    return answers(line, wanted);
  };

  for (const [index, { language, text, before }] of blocks.entries()) {
    switch (language) {
      case 'ts': {
        const [, file] = /[Ss]ave (?:it|this) as \*\*([\w.]+)\*\*/.exec(before) ?? [];
        expect(file, `where to save a program, in: ${before}`).toBeDefined();
        writeFileSync(join(folder, file ?? ''), edit(text));
        break;
      }
      case 'sh': {
        const next = blocks[index + 1];
        const shown = next?.language === 'text' ? next : undefined;
        const [, firstRun] = /first run prints `([^`]+)`/.exec(shown?.before ?? '') ?? [];
        const lines = text.trim().split('\n');
        const isLeft = /leave (it|both) running/.test(before) || (text.startsWith('flagd ') && running.length > 0);
        typed = '';
        for (const [at, line] of lines.entries()) {
          const [, name, value] = /^export (\w+)=(.*)$/.exec(line) ?? [];
          if (line.startsWith('npm install ')) {
            for (const each of line.split(' ').slice(2))
              expect(existsSync(join(folder, 'node_modules', each))).toBe(true);
          } else if (name) variables[name] = edit(value ?? '');
          else if (isLeft) {
            running.push(start(line));
            await until(`${line} can be used`, () => isReady?.(line, folder) ?? true);
          } else {
            const isLast = at === lines.length - 1;
            typed += await answers(line, line.startsWith('node ') ? (isLast ? shown?.text : firstRun) : undefined);
          }
        }
        break;
      }
      case 'text': {
        const isOfAgent = /agent's terminal/.test(before) || /leave it running/.test(blocks[index - 1]?.before ?? '');
        const output = (): string => (isOfAgent ? (agent()?.output ?? '') : typed);
        if (isOfAgent) await until(`the agent prints\n${text}`, () => includesAll(output(), text)).catch(() => {});
        if (!includesAll(output(), text)) expect(steady(output())).toBe(steady(text));
        break;
      }
      default:
        throw new Error(`A block of ${language} can be neither typed, saved nor compared.`);
    }
  }
  return { folder, running, blocks, agent: agent(), type: (line: string) => answers(line) };
}
