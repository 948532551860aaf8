// What `podrun completion SHELL` prints. Each script hands the line to `podrun __complete` and offers what it answers.

/** bash takes a word apart at `=` and `:` (COMP_WORDBREAKS) and wants only what is behind the last of them. */
const BASH = `# bash completion for podrun: source <(podrun completion bash)
_podrun() {
  local line=\${COMP_LINE:0:COMP_POINT} current=$2 kind word
  [[ $current == [=:] ]] && current=
  local whole=\${line##*[[:space:]]}
  local skip=\${whole%"$current"}
  COMPREPLY=()
  {
    read -r kind
    while IFS=$'\\t' read -r word _; do
      COMPREPLY+=("\${word#"$skip"}")
    done
  } < <("\${COMP_WORDS[0]}" __complete "$line" 2>/dev/null)
  # Files come from bash itself, when nothing else does.
  [[ $kind == files ]] || compopt +o default 2>/dev/null
  [[ $kind == nospace ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _podrun podrun
`;

const ZSH = `#compdef podrun
# zsh completion for podrun: source <(podrun completion zsh)
_podrun() {
  local kind line
  local -a lines candidates
  lines=("\${(@f)$(\${words[1]} __complete "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  kind=\${lines[1]}
  for line in "\${(@)lines[2,-1]}"; do
    [[ -z $line ]] && continue
    local word=\${line%%$'\\t'*}
    if [[ $line == *$'\\t'* ]]; then candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}"); else candidates+=("\${word//:/\\\\:}"); fi
  done
  if [[ $kind == nospace ]]; then _describe podrun candidates -S ''; else _describe podrun candidates; fi
  [[ $kind == files ]] && _files
  return 0
}
compdef _podrun podrun
`;

const FISH = `# fish completion for podrun: podrun completion fish | source
function __podrun_complete
    set -l answer (podrun __complete (commandline -cp) 2>/dev/null)
    test "$answer[1]" = files; and __fish_complete_path (commandline -ct)
    test (count $answer) -gt 1; and printf '%s\\n' $answer[2..-1]
end
complete -c podrun -f -a '(__podrun_complete)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
