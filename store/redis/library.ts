import { type Script, sha1 } from './scripts.ts';

/** One script of the library, before it is known what the whole is called. */
export interface LibraryScript {
  readonly name: string;
  readonly lua: string;
  /** It only reads, and runs when memory is full, too. */
  readonly noWrites: boolean;
}

/**
 * A library of Redis' functions: what executors and viewers may run, so that they need no right to run a text of their own. Such a text could run for ever, and
 * once it has written something, nobody could end it but by ending Redis. An operator's connection puts the library there, and Redis keeps it with its data.
 * Every version has its own, named by what is in it: executors of two versions each find theirs.
 */
export interface Library<K extends string> {
  readonly name: string;
  readonly text: string;
  readonly scripts: Readonly<Record<K, Script>>;
}

const flagsOf = ({ noWrites }: LibraryScript): string => (noWrites ? ' flags=no-writes' : '');

export function library<K extends string>(of: Readonly<Record<K, LibraryScript>>): Library<K> {
  const all = Object.entries<LibraryScript>(of);
  const version = sha1(JSON.stringify(all)).slice(0, 12);
  const nameOf = ({ name }: LibraryScript): string => `kill_switch_${name}_${version}`;
  const name = `kill_switch_${version}`;
  const register = (script: LibraryScript): string => `redis.register_function{
  function_name = '${nameOf(script)}',
  flags = { ${script.noWrites ? "'no-writes'" : ''} },
  callback = function(KEYS, ARGV)
${script.lua}
  end
}`;
  const scripts = all.map(([key, script]): [string, Script] => {
    const lua = `#!lua${flagsOf(script)}\n${script.lua}`;
    const command = script.noWrites ? 'FCALL_RO' : 'FCALL';
    return [key, { lua, sha: sha1(lua), inLibrary: { name: nameOf(script), command } }];
  });
  return {
    name,
    text: `#!lua name=${name}\n${all.map(([, script]) => register(script)).join('\n')}\n`,
    scripts: Object.fromEntries(scripts) as Record<K, Script>,
  };
}
