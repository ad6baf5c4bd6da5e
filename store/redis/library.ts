import { type Script, sha1 } from './scripts.ts';
import { mapRows, rowsOf } from './table.ts';

/** One script of the library, before it is known what the whole is called. */
export interface LibraryScript {
  readonly name: string;
  readonly lua: string;
  /** It only reads, and runs when memory is full, too. */
  readonly noWrites: boolean;
}

/**
 * A library of Redis' functions: what executors and viewers may run, so that they need no right to run a text of their
 * own. Such a text could run for ever, and once it has written something, nobody could end it but by ending Redis. An
 * operator's connection puts the library there, and Redis keeps it with its data. Every version has its own, named by a
 * digest of all that is in it: executors of two versions each find theirs, and operators of two versions never replace
 * each other's. One of that name with another text is nobody's version, and is replaced.
 */
export interface Library<K extends string> {
  readonly name: string;
  readonly text: string;
  readonly scripts: Readonly<Record<K, Script>>;
}

const flagsOf = ({ noWrites }: LibraryScript): string => (noWrites ? ' flags=no-writes' : '');

export function library<K extends string>(of: Readonly<Record<K, LibraryScript>>): Library<K> {
  const all = rowsOf(of);
  const register = (script: LibraryScript, version: string): string => `redis.register_function{
  function_name = 'kill_switch_${script.name}_${version}',
  flags = { ${script.noWrites ? "'no-writes'" : ''} },
  callback = function(KEYS, ARGV)
${script.lua}
  end
}`;
  const textOf = (version: string): string =>
    `#!lua name=kill_switch_${version}\n${all.map(([, script]) => register(script, version)).join('\n')}\n`;
  const version = sha1(textOf('')).slice(0, 12);
  const scripts = mapRows(of, (script): Script => {
    const lua = `#!lua${flagsOf(script)}\n${script.lua}`;
    const command = script.noWrites ? 'FCALL_RO' : 'FCALL';
    return { lua, sha: sha1(lua), inLibrary: { name: `kill_switch_${script.name}_${version}`, command } };
  });
  return {
    name: `kill_switch_${version}`,
    text: textOf(version),
    scripts,
  };
}
