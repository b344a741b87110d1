import { type CompletedCommand, valuesAfter } from './completion-tree.ts'

/** With the description of each word. `path` is zsh's own name for something else. */
export function zshScript(tree: readonly CompletedCommand[]): string {
  const { files, choices, anything } = valuesAfter(tree)
  const values = [
    ...choices.map(({ at, words }) => `(${patterns(at)}) compadd -- ${words.join(' ')}; return ;;`),
    ...(files.length === 0 ? [] : [`(${patterns(files)}) _files; return ;;`]),
    ...(anything.length === 0 ? [] : [`(${patterns(anything)}) return ;;`]),
  ]
  const words = tree.map(({ path, commands, options }) => {
    const named = commands.map(({ name, description }) => described(name, description))
    const flagged = options.flatMap(({ flags, description }) => flags.map((flag) => described(flag, description)))
    return `('${path}') commands=(${named.join(' ')}); options=(${flagged.join(' ')}) ;;`
  })
  const paths = tree.map(({ path }) => path).filter((path) => path !== '')
  return `#compdef guestlift
# Completion of guestlift for zsh: guestlift completion zsh > "\${fpath[1]}/_guestlift"
_guestlift() {
  local level='' next i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    next="\${level:+$level }\${words[i]}"
    case "$next" in
      (${patterns(paths)}) level=$next ;;
    esac
  done
  case "$level \${words[CURRENT-1]}" in
    ${values.join('\n    ')}
  esac
  case "$level" in
    ${words.join('\n    ')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o option options
  elif ((\${#commands})); then _describe command commands
  else _files
  fi
}
# Loaded by its file's name, the function is called; read as a script, it is announced.
if [[ \${funcstack[1]-} == _guestlift ]]; then _guestlift "$@"; else compdef _guestlift guestlift; fi
`
}

const patterns = (texts: readonly string[]) => texts.map((text) => `'${text}'`).join('|')
const described = (word: string, description: string) => `'${word}:${description.replaceAll(':', '\\:')}'`
