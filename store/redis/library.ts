import { type Script, sha1 } from './scripts.ts';
import { mapRows, rowsOf } from '../../flags/table.ts';

/** One script of the library, before the library's name is known. */
export interface LibraryScript {
  readonly name: string;
  readonly lua: string;
  /** True for a script that only reads: it also runs when memory is full. */
  readonly noWrites: boolean;
}

/**
 * A library of Redis functions, which executors and viewers run instead of scripts of their own. A script of theirs
 * could run for ever, and once it had written something, only ending Redis would end it. An operator's connection puts
 * the library into Redis, which keeps it with its data. Its name has a digest of its text: executors of two versions
 * each find their own, and operators of two versions never replace each other's. A library of that name with another
 * text is replaced.
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
