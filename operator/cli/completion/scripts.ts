import { COMPLETE } from './name.ts';

/** The shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

// Each calls the command as it was typed, so that it asks the version that will run. A word that ends with a colon goes
// on, so no space follows it.

/** Bash takes `:` and `=` for ends of words, so the command reads the line itself. */
const BASH = `# kill-switch: completion for bash. In ~/.bashrc: source <(kill-switch completion bash)
_kill_switch() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == $'\\tfiles' ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" ${COMPLETE} bash "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[:=/] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _kill_switch kill-switch
`;

const ZSH = `#compdef kill-switch
# kill-switch: completion for zsh. In ~/.zshrc, after compinit: source <(kill-switch completion zsh)
_kill-switch() {
  local line word
  local -a whole shown stems stemsShown typed
  typed=("\${(@Q)words[2,CURRENT-1]}")
  while IFS= read -r line; do
    if [[ $line == $'\\tfiles' ]]; then
      _files
      return
    fi
    word=\${line%%$'\\t'*}
    [[ $line == *$'\\t'* ]] && line="$word  -- \${line#*$'\\t'}"
    if [[ $word == *[:=/] ]]; then
      stems+=("$word")
      stemsShown+=("$line")
    else
      whole+=("$word")
      shown+=("$line")
    fi
  done < <("\${(Q)words[1]/#\\~/$HOME}" ${COMPLETE} zsh "\${typed[@]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)
  (( \${#stems} )) && compadd -S '' -l -d stemsShown -a stems
  (( \${#whole} )) && compadd -l -d shown -a whole
  return 0
}
if [[ \${funcstack[1]} == _kill-switch ]]; then
  _kill-switch "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _kill-switch kill-switch
fi
`;

const FISH = `# kill-switch: completion for fish. kill-switch completion fish > ~/.config/fish/completions/kill-switch.fish
function __kill_switch_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($words[1] ${COMPLETE} fish $words[2..-1] "$current" 2>/dev/null </dev/null)
  if test "$lines" = \\t'files'
    __fish_complete_path "$current"
  else
    printf '%s\\n' $lines
  end
end
complete -c kill-switch -f -a '(__kill_switch_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
